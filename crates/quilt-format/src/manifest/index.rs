//! Where what stands in a manifest, so that a page of it can be read without the rest.
//!
//! An index is small, however large its manifest: it remembers one key for some 64 KiB of rows, and the extent of those
//! directories that are larger than that. It does not hold the entries; they are read from the manifest's
//! bytes with [`ManifestReader::resuming`].

use std::collections::{BTreeMap, HashMap};

use super::{Directory, Header, ManifestError, ManifestReader, Row, TopHasher};
use crate::json::Value;
use crate::logical_key::in_common;
use crate::{LogicalKey, TopHash};

/// One key is remembered for so many bytes of rows, and directories whose rows have more.
const STRIDE: u64 = 64 * 1024;

/// A stretch of rows: everything in a directory, or in the whole package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// Where its first row begins.
    pub start: u64,
    /// Where the row behind its last one begins, or the manifest ends.
    pub end: u64,
    /// How many entries it has.
    pub entries: u64,
    /// The sum of their sizes.
    pub total_bytes: u128,
}

/// The index of one manifest whose rows are in tree order.
#[derive(Debug, Clone)]
pub struct Index {
    /// The header.
    pub header: Header,
    /// The metadata of directories.
    pub directories: BTreeMap<LogicalKey, Value>,
    /// The top hash of what was read, whatever name the manifest has.
    pub top_hash: TopHash,
    /// All entries.
    pub whole: Span,
    marks: Vec<(LogicalKey, u64)>,
    large: HashMap<LogicalKey, Span>,
    weight: usize,
}

/// Memory for a remembered key beside its characters, and for the parsed form of a byte of metadata.
const KEY: usize = 120;
const METADATA: usize = 4;

impl Index {
    /// The extent of a directory, if it is one of the large ones.
    #[must_use]
    pub fn large(&self, directory: &LogicalKey) -> Option<Span> {
        self.large.get(directory).copied()
    }

    /// An offset from which on reading finds the first row that is not before `key`, behind 64 KiB of others or so.
    #[must_use]
    pub fn before(&self, key: &LogicalKey) -> u64 {
        let behind = self.marks.partition_point(|(mark, _)| mark < key);
        behind
            .checked_sub(1)
            .and_then(|at| self.marks.get(at))
            .map_or(self.whole.start, |(_, offset)| *offset)
    }

    /// About how many bytes of memory it takes.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.weight
    }
}

/// A directory whose rows are still coming.
#[derive(Debug)]
struct Open {
    /// The length of its path in the key of any of its entries.
    length: usize,
    span: Span,
}

/// Makes an index of bytes that come in pieces, and hashes them on the way.
#[derive(Debug, Default)]
pub struct Indexer {
    reader: ManifestReader,
    hashed: Option<(Header, TopHasher)>,
    directories: BTreeMap<LogicalKey, Value>,
    entries: Entries,
    /// About how much memory header and directories take.
    weight: usize,
}

/// What is remembered of the entries.
#[derive(Debug, Default)]
struct Entries {
    whole: Span,
    marks: Vec<(LogicalKey, u64)>,
    large: HashMap<LogicalKey, Span>,
    /// The directories that the last key is in, outermost first.
    open: Vec<Open>,
    last: Vec<u8>,
    weight: usize,
}

impl Indexer {
    /// Takes bytes; how they are cut makes no difference. Rows that are not in tree order are refused with
    /// [`ManifestError::OutOfOrder`]; then sort the manifest ([`super::Manifest::read`]) and index what it writes.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), ManifestError> {
        self.reader.push(bytes);
        self.drain()
    }

    /// About how many bytes of memory the index takes so far. Only metadata of directories can make it large.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.weight.saturating_add(self.entries.weight)
    }

    /// The index of all that was pushed.
    pub fn finish(mut self) -> Result<Index, ManifestError> {
        self.reader.end();
        self.drain()?;
        let end = self.reader.offset();
        self.entries.close(0, end);
        let weight = self.weight();
        let (header, hasher) = self.hashed.ok_or(ManifestError::Empty)?;
        let Entries {
            whole, marks, large, ..
        } = self.entries;
        let start = marks.first().map_or(end, |(_, offset)| *offset);
        Ok(Index {
            header,
            directories: self.directories,
            top_hash: hasher.finish(),
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
                && hasher.written(&mut self.reader, |key, size| self.entries.add(key, size, offset))?
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
                    self.weight = length.saturating_mul(METADATA);
                    self.hashed = Some((header, hasher));
                }
                (Row::Directory(directory), Some((_, hasher))) => {
                    hasher.directory(&directory, line)?;
                    let Directory { path, meta } = directory;
                    self.weight = self.weight.saturating_add(length.saturating_mul(METADATA) + KEY);
                    self.directories.insert(path, meta);
                }
                (Row::Entry(entry), Some((_, hasher))) => {
                    hasher.entry(&entry, line)?;
                    self.entries
                        .add(entry.logical_key.as_str().as_bytes(), entry.size, offset);
                }
                // The reader's first row is the header.
                (Row::Directory(_) | Row::Entry(_), None) => return Err(ManifestError::Empty),
            }
        }
    }
}

impl Entries {
    /// The next entry, of a key that is UTF-8, whose row begins at this offset.
    fn add(&mut self, key: &[u8], size: u64, offset: u64) {
        let shared = in_common(&self.last, key);
        let in_common = self.open.iter().take_while(|open| open.length < shared).count();
        self.close(in_common, offset);
        let known = self.open.last().map_or(0, |open| open.length + 1);
        let deeper = key.iter().enumerate().skip(known).filter(|(_, byte)| **byte == b'/');
        for (length, _) in deeper {
            self.open.push(Open {
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
        if self.marks.last().is_none_or(|(_, mark)| offset - mark >= STRIDE) {
            self.weight += KEY + key.len();
            self.marks.push((found(key), offset));
        }
        self.last.clear();
        self.last.extend_from_slice(key);
    }

    /// Closes the open directories but for the outermost `keep`.
    fn close(&mut self, keep: usize, end: u64) {
        for open in self.open.drain(keep..) {
            let span = Span { end, ..open.span };
            if span.end - span.start > STRIDE {
                let path = self.last.get(..open.length).unwrap_or_default();
                self.weight += KEY + path.len();
                self.large.insert(found(path), span);
            }
        }
    }
}

fn found(key: &[u8]) -> LogicalKey {
    LogicalKey::found(String::from_utf8_lossy(key).into_owned())
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
                _ => panic!("only entries stand behind the first entry"),
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
                let key = LogicalKey::found(key.clone());
                let from = index.before(&key);
                let found = keys_of(&bytes, from, index.whole.end);
                let skipped = found.iter().take_while(|other| LogicalKey::found((*other).clone()) < key).count();
                prop_assert_eq!(&found[skipped], key.as_str());
                prop_assert!(skipped as u64 * (padding as u64) <= 2 * STRIDE);
            }
            let directories: std::collections::BTreeSet<&str> =
                all.iter().flat_map(|key| key.match_indices('/').map(|(at, _)| &key[..at])).collect();
            for directory in directories {
                let path = LogicalKey::found(directory.to_owned());
                let within: Vec<&String> = all.iter().filter(|key| {
                    path.is_ancestor_of(&LogicalKey::found((*key).clone()))
                }).collect();
                match index.large(&path) {
                    Some(span) => {
                        let told = keys_of(&bytes, span.start, span.end);
                        prop_assert_eq!(told.iter().collect::<Vec<_>>(), within.clone());
                        prop_assert_eq!(span.entries, within.len() as u64);
                    }
                    None => prop_assert!((within.len() * padding) as u64 <= STRIDE + 200 * within.len() as u64),
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
