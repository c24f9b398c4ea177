//! Index of a manifest, with which a page of it can be read without the rest.
//!
//! An index is small compared with its manifest: it contains one key for about every 64 KiB of rows, and the spans of the
//! directories that are larger than that. It does not contain the entries; they are read from the manifest's bytes with
//! [`ManifestReader::resuming`].

use std::collections::BTreeMap;

use super::{Directory, Header, ManifestError, ManifestReader, Row, TopHasher};
use crate::json::Value;
use crate::logical_key::common_prefix_len;
use crate::{LogicalKey, TopHash};

/// The distance of the keys in an index, and the minimum span of a directory in it, in bytes of rows.
const STRIDE_BYTES: u64 = 64 * 1024;

/// A range of rows: those of a directory, or of the whole package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// The offset of the first row.
    pub start: u64,
    /// The offset of the row after the last one, or the size of the manifest.
    pub end: u64,
    /// The number of entries.
    pub entries: u64,
    /// The sum of the entries' sizes.
    pub total_bytes: u128,
}

/// The index of a manifest whose rows are in tree order.
#[derive(Debug, Clone)]
pub struct Index {
    /// The header.
    pub header: Header,
    /// The metadata of directories.
    pub directories: BTreeMap<LogicalKey, Value>,
    /// The top hash of the bytes that were read, to be compared with the name of the manifest. It means nothing if an entry is
    /// [`not_built`](Self::not_built).
    pub top_hash: TopHash,
    /// The error of the first entry without a hash or a size. Such entries are indexed, and have no top hash.
    pub not_built: Option<ManifestError>,
    /// The span of all entries.
    pub whole: Span,
    marks: Vec<(LogicalKey, u64)>,
    /// Directories larger than the stride, in tree order, which is also the order of their first rows.
    large: Vec<(LogicalKey, Span)>,
    weight: usize,
}

/// Estimated memory of a key in the index, besides its characters, and of the parsed form of one byte of metadata.
const KEY_BYTES: usize = 120;
const METADATA_FACTOR: usize = 4;

impl Index {
    /// Returns the span of a directory, if it is larger than the index's stride of 64 KiB.
    #[must_use]
    pub fn large_directory(&self, directory: &LogicalKey) -> Option<Span> {
        let at = self.large.binary_search_by(|(path, _)| path.cmp(directory)).ok()?;
        self.large.get(at).map(|(_, span)| *span)
    }

    /// Returns the child of `parent` (`None` for the root) that is a directory larger than the stride and whose first row begins
    /// at `offset`.
    #[must_use]
    pub fn large_child_at(&self, parent: Option<&LogicalKey>, offset: u64) -> Option<(&LogicalKey, Span)> {
        let first = self.large.partition_point(|(_, span)| span.start < offset);
        let here = self
            .large
            .get(first..)?
            .iter()
            .take_while(|(_, span)| span.start == offset);
        let mut children = here.filter(|(path, _)| {
            let path = path.as_str();
            let name = match parent {
                None => Some(path),
                Some(parent) => path
                    .strip_prefix(parent.as_str())
                    .and_then(|rest| rest.strip_prefix('/')),
            };
            name.is_some_and(|name| !name.contains('/'))
        });
        children.next().map(|(path, span)| (path, *span))
    }

    /// Returns the offset at which to start reading for the first row that is not before `key`. About 64 KiB of earlier rows
    /// may have to be skipped.
    #[must_use]
    pub fn offset_before(&self, key: &LogicalKey) -> u64 {
        let following = self.marks.partition_point(|(mark, _)| mark < key);
        following
            .checked_sub(1)
            .and_then(|at| self.marks.get(at))
            .map_or(self.whole.start, |(_, offset)| *offset)
    }

    /// Returns an offset near the end, at which an entry begins; that of the end if there is none.
    #[must_use]
    pub fn last_mark(&self) -> u64 {
        self.marks.last().map_or(self.whole.end, |(_, offset)| *offset)
    }

    /// Estimates the memory of the index in bytes.
    #[must_use]
    pub fn estimate_bytes(&self) -> usize {
        self.weight
    }
}

/// A directory whose last row has not been read yet.
#[derive(Debug)]
struct OpenDirectory {
    /// The length of the directory's path in the keys of its entries.
    length: usize,
    span: Span,
}

/// Builds an index incrementally, and computes the top hash in the same pass.
#[derive(Debug)]
pub struct Indexer {
    reader: ManifestReader,
    hashed: Option<(Header, TopHasher)>,
    directories: BTreeMap<LogicalKey, Value>,
    entries: Entries,
    /// The estimated memory of header and directories.
    weight: usize,
}

/// The part of the index that describes entries.
#[derive(Debug, Default)]
struct Entries {
    whole: Span,
    marks: Vec<(LogicalKey, u64)>,
    large: Vec<(LogicalKey, Span)>,
    /// The directories that contain the last key, outermost first.
    open: Vec<OpenDirectory>,
    last: Vec<u8>,
    weight: usize,
}

impl Default for Indexer {
    fn default() -> Self {
        Self {
            reader: ManifestReader::new().tolerant(),
            hashed: None,
            directories: BTreeMap::new(),
            entries: Entries::default(),
            weight: 0,
        }
    }
}

impl Indexer {
    /// Adds the next bytes, in pieces of any size. Fails with [`ManifestError::OutOfOrder`] if rows are not in tree order;
    /// sort the manifest with [`Manifest::read`](super::Manifest::read) then, and index what it writes.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), ManifestError> {
        self.reader.push(bytes);
        self.drain()
    }

    /// Estimates the memory of the index so far, in bytes. Only metadata of directories can make it large.
    #[must_use]
    pub fn estimate_bytes(&self) -> usize {
        self.weight.saturating_add(self.entries.weight)
    }

    /// Returns the index of all bytes.
    pub fn finish(mut self) -> Result<Index, ManifestError> {
        self.reader.end();
        self.drain()?;
        let end = self.reader.offset();
        self.entries.close(0, end);
        let weight = self.estimate_bytes();
        let (header, hasher) = self.hashed.ok_or(ManifestError::Empty)?;
        let Entries {
            whole,
            marks,
            mut large,
            ..
        } = self.entries;
        // Directories were added when they ended.
        large.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let start = marks.first().map_or(end, |(_, offset)| *offset);
        Ok(Index {
            header,
            directories: self.directories,
            top_hash: hasher.finish(),
            not_built: self.reader.not_built().cloned(),
            whole: Span { start, end, ..whole },
            marks,
            large,
            weight,
        })
    }

    fn drain(&mut self) -> Result<(), ManifestError> {
        loop {
            let offset = self.reader.offset();
            if let Some((_, hasher)) = &mut self.hashed
                && hasher.entry_fast(&mut self.reader, |key, size| self.entries.add(key, size, offset))?
            {
                continue;
            }
            let Some(row) = self.reader.next_row()? else {
                return Ok(());
            };
            let line = self.reader.line();
            let length = usize::try_from(self.reader.offset() - offset).unwrap_or(usize::MAX);
            match (row, &mut self.hashed) {
                (Row::Header(header), _) => {
                    let hasher = TopHasher::new(&header);
                    self.weight = length.saturating_mul(METADATA_FACTOR);
                    self.hashed = Some((header, hasher));
                }
                (Row::Directory(directory), Some((_, hasher))) => {
                    hasher.directory(&directory, line)?;
                    let Directory { path, meta } = directory;
                    self.weight = self
                        .weight
                        .saturating_add(length.saturating_mul(METADATA_FACTOR) + KEY_BYTES);
                    self.directories.insert(path, meta);
                }
                (Row::Entry(entry), Some((_, hasher))) => {
                    hasher.entry(&entry, line)?;
                    self.entries
                        .add(entry.logical_key.as_str().as_bytes(), entry.size, offset);
                }
                // The first row is always the header.
                (Row::Directory(_) | Row::Entry(_), None) => return Err(ManifestError::Empty),
            }
        }
    }
}

impl Entries {
    /// Adds the next entry, with its key in UTF-8 and the offset of its row.
    fn add(&mut self, key: &[u8], size: u64, offset: u64) {
        let shared = common_prefix_len(&self.last, key);
        let still_open = self.open.iter().take_while(|open| open.length < shared).count();
        self.close(still_open, offset);
        let known = self.open.last().map_or(0, |open| open.length + 1);
        let deeper = key.iter().enumerate().skip(known).filter(|(_, byte)| **byte == b'/');
        for (length, _) in deeper {
            self.open.push(OpenDirectory {
                length,
                span: Span {
                    start: offset,
                    ..Span::default()
                },
            });
        }
        for span in self.open.iter_mut().map(|open| &mut open.span).chain([&mut self.whole]) {
            span.entries += 1;
            span.total_bytes += u128::from(size);
        }
        if self.marks.last().is_none_or(|(_, mark)| offset - mark >= STRIDE_BYTES) {
            self.weight += KEY_BYTES + key.len();
            self.marks.push((logical_key(key), offset));
        }
        self.last.clear();
        self.last.extend_from_slice(key);
    }

    /// Closes all open directories except for the outermost `keep`.
    fn close(&mut self, keep: usize, end: u64) {
        for open in self.open.drain(keep..) {
            let span = Span { end, ..open.span };
            if span.end - span.start > STRIDE_BYTES {
                let path = self.last.get(..open.length).unwrap_or_default();
                self.weight += KEY_BYTES + path.len();
                self.large.push((logical_key(path), span));
            }
        }
    }
}

fn logical_key(key: &[u8]) -> LogicalKey {
    LogicalKey::from_manifest(String::from_utf8_lossy(key).into_owned())
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;

    use super::*;
    use crate::Manifest;

    fn manifest(keys: &[String], padding: usize) -> Vec<u8> {
        let mut text = String::from("{\"version\": \"v0\", \"message\": null}\n");
        for (key, size) in keys.iter().zip(1..) {
            let _ = writeln!(
                text,
                r#"{{"logical_key":"{key}","physical_keys":["s3://b/k"],"size":{size},"hash":{{}},"meta":{{"pad":"{}"}}}}"#,
                "x".repeat(padding)
            );
        }
        Manifest::read(text.as_bytes()).unwrap().write().unwrap().0
    }

    fn index(bytes: &[u8], piece: usize) -> Index {
        let mut indexer = Indexer::default();
        for piece in bytes.chunks(piece) {
            indexer.push(piece).unwrap();
        }
        indexer.finish().unwrap()
    }

    fn keys_of(bytes: &[u8], start: u64, end: u64) -> Vec<String> {
        let mut reader = ManifestReader::resuming(start);
        reader.push(&bytes[usize::try_from(start).unwrap()..usize::try_from(end).unwrap()]);
        reader.end();
        let mut keys = Vec::new();
        while let Some(row) = reader.next_row().unwrap() {
            match row {
                Row::Entry(entry) => keys.push(entry.logical_key.as_str().to_owned()),
                _ => panic!("only entries follow the first entry"),
            }
        }
        keys
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn every_place_is_found_and_every_large_directory_is_known(
            keys in proptest::collection::btree_set("[ab](/[ab.!]{1,2}){0,3}", 1..60),
            padding in prop_oneof![Just(10usize), Just(9_000), Just(40_000)],
            piece in 1_000usize..200_000,
        ) {
            // A key that is a directory of another cannot be in a package.
            let keys: Vec<String> = keys.iter().filter(|key| {
                !keys.iter().any(|other| other.strip_prefix(key.as_str()).is_some_and(|rest| rest.starts_with('/')))
            }).cloned().collect();
            let bytes = manifest(&keys, padding);
            let index = index(&bytes, piece);
            prop_assert_eq!(index.whole.entries, keys.len() as u64);
            let all = keys_of(&bytes, index.whole.start, index.whole.end);
            prop_assert_eq!(all.len(), keys.len());
            for key in &all {
                let key = LogicalKey::from_manifest(key.clone());
                let from = index.offset_before(&key);
                let found = keys_of(&bytes, from, index.whole.end);
                let skipped = found.iter().take_while(|other| LogicalKey::from_manifest((*other).clone()) < key).count();
                prop_assert_eq!(&found[skipped], key.as_str());
                prop_assert!(skipped as u64 * (padding as u64) <= 2 * STRIDE_BYTES);
            }
            let directories: std::collections::BTreeSet<&str> =
                all.iter().flat_map(|key| key.match_indices('/').map(|(at, _)| &key[..at])).collect();
            for directory in directories {
                let path = LogicalKey::from_manifest(directory.to_owned());
                let within: Vec<&String> = all.iter().filter(|key| {
                    path.is_ancestor_of(&LogicalKey::from_manifest((*key).clone()))
                }).collect();
                match index.large_directory(&path) {
                    Some(span) => {
                        let keys = keys_of(&bytes, span.start, span.end);
                        prop_assert_eq!(keys.iter().collect::<Vec<_>>(), within.clone());
                        prop_assert_eq!(span.entries, within.len() as u64);
                        let parent = directory.rsplit_once('/').map(|(parent, _)| LogicalKey::from_manifest(parent.to_owned()));
                        prop_assert_eq!(index.large_child_at(parent.as_ref(), span.start), Some((&path, span)));
                        prop_assert_eq!(index.large_child_at(parent.as_ref(), span.start + 1), None);
                    }
                    None => prop_assert!((within.len() * padding) as u64 <= STRIDE_BYTES + 200 * within.len() as u64),
                }
            }
        }
    }

    #[test]
    fn an_index_hashes_what_it_reads_and_refuses_what_is_out_of_order() {
        let bytes = manifest(&["b".to_owned(), "a/x".to_owned()], 1);
        assert_eq!(
            index(&bytes, 7).top_hash,
            Manifest::read(&bytes).unwrap().top_hash().unwrap()
        );
        let text = String::from_utf8(bytes).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let turned = format!("{}\n{}\n{}\n", lines[0], lines[2], lines[1]);
        let mut indexer = Indexer::default();
        let refused = indexer.push(turned.as_bytes()).unwrap_err();
        assert_eq!(refused, ManifestError::OutOfOrder { line: 3 });
        assert_eq!(Indexer::default().finish().unwrap_err(), ManifestError::Empty);
    }
}
