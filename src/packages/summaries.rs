//! Summaries of revisions for lists: what the header of a manifest says, and the sums over its entries where they are cheap.
//!
//! **Invariants**: of each manifest no more than its beginning is read, except that the first ones are counted while the bytes
//! and the time of the call last. Each is asked of S3 with the caller's own credentials, also one that is cached.

use std::collections::{HashMap, HashSet};

use futures::{StreamExt as _, stream};
use quilt_format::manifest::{ManifestReader, Row, Span};
use quilt_format::{Header, TopHash, layout};
use tokio::time::{Instant, timeout_at};

use super::estimate::SCAN_BYTES;
use super::{PackageBucket, PackageError};
use crate::aws::AwsErrorKind;
use crate::aws::s3::ReadQuery;

/// Bytes of a manifest that are read for its header.
const HEAD_BYTES: u64 = 64 * 1024;
/// Bytes that are read for a longer header.
const MAX_HEADER_BYTES: u64 = 1024 * 1024;
/// Manifests whose beginning is read concurrently.
const MAX_READS: usize = 8;
/// Manifests that are counted concurrently.
const MAX_COUNTS: usize = 2;
/// Bytes of manifests that one call reads to count their entries.
const MAX_COUNTED_BYTES: u64 = 32 * 1024 * 1024;
/// Memory for the beginnings of manifests.
pub const SUMMARIES_BYTES: usize = 2 * 1024 * 1024;
/// How many times its size a manifest takes while it is counted, up to that of any scan.
const COUNT_FACTOR: usize = 5;
/// Memory for a manifest that is counted, beside its bytes.
const COUNT_BYTES: usize = 512 * 1024;

/// What is known of a revision.
#[derive(Debug, Clone)]
pub struct Summary<T> {
    /// What the caller wants of the header; none if it was not read.
    pub header: Option<T>,
    /// Entries and bytes of the whole package; none if they were not counted.
    pub totals: Option<(u64, u64)>,
    /// Why the manifest cannot be read.
    pub problem: Option<String>,
}

/// Summaries of the revisions of a call.
#[derive(Debug)]
pub struct Summaries<'a, T> {
    packages: &'a PackageBucket,
    deadline: Instant,
    /// Bytes that may still be read to count entries.
    left: u64,
    /// Memory that is reserved for counting.
    reserved: usize,
    known: HashMap<TopHash, Summary<T>>,
}

/// The beginning of a manifest.
struct Head<T> {
    hash: TopHash,
    summary: Summary<T>,
    /// The size of a manifest whose entries are not counted yet.
    size: Option<u64>,
}

impl PackageBucket {
    /// Begins a call's summaries. [`SUMMARIES_BYTES`] of memory have to be reserved.
    #[must_use]
    pub fn summaries<T>(&self, deadline: Instant) -> Summaries<'_, T> {
        Summaries {
            packages: self,
            deadline,
            left: MAX_COUNTED_BYTES,
            reserved: 0,
            known: HashMap::new(),
        }
    }

    /// Reads the beginning of a manifest, or takes what is cached, if S3 lets the caller read it.
    async fn head<T>(&self, hash: TopHash, view: &(impl Fn(&Header) -> T + Sync)) -> Head<T> {
        match self.try_head(&hash).await {
            Ok((header, whole, size)) => Head {
                summary: Summary {
                    header: header.as_ref().map(view),
                    totals: whole.map(totals),
                    problem: None,
                },
                size: Some(size).filter(|_| whole.is_none()),
                hash,
            },
            Err(error) => Head {
                summary: Summary::unreadable(&error),
                size: None,
                hash,
            },
        }
    }

    async fn try_head(&self, hash: &TopHash) -> Result<(Option<Header>, Option<Span>, u64), PackageError> {
        let object = self.object(&layout::manifest(hash))?;
        let cached = self.manifests.get(&self.bucket, hash).await;
        let query = ReadQuery {
            range: Some((0, HEAD_BYTES - 1)),
            if_none_match: cached.as_ref().map(|cached| cached.etag.clone()),
            ..ReadQuery::default()
        };
        let opened = match (self.s3.open(&object, &query).await, cached) {
            (Err(error), Some(cached)) if error.kind == AwsErrorKind::NotModified => {
                return Ok((Some(cached.index.header.clone()), Some(cached.index.whole), 0));
            }
            (opened, _) => opened?,
        };
        let (size, etag) = (opened.size, opened.etag.clone());
        let mut bytes = opened
            .collect(usize::try_from(HEAD_BYTES).unwrap_or(usize::MAX))
            .await?;
        if size > HEAD_BYTES && !bytes.contains(&b'\n') {
            let range = (0, size.min(MAX_HEADER_BYTES) - 1);
            bytes = self.s3.read_range(&object, etag.as_deref(), range).await?;
        }
        Ok((header_of(&bytes), None, size))
    }
}

impl<T: Clone + Send> Summaries<'_, T> {
    /// Summarizes revisions, each once. `view` is applied to each header, which may be long.
    pub async fn read(&mut self, hashes: Vec<TopHash>, view: impl Fn(&Header) -> T + Sync) {
        let mut distinct = HashSet::new();
        let is_new = |hash: &TopHash| !self.known.contains_key(hash) && distinct.insert(hash.clone());
        let wanted: Vec<TopHash> = hashes.into_iter().filter(is_new).collect();
        let reads = wanted.into_iter().map(|hash| self.packages.head(hash, &view));
        let mut heads = stream::iter(reads).buffered(MAX_READS);
        let mut countable = Vec::new();
        let mut largest = 0;
        while let Ok(Some(head)) = timeout_at(self.deadline, heads.next()).await {
            if let Some(size) = head.size.filter(|size| *size <= self.left) {
                self.left -= size;
                largest = largest.max(usize::try_from(size).unwrap_or(usize::MAX));
                countable.push(head.hash.clone());
            }
            self.known.insert(head.hash, head.summary);
        }
        drop(heads);
        if countable.is_empty() || !self.reserve(largest).await {
            return;
        }
        let packages = self.packages;
        let counts = countable.into_iter().map(|hash| async move {
            let counted = packages.examine(&hash).await;
            (hash, counted.map(|file| file.index.whole))
        });
        let mut counts = stream::iter(counts).buffered(MAX_COUNTS);
        while let Ok(Some((hash, counted))) = timeout_at(self.deadline, counts.next()).await {
            if let Some(summary) = self.known.get_mut(&hash) {
                match counted {
                    Ok(whole) => summary.totals = Some(totals(whole)),
                    Err(error) => summary.problem = Some(error.to_string()),
                }
            }
        }
    }

    /// Reserves memory for counting manifests up to this size; without it nothing is counted.
    async fn reserve(&mut self, largest: usize) -> bool {
        let one = SCAN_BYTES.min(COUNT_BYTES + largest.saturating_mul(COUNT_FACTOR));
        let more = (MAX_COUNTS * one).saturating_sub(self.reserved);
        let is_reserved = more == 0 || self.packages.memory.reserve_more(more).await.is_ok();
        self.reserved += if is_reserved { more } else { 0 };
        is_reserved
    }

    /// Returns what is known of a revision.
    #[must_use]
    pub fn get(&self, hash: &TopHash) -> Option<&Summary<T>> {
        self.known.get(hash)
    }
}

impl<T> Summary<T> {
    fn unreadable(error: &PackageError) -> Self {
        let is_missing = error.is(AwsErrorKind::NoSuchKey);
        let problem = if is_missing {
            "the manifest of this revision does not exist".to_owned()
        } else {
            error.to_string()
        };
        Self {
            header: None,
            totals: None,
            problem: Some(problem),
        }
    }
}

fn totals(whole: Span) -> (u64, u64) {
    (whole.entries, u64::try_from(whole.total_bytes).unwrap_or(u64::MAX))
}

/// Parses the first line of a manifest; `None` if it is no header, or longer than these bytes.
fn header_of(bytes: &[u8]) -> Option<Header> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let mut reader = ManifestReader::new();
    reader.push(bytes.get(..=end)?);
    match reader.next_row() {
        Ok(Some(Row::Header(header))) => Some(header),
        _ => None,
    }
}
