//! Listing of a prefix in the order of a manifest, in bounded memory.
//!
//! S3 lists keys by their bytes; a manifest sorts `/` before every other character, so that `a/x` stands before `a.csv`. A key
//! is held back while a directory that precedes it may still have keys to come. If too many keys are held, S3 is asked for
//! that directory alone.

use std::collections::{BTreeMap, HashSet, VecDeque};

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{FutureExt as _, StreamExt as _};
use quilt_format::LogicalKey;
use tokio_util::task::TaskTracker;

use crate::aws::AwsError;
use crate::aws::s3::{BucketName, ListedObject, ListingQuery, UserS3};
use crate::telemetry::in_call_scope;

/// Keys of a page.
const PAGE_KEYS: i32 = 1000;
/// Keys that are held back before S3 is asked for a directory; half as many on each level below.
const MAX_HELD: usize = 10_000;
const MIN_HELD: usize = 100;
/// Pages that are listed ahead of their use.
const PAGES_AHEAD: usize = 2;
/// A character behind all that keys have.
const LAST: char = '\u{10FFFF}';

/// Lists the objects below a prefix in tree order. Keys up to `after` are left out.
pub fn list_in_tree_order(
    s3: UserS3,
    tasks: &TaskTracker,
    bucket: BucketName,
    prefix: String,
    after: Option<String>,
) -> BoxStream<'static, Result<Vec<ListedObject>, AwsError>> {
    let mut listing = TreeListing::new(s3, bucket, prefix, after, MAX_HELD);
    let (sender, receiver) = tokio::sync::mpsc::channel(PAGES_AHEAD);
    // A task of its own, so that the next page arrives while the objects of this one are inspected.
    tasks.spawn(in_call_scope(async move {
        loop {
            let batch = listing.batch().await;
            let is_last = batch.as_ref().map_or(true, Vec::is_empty);
            // The receiver is gone when the call has ended.
            if sender.send(batch).await.is_err() || is_last {
                return;
            }
        }
    }));
    let batches = stream::unfold(receiver, |mut receiver| async {
        let batch = receiver.recv().await?;
        Some((batch, receiver))
    });
    batches
        .filter(|batch| futures::future::ready(batch.as_ref().map_or(true, |batch| !batch.is_empty())))
        .boxed()
}

/// A part of the keys, in S3's order.
struct Range {
    /// Before its first key.
    after: String,
    /// Behind its last key, if there is an end.
    before: Option<String>,
}

struct TreeListing {
    s3: UserS3,
    bucket: BucketName,
    prefix: String,
    /// The parts that are still to be listed.
    ranges: VecDeque<Range>,
    token: Option<String>,
    /// The last key that was listed; no key up to it is missing.
    frontier: String,
    held: BTreeMap<LogicalKey, ListedObject>,
    /// Directories, with a slash at their end, that have no more keys to come.
    done: HashSet<String>,
    /// Directories that were listed before their turn in S3's order, and are left out there.
    listed: HashSet<String>,
    /// The last key that is left out.
    after: Option<LogicalKey>,
    nested: Option<Box<Self>>,
    held_limit: usize,
}

impl TreeListing {
    fn new(s3: UserS3, bucket: BucketName, prefix: String, after: Option<String>, held_limit: usize) -> Self {
        let mut done = HashSet::new();
        let mut ranges = VecDeque::new();
        if let Some(after) = &after {
            // What follows a directory in tree order may precede its keys in S3's: `a-b` follows `a/x`.
            for (slash, _) in after.match_indices('/').filter(|(slash, _)| *slash >= prefix.len()) {
                ranges.extend(
                    after
                        .get(..slash)
                        .zip(after.get(..=slash))
                        .map(|(stem, directory)| Range {
                            after: stem.to_owned(),
                            before: Some(directory.to_owned()),
                        }),
                );
            }
            done.extend(preceding_directories(after, base_length(&prefix)));
        }
        ranges.push_back(Range {
            after: after.clone().unwrap_or_default(),
            before: None,
        });
        Self {
            s3,
            bucket,
            prefix,
            ranges,
            token: None,
            frontier: String::new(),
            held: BTreeMap::new(),
            listed: done.clone(),
            done,
            after: after.map(LogicalKey::from_manifest),
            nested: None,
            held_limit,
        }
    }

    /// Returns the next objects, none at the end.
    async fn batch(&mut self) -> Result<Vec<ListedObject>, AwsError> {
        let mut batch = Vec::new();
        while batch.len() < usize::try_from(PAGE_KEYS).unwrap_or_default() {
            match self.next().await? {
                Some(object) => batch.push(object),
                None => break,
            }
        }
        Ok(batch)
    }

    /// Returns the next object. Boxed, because a nested listing may have a nested one itself.
    fn next(&mut self) -> BoxFuture<'_, Result<Option<ListedObject>, AwsError>> {
        async move {
            loop {
                if let Some(nested) = &mut self.nested {
                    if let Some(object) = nested.next().await? {
                        return Ok(Some(object));
                    }
                    self.nested = None;
                }
                let Some(first) = self.held.first_entry() else {
                    if self.ranges.is_empty() {
                        return Ok(None);
                    }
                    self.read_page().await?;
                    continue;
                };
                let first = first.key().clone();
                match self.awaited_directory(first.as_str()) {
                    None => return Ok(self.held.pop_first().map(|(_, object)| object)),
                    Some(_) if self.held.len() < self.held_limit => self.read_page().await?,
                    Some(directory) => self.list_now(directory).await?,
                }
            }
        }
        .boxed()
    }

    /// Returns a directory that precedes a key and may have keys to come.
    fn awaited_directory(&self, key: &str) -> Option<String> {
        if self.ranges.is_empty() {
            return None;
        }
        preceding_directories(key, base_length(&self.prefix)).find(|directory| {
            let is_passed = self.frontier > *directory && !self.frontier.starts_with(directory.as_str());
            directory.starts_with(&self.prefix) && !is_passed && !self.done.contains(directory)
        })
    }

    /// Lists a directory before its turn, if it has any keys.
    async fn list_now(&mut self, directory: String) -> Result<(), AwsError> {
        let query = ListingQuery {
            prefix: directory.clone(),
            max_keys: 1,
            ..ListingQuery::default()
        };
        let found = self.s3.list_objects(&self.bucket, &query).await?;
        if !found.objects.is_empty() {
            // Keys of it that are held already come again.
            self.held.retain(|key, _| !key.as_str().starts_with(&directory));
            let held_limit = (self.held_limit / 2).max(MIN_HELD);
            let (s3, bucket) = (self.s3.clone(), self.bucket.clone());
            self.nested = Some(Box::new(Self::new(s3, bucket, directory.clone(), None, held_limit)));
            self.listed.insert(directory.clone());
        }
        self.done.insert(directory);
        Ok(())
    }

    async fn read_page(&mut self) -> Result<(), AwsError> {
        let Some(range) = self.ranges.front_mut() else {
            return Ok(());
        };
        let start_after = Some(range.after.clone()).filter(|after| self.token.is_none() && !after.is_empty());
        let query = ListingQuery {
            prefix: self.prefix.clone(),
            max_keys: PAGE_KEYS,
            continuation_token: self.token.take(),
            start_after,
            ..ListingQuery::default()
        };
        let page = self.s3.list_objects(&self.bucket, &query).await?;
        for object in page.objects {
            if range.before.as_ref().is_some_and(|before| object.key >= *before) {
                self.frontier = range.before.take().unwrap_or_default();
                self.ranges.pop_front();
                return Ok(());
            }
            if let Some(directory) = containing(&self.listed, &object.key, self.prefix.len()) {
                range.after = format!("{directory}{LAST}");
                self.frontier.clone_from(&range.after);
                return Ok(());
            }
            self.frontier.clone_from(&object.key);
            let key = LogicalKey::from_manifest(object.key.clone());
            if self.after.as_ref().is_none_or(|after| key > *after) {
                self.held.insert(key, object);
            }
        }
        self.token = page.next_continuation_token;
        if self.token.is_none() {
            self.ranges.pop_front();
        }
        Ok(())
    }
}

/// Returns the length of the directory in which a prefix ends.
fn base_length(prefix: &str) -> usize {
    prefix.rfind('/').map_or(0, |slash| slash + 1)
}

/// Returns the directories below a base that precede a key in tree order and follow it in S3's: `a/` and `a-b/` of `a-b.csv`.
fn preceding_directories(key: &str, base: usize) -> impl Iterator<Item = String> {
    let bytes = key.as_bytes();
    let places = (base + 1..bytes.len()).filter(|place| {
        let (before, at) = (bytes.get(place - 1), bytes.get(*place));
        at.is_some_and(|at| *at < b'/') && before.is_some_and(|before| *before != b'/')
    });
    places.filter_map(|place| key.get(..place).map(|stem| format!("{stem}/")))
}

/// Returns the directory of the set that contains a key.
fn containing(directories: &HashSet<String>, key: &str, base: usize) -> Option<String> {
    if directories.is_empty() {
        return None;
    }
    let slashes = key
        .match_indices('/')
        .filter(|(slash, _)| *slash >= base.saturating_sub(1));
    let mut names = slashes.filter_map(|(slash, _)| key.get(..=slash));
    names.find(|name| directories.contains(*name)).map(str::to_owned)
}
