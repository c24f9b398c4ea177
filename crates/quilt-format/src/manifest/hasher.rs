//! Computation of the top hash (`Package._calculate_top_hash`): SHA-256 over the canonical header and the canonical entries
//! in tree order, without separators.

use sha2::{Digest as _, Sha256};

use super::fast_path;
use super::order::OrderCheck;
use super::{Directory, Entry, Header, MAX_RECORD, ManifestError, ManifestReader, Row};
use crate::json::Recoder;
use crate::{LogicalKey, TopHash};

/// Number of bytes that are buffered before they are hashed.
const BATCH_BYTES: usize = 64 * 1024;

/// Computes the top hash of a header and entries in tree order, without keeping the entries.
#[derive(Debug)]
pub struct TopHasher {
    digest: Sha256,
    batch: Vec<u8>,
    order: OrderCheck,
    recoder: Recoder,
}

impl TopHasher {
    /// Creates a hasher and adds the header.
    #[must_use]
    pub fn new(header: &Header) -> Self {
        let mut batch = Vec::with_capacity(BATCH_BYTES);
        header.write_canonical(&mut batch);
        Self {
            digest: Sha256::new(),
            batch,
            order: OrderCheck::default(),
            recoder: Recoder::default(),
        }
    }

    /// Adds a directory. Its metadata is not hashed, but no entry may have its path. `line` is reported in errors.
    pub fn directory(&mut self, directory: &Directory, line: u64) -> Result<(), ManifestError> {
        self.order.directory(&directory.path, line)
    }

    /// Adds the next entry. `line` is reported in errors.
    pub fn entry(&mut self, entry: &Entry, line: u64) -> Result<(), ManifestError> {
        self.order.entry(entry.logical_key.as_str().as_bytes(), line)?;
        self.append(|out| entry.write_canonical(out));
        Ok(())
    }

    /// Adds the next entry directly from the reader's bytes, if it is formatted as quilt3 formats it, and passes its key and
    /// size to `each`. Returns `false` and changes nothing otherwise.
    pub(super) fn entry_fast(
        &mut self,
        reader: &mut ManifestReader,
        each: impl FnOnce(&[u8], u64),
    ) -> Result<bool, ManifestError> {
        let Some((line, text)) = reader.rest() else {
            return Ok(false);
        };
        let begin = self.batch.len();
        let Some(entry) = fast_path::parse_entry(text, &mut self.recoder, &mut self.batch) else {
            return Ok(false);
        };
        let length = text.len() - entry.rest.len();
        if !entry.rest.starts_with(b"\n") {
            self.batch.truncate(begin);
            return Ok(false);
        }
        self.order.entry(entry.logical_key, line)?;
        each(entry.logical_key, entry.size);
        reader.take(length);
        self.flush();
        Ok(true)
    }

    /// Returns the top hash.
    #[must_use]
    pub fn finish(mut self) -> TopHash {
        self.digest.update(&self.batch);
        TopHash::from_digest(&self.digest.finalize().into())
    }

    fn append(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.batch);
        self.flush();
    }

    fn flush(&mut self) {
        if self.batch.len() >= BATCH_BYTES {
            self.digest.update(&self.batch);
            self.batch.clear();
        }
    }
}

/// The result of hashing a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hashed {
    /// The top hash.
    pub top_hash: TopHash,
    /// The number of entries.
    pub entries: u64,
    /// The sum of the entries' sizes.
    pub total_bytes: u128,
}

/// An entry that will be hashed after all entries are sorted.
#[derive(Debug)]
struct PendingEntry {
    key: LogicalKey,
    line: u64,
    canonical: Box<[u8]>,
}

/// Computes the top hash of a manifest from its bytes.
#[derive(Debug)]
pub struct ManifestHasher {
    reader: ManifestReader,
    hasher: Option<TopHasher>,
    /// The entries so far, if they are to be sorted before they are hashed.
    pending: Option<Vec<PendingEntry>>,
    directories: Vec<(Directory, u64)>,
    entries: u64,
    total_bytes: u128,
}

impl ManifestHasher {
    /// Creates a hasher that takes entries in the order of the manifest and keeps one of them in memory. Fails with
    /// [`ManifestError::OutOfOrder`] if they are not in tree order; read the manifest again with
    /// [`sorting`](Self::sorting) then.
    #[must_use]
    pub fn streaming() -> Self {
        Self::with(MAX_RECORD, None)
    }

    /// Creates a hasher that sorts the entries first and keeps the canonical form of all of them in memory.
    #[must_use]
    pub fn sorting() -> Self {
        Self::with(MAX_RECORD, Some(Vec::new()))
    }

    /// Sets the maximum number of bytes of a record.
    #[must_use]
    pub fn max_record(self, limit: usize) -> Self {
        Self::with(limit, self.pending)
    }

    fn with(limit: usize, pending: Option<Vec<PendingEntry>>) -> Self {
        let reader = ManifestReader::with_max_record(limit);
        Self {
            reader,
            hasher: None,
            pending,
            directories: Vec::new(),
            entries: 0,
            total_bytes: 0,
        }
    }

    /// Adds the next bytes, in pieces of any size.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), ManifestError> {
        self.reader.push(bytes);
        self.drain()
    }

    /// Returns the top hash of all bytes.
    pub fn finish(mut self) -> Result<Hashed, ManifestError> {
        self.reader.end();
        self.drain()?;
        let mut hasher = self.hasher.ok_or(ManifestError::Empty)?;
        if let Some(mut pending) = self.pending {
            for (directory, line) in &self.directories {
                hasher.directory(directory, *line)?;
            }
            pending.sort_by(|a, b| a.key.cmp(&b.key));
            for PendingEntry { key, line, canonical } in pending {
                hasher.order.entry(key.as_str().as_bytes(), line)?;
                hasher.append(|out| out.extend_from_slice(&canonical));
            }
        }
        Ok(Hashed {
            top_hash: hasher.finish(),
            entries: self.entries,
            total_bytes: self.total_bytes,
        })
    }

    fn drain(&mut self) -> Result<(), ManifestError> {
        loop {
            if let (Some(hasher), None) = (&mut self.hasher, &self.pending) {
                let entries = &mut self.entries;
                let total_bytes = &mut self.total_bytes;
                while hasher.entry_fast(&mut self.reader, |_, size| {
                    *entries += 1;
                    *total_bytes += u128::from(size);
                })? {}
            }
            let Some(row) = self.reader.next_row()? else {
                return Ok(());
            };
            let line = self.reader.line();
            match (row, &mut self.hasher) {
                (Row::Header(header), _) => self.hasher = Some(TopHasher::new(&header)),
                (Row::Directory(directory), Some(hasher)) => match &self.pending {
                    Some(_) => self.directories.push((directory, line)),
                    None => hasher.directory(&directory, line)?,
                },
                (Row::Entry(entry), Some(hasher)) => {
                    self.entries += 1;
                    self.total_bytes += u128::from(entry.size);
                    match &mut self.pending {
                        Some(pending) => {
                            let mut canonical = Vec::new();
                            entry.write_canonical(&mut canonical);
                            pending.push(PendingEntry {
                                key: entry.logical_key,
                                line,
                                canonical: canonical.into(),
                            });
                        }
                        None => hasher.entry(&entry, line)?,
                    }
                }
                // The first row is always the header.
                (Row::Directory(_) | Row::Entry(_), None) => return Err(ManifestError::Empty),
            }
        }
    }
}
