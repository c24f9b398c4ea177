//! Listing of a prefix in the order of a manifest, in bounded memory.
//!
//! S3 lists keys by their bytes; a manifest sorts `/` before every other character, so that `a/x` stands before `a.csv`. A key
//! is held back while a directory that precedes it may still have keys to come. If too many keys are held, S3 is asked for
//! that directory alone.

use std::collections::{BTreeMap, HashSet, VecDeque};

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use quilt_format::LogicalKey;
use tokio_util::task::TaskTracker;

use crate::aws::AwsError;
use crate::aws::s3::{
    BucketName, LAST, ListPage, ListedObject, ListingQuery, ObjectPages, UserS3, list_all, list_in_pages,
};
use crate::telemetry::in_call_scope;

/// Keys of a page.
const PAGE_KEYS: i32 = 1000;
/// Keys that are held back before S3 is asked for a directory; half as many on each level below.
const MAX_HELD: usize = 10_000;
const MIN_HELD: usize = if cfg!(test) { 2 } else { 100 };
/// Pages that are listed ahead of their use.
const PAGES_AHEAD: usize = 2;

/// How pages are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListingMode {
    /// With several folders of a large prefix at once, which takes [`AHEAD_BYTES`](crate::aws::s3::AHEAD_BYTES) of memory.
    Parallel,
    Serial,
}

/// Lists pages, and all that a prefix has by them.
#[derive(Clone)]
struct Source {
    pages: ListPage,
    list: fn(ListPage, String, Option<String>) -> ObjectPages,
}

/// Lists the objects below a prefix in tree order. Keys up to `after` are left out.
pub fn list_in_tree_order(
    s3: &UserS3,
    tasks: &TaskTracker,
    bucket: &BucketName,
    prefix: String,
    after: Option<String>,
    mode: ListingMode,
) -> BoxStream<'static, Result<Vec<ListedObject>, AwsError>> {
    let list = match mode {
        ListingMode::Parallel => list_all,
        ListingMode::Serial => list_in_pages,
    };
    let source = Source {
        pages: s3.page_lister(bucket),
        list,
    };
    let mut listing = TreeListing::new(source, prefix, after, MAX_HELD);
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
    source: Source,
    prefix: String,
    /// The parts that are still to be listed.
    ranges: VecDeque<Range>,
    /// The listing of the first range, if it has begun.
    pages: Option<ObjectPages>,
    /// The last key that was listed; no key up to it is missing.
    frontier: String,
    held: BTreeMap<LogicalKey, ListedObject>,
    /// Directories, with a slash at their end, that have no more keys to come.
    done: HashSet<String>,
    /// Directories that were listed before their turn in S3's order, and are left out there.
    listed: HashSet<String>,
    /// The last key that is left out.
    after: Option<LogicalKey>,
    /// The last key that was returned, or left out.
    last: Option<String>,
    nested: Option<Box<Self>>,
    held_limit: usize,
}

impl TreeListing {
    fn new(source: Source, prefix: String, after: Option<String>, held_limit: usize) -> Self {
        let mut done = HashSet::new();
        let mut ranges = VecDeque::new();
        // A key of another prefix precedes all keys of this one, or follows them all.
        let is_other = |after: &String| !after.starts_with(&prefix);
        let other = after.clone().filter(is_other).map(LogicalKey::from_manifest);
        let is_over = other.is_some_and(|after| after > LogicalKey::from_manifest(prefix.clone()));
        let after = after.filter(|after| after.starts_with(&prefix));
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
        if !is_over {
            ranges.push_back(Range {
                after: after.clone().unwrap_or_default(),
                before: None,
            });
        }
        Self {
            source,
            prefix,
            ranges,
            pages: None,
            frontier: String::new(),
            held: BTreeMap::new(),
            listed: done.clone(),
            done,
            last: after.clone(),
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
                        self.last = Some(object.key.clone());
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
                    None => {
                        let object = self.held.pop_first().map(|(_, object)| object);
                        self.last = object.as_ref().map(|object| object.key.clone());
                        return Ok(object);
                    }
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
        let found = (self.source.pages)(query).await?;
        if !found.objects.is_empty() {
            // Keys of it that are held already come again.
            self.held.retain(|key, _| !key.as_str().starts_with(&directory));
            let held_limit = (self.held_limit / 2).max(MIN_HELD);
            // A part of it may have been returned already.
            let after = self.last.clone().filter(|last| last.starts_with(&directory));
            let nested = Self::new(self.source.clone(), directory.clone(), after, held_limit);
            self.nested = Some(Box::new(nested));
            // The nested listing has the memory for pages that are listed ahead.
            if self.pages.take().is_some()
                && let Some(range) = self.ranges.front_mut()
            {
                range.after.clone_from(&self.frontier);
            }
            self.listed.insert(directory.clone());
        }
        self.done.insert(directory);
        Ok(())
    }

    async fn read_page(&mut self) -> Result<(), AwsError> {
        let Some(range) = self.ranges.front_mut() else {
            return Ok(());
        };
        let mut pages = self.pages.take().unwrap_or_else(|| {
            let after = Some(range.after.clone()).filter(|after| !after.is_empty());
            (self.source.list)(self.source.pages.clone(), self.prefix.clone(), after)
        });
        let Some(page) = pages.try_next().await? else {
            self.ranges.pop_front();
            return Ok(());
        };
        for object in page {
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
        self.pages = Some(pages);
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::aws::s3::s3_of;

    async fn listed(list: ListPage, prefix: &str, after: Option<&String>, held_limit: usize) -> Vec<String> {
        let source = Source {
            pages: list,
            list: list_all,
        };
        let mut listing = TreeListing::new(source, prefix.to_owned(), after.cloned(), held_limit);
        let mut keys = Vec::new();
        while let Some(object) = listing.next().await.unwrap() {
            keys.push(object.key);
        }
        keys
    }

    fn in_tree_order(keys: &[String], prefix: &str, after: Option<&String>) -> Vec<String> {
        let key = |key: &String| LogicalKey::from_manifest(key.clone());
        let mut expected: Vec<String> = keys.iter().filter(|key| key.starts_with(prefix)).cloned().collect();
        expected.sort_by_key(key);
        expected.retain(|one| after.is_none_or(|after| key(one) > key(after)));
        expected
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn every_key_comes_once_and_in_tree_order(
            keys in proptest::collection::btree_set("[ab](-|!|c|é|/[ab]){0,5}", 1..60),
            prefix in "([ab](-|!|/|/a|/a/|-b|a)?)?",
            after in proptest::option::of("[ab](-|!|c|/[ab]){0,5}"),
            page in 1usize..8,
            held_limit in 1usize..12,
        ) {
            let keys: Vec<String> = keys.into_iter().collect();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let list = s3_of(&keys, page);
            let whole = runtime.block_on(listed(list.clone(), &prefix, None, held_limit));
            prop_assert_eq!(&whole, &in_tree_order(&keys, &prefix, None));
            let rest = runtime.block_on(listed(list.clone(), &prefix, after.as_ref(), held_limit));
            prop_assert_eq!(&rest, &in_tree_order(&keys, &prefix, after.as_ref()));
            // Behind each of its own keys.
            for (place, last) in whole.iter().enumerate() {
                let rest = runtime.block_on(listed(list.clone(), &prefix, Some(last), held_limit));
                prop_assert_eq!(&rest[..], &whole[place + 1..]);
            }
        }
    }
}
