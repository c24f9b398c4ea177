//! The top hash (`Package._calculate_top_hash`): SHA-256 over the canonical header and the canonical entries in tree order,
//! with nothing between them.

use sha2::{Digest as _, Sha256};

use super::order::Order;
use super::written;
use super::{Directory, Entry, Header, MAX_RECORD, ManifestError, ManifestReader, Row};
use crate::json::Recoder;
use crate::{LogicalKey, TopHash};

/// How many bytes are gathered before they are hashed.
const BATCH: usize = 64 * 1024;

/// Hashes a header and entries in tree order. Keeps no entry.
#[derive(Debug)]
pub struct TopHasher {
    digest: Sha256,
    batch: Vec<u8>,
    order: Order,
    recoder: Recoder,
}

impl TopHasher {
    /// Begins with the header.
    #[must_use]
    pub fn new(header: &Header) -> Self {
        let mut batch = Vec::with_capacity(BATCH);
        header.write_canonical(&mut batch);
        Self {
            digest: Sha256::new(),
            batch,
            order: Order::default(),
            recoder: Recoder::default(),
        }
    }

    /// A directory's metadata is not hashed, but no entry may have its name. `line` is for the error.
    pub fn directory(&mut self, directory: &Directory, line: u64) -> Result<(), ManifestError> {
        self.order.directory(&directory.path, line)
    }

    /// The next entry. `line` is for the error.
    pub fn entry(&mut self, entry: &Entry, line: u64) -> Result<(), ManifestError> {
        self.order.entry(entry.logical_key.as_str().as_bytes(), line)?;
        self.part(|out| entry.write_canonical(out));
        Ok(())
    }

    /// The next entry, from the reader's bytes, if it is written as quilt3 writes it; else nothing was done. `each` is told
    /// its key, which is UTF-8, and its size.
    pub(super) fn written(
        &mut self,
        reader: &mut ManifestReader,
        each: impl FnOnce(&[u8], u64),
    ) -> Result<bool, ManifestError> {
        let Some((line, text)) = reader.rest() else {
            return Ok(false);
        };
        let begin = self.batch.len();
        let Some(entry) = written::entry(text, &mut self.recoder, &mut self.batch) else {
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

    /// The top hash.
    #[must_use]
    pub fn finish(mut self) -> TopHash {
        self.digest.update(&self.batch);
        TopHash::of(&self.digest.finalize().into())
    }

    fn part(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.batch);
        self.flush();
    }

    fn flush(&mut self) {
        if self.batch.len() >= BATCH {
            self.digest.update(&self.batch);
            self.batch.clear();
        }
    }
}

/// What hashing a manifest tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hashed {
    /// The top hash.
    pub top_hash: TopHash,
    /// How many entries there are.
    pub entries: u64,
    /// The sum of their sizes.
    pub total_bytes: u128,
}

/// An entry that waits for being sorted.
#[derive(Debug)]
struct Waiting {
    key: LogicalKey,
    line: u64,
    canonical: Box<[u8]>,
}

/// Computes the top hash of a manifest's bytes.
#[derive(Debug)]
pub struct ManifestHasher {
    reader: ManifestReader,
    hasher: Option<TopHasher>,
    /// The entries, when they are sorted before they are hashed.
    waiting: Option<Vec<Waiting>>,
    directories: Vec<(Directory, u64)>,
    entries: u64,
    total_bytes: u128,
}

impl ManifestHasher {
    /// Takes entries as they stand, with memory for one of them. Refuses a manifest that is not in order with
    /// [`ManifestError::OutOfOrder`]; then read it again with [`sorting`](Self::sorting).
    #[must_use]
    pub fn streaming() -> Self {
        Self::with(MAX_RECORD, None)
    }

    /// Sorts the entries first, which takes memory for the canonical form of all.
    #[must_use]
    pub fn sorting() -> Self {
        Self::with(MAX_RECORD, Some(Vec::new()))
    }

    /// With another limit for a record's bytes.
    #[must_use]
    pub fn max_record(self, limit: usize) -> Self {
        Self::with(limit, self.waiting)
    }

    fn with(limit: usize, waiting: Option<Vec<Waiting>>) -> Self {
        let reader = ManifestReader::with_max_record(limit);
        Self {
            reader,
            hasher: None,
            waiting,
            directories: Vec::new(),
            entries: 0,
            total_bytes: 0,
        }
    }

    /// Takes bytes; how they are cut makes no difference.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), ManifestError> {
        self.reader.push(bytes);
        self.drain()
    }

    /// The top hash of all that was pushed.
    pub fn finish(mut self) -> Result<Hashed, ManifestError> {
        self.reader.end();
        self.drain()?;
        let mut hasher = self.hasher.ok_or(ManifestError::Empty)?;
        if let Some(mut waiting) = self.waiting {
            for (directory, line) in &self.directories {
                hasher.directory(directory, *line)?;
            }
            waiting.sort_by(|a, b| a.key.cmp(&b.key));
            for Waiting { key, line, canonical } in waiting {
                hasher.order.entry(key.as_str().as_bytes(), line)?;
                hasher.part(|out| out.extend_from_slice(&canonical));
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
            if let (Some(hasher), None) = (&mut self.hasher, &self.waiting) {
                let (entries, total_bytes) = (&mut self.entries, &mut self.total_bytes);
                while hasher.written(&mut self.reader, |_, size| {
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
                (Row::Directory(directory), Some(hasher)) => match &self.waiting {
                    Some(_) => self.directories.push((directory, line)),
                    None => hasher.directory(&directory, line)?,
                },
                (Row::Entry(entry), Some(hasher)) => {
                    self.entries += 1;
                    self.total_bytes += u128::from(entry.size);
                    match &mut self.waiting {
                        Some(waiting) => {
                            let mut canonical = Vec::new();
                            entry.write_canonical(&mut canonical);
                            waiting.push(Waiting {
                                key: entry.logical_key,
                                line,
                                canonical: canonical.into(),
                            });
                        }
                        None => hasher.entry(&entry, line)?,
                    }
                }
                // The reader's first row is the header.
                (Row::Directory(_) | Row::Entry(_), None) => return Err(ManifestError::Empty),
            }
        }
    }
}
