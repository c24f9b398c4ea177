//! Everything below a prefix in the order of S3's keys, with several folders listed at once.
//!
//! A page of `ListObjectsV2` says where the next one begins, so that a plain listing makes one request after the other. Here
//! the first pages are listed like that. If there are more, the folders behind them are found with a delimiter, and some of
//! them are listed before their turn; small folders are listed several with one request.
//!
//! Listed items are known by their names and not by their order: some S3-compatible servers list `a/x` before `a-b`.
//!
//! A listing with a delimiter, or of a folder, may be denied where the prefix is not. Then the rest is listed page after page.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};

use super::{BucketName, ListedObject, Listing, ListingQuery, UserS3};
use crate::aws::{AwsError, AwsErrorKind};

/// Keys of a page.
const PAGE_KEYS: i32 = 1000;
/// Pages that are listed one after another before folders are listed in parallel.
const SERIAL_PAGES: usize = if cfg!(test) { 1 } else { 4 };
/// Parts that are listed at once: of the prefix itself, and of a large folder below it. What is large in such a folder is
/// listed page after page.
const PARALLEL_PARTS: [usize; 2] = [8, 4];
/// Pages of a part that are read before its turn, unless one has keys of this many bytes.
const PAGES_AHEAD: usize = 2;
const MAX_KEY_BYTES: usize = 512 * 1024;
/// Memory that is reserved for pages read before their turn. It is computed, for keys of some 500 bytes; where all keys have a
/// kibibyte, some mebibytes more are possible.
pub const AHEAD_BYTES: usize = 16 * 1024 * 1024;
/// Folders after which their average size decides how many are listed together.
const SAMPLED_FOLDERS: usize = if cfg!(test) { 2 } else { 8 };
/// A character behind all that keys have.
pub const LAST: char = '\u{10FFFF}';

/// Lists a page of a bucket.
pub type ListPage = Arc<dyn Fn(ListingQuery) -> BoxFuture<'static, Result<Listing, AwsError>> + Send + Sync>;
/// Objects in the order of their keys. No page is empty.
pub type ObjectPages = BoxStream<'static, Result<Vec<ListedObject>, AwsError>>;

impl UserS3 {
    /// Returns the function that lists a page of this bucket.
    #[must_use]
    pub fn page_lister(&self, bucket: &BucketName) -> ListPage {
        let (s3, bucket) = (self.clone(), bucket.clone());
        Arc::new(move |query| {
            let (s3, bucket) = (s3.clone(), bucket.clone());
            async move { s3.list_objects(&bucket, &query).await }.boxed()
        })
    }
}

/// Lists the objects below a prefix in the order of their keys, page after page. Keys up to `after` are left out.
#[must_use]
pub fn list_in_pages(list: ListPage, prefix: String, after: Option<String>) -> ObjectPages {
    let span = Span {
        prefix,
        after,
        ..Span::default()
    };
    span.pages(list)
}

/// Lists the objects below a prefix in the order of their keys. Keys up to `after` are left out. What is listed
/// ahead takes about [`AHEAD_BYTES`].
#[must_use]
pub fn list_all(list: ListPage, prefix: String, after: Option<String>) -> ObjectPages {
    let rest = Span {
        prefix,
        after,
        ..Span::default()
    };
    let all = AllPages {
        pages: walk(list.clone(), rest.clone(), 0),
        rest,
        list,
        is_parallel: true,
        has_page: false,
    };
    let pages = stream::try_unfold(all, |mut all| async {
        let page = all.next().await?;
        Ok(page.map(|page| (page, all)))
    });
    pages.boxed()
}

/// All pages of a prefix.
struct AllPages {
    list: ListPage,
    pages: ObjectPages,
    /// What was not returned yet.
    rest: Span,
    /// Whether folders are listed apart.
    is_parallel: bool,
    /// Whether the prefix itself could be listed.
    has_page: bool,
}

impl AllPages {
    async fn next(&mut self) -> Result<Option<Vec<ListedObject>>, AwsError> {
        loop {
            match self.pages.try_next().await {
                Ok(Some(page)) => {
                    let Some(last) = page.last() else { continue };
                    self.has_page = true;
                    self.rest.after = Some(last.key.clone());
                    return Ok(Some(page));
                }
                Ok(None) => return Ok(None),
                Err(error) if self.has_page && self.is_parallel && error.kind == AwsErrorKind::AccessDenied => {
                    self.is_parallel = false;
                    self.pages = self.rest.clone().pages(self.list.clone());
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// A part of the keys that is listed page after page.
#[derive(Debug, Clone, Default)]
struct Span {
    prefix: String,
    /// Keys up to this one are left out.
    after: Option<String>,
    /// S3's own token of the page before.
    token: Option<String>,
    /// What belongs to it, if not all that follows does.
    items: Option<Arc<Items>>,
}

/// Folders and objects directly below a prefix that are listed together.
#[derive(Debug, Default)]
struct Items {
    names: HashSet<String>,
    /// The last of them in S3's order.
    last: String,
    /// The last of them in the order of folders.
    last_folder: String,
}

impl Items {
    fn add(&mut self, item: Item) {
        if self.last_folder.as_str() < item.folder_order() {
            item.folder_order().clone_into(&mut self.last_folder);
        }
        item.name().clone_into(&mut self.last);
        self.names.insert(item.into_name());
    }

    fn contains(&self, item: &str) -> bool {
        self.names.contains(item)
    }

    /// Whether an item follows all of them, in whatever order the server lists. Another may have appeared among them.
    fn precede(&self, item: &str) -> bool {
        *self.last < *item && *self.last_folder < *in_folder_order(item)
    }
}

impl Span {
    /// Lists the next page and moves behind it. Returns `false` beside the last one.
    async fn next(&mut self, list: &ListPage) -> Result<(Vec<ListedObject>, bool), AwsError> {
        let query = ListingQuery {
            prefix: self.prefix.clone(),
            max_keys: PAGE_KEYS,
            start_after: self.after.clone().filter(|_| self.token.is_none()),
            continuation_token: self.token.take(),
            ..ListingQuery::default()
        };
        let page = list(query).await?;
        let mut objects = page.objects;
        let mut is_behind = false;
        if let Some(items) = &self.items {
            let length = self.prefix.len();
            let end = objects
                .iter()
                .position(|object| items.precede(item_of(&object.key, length)));
            is_behind = end.is_some();
            objects.truncate(end.unwrap_or(objects.len()));
        }
        if let Some(last) = objects.last() {
            self.after = Some(last.key.clone());
        }
        if let Some(items) = &self.items {
            objects.retain(|object| items.contains(item_of(&object.key, self.prefix.len())));
        }
        self.token = page.next_continuation_token;
        Ok((objects, !is_behind && self.token.is_some()))
    }

    /// Lists all of it.
    fn pages(self, list: ListPage) -> ObjectPages {
        let pages = stream::try_unfold(Some((self, list)), |state| async {
            let Some((mut span, list)) = state else { return Ok(None) };
            let (objects, has_more) = span.next(&list).await?;
            Ok(Some((objects, has_more.then_some((span, list)))))
        });
        pages.boxed()
    }
}

/// Lists a prefix: the first pages, then the levels of folders behind them, from the deepest to the prefix's own. `depth` counts
/// the large folders that contain it.
fn walk(list: ListPage, whole: Span, depth: usize) -> ObjectPages {
    let Some(&parallel) = PARALLEL_PARTS.get(depth) else {
        return whole.pages(list);
    };
    let start = Walk {
        list,
        prefix: whole.prefix.clone(),
        first: Some((whole, 0)),
        levels: Vec::new(),
        level: stream::empty().boxed(),
    };
    let pages = stream::try_unfold(start, move |mut walk| async move {
        let page = walk.next(parallel, depth).await?;
        Ok(page.map(|page| (page, walk)))
    });
    pages.boxed()
}

struct Walk {
    list: ListPage,
    prefix: String,
    /// The first pages, while they are listed, and their number.
    first: Option<(Span, usize)>,
    /// Levels that are still to be listed, the deepest last.
    levels: Vec<Level>,
    level: ObjectPages,
}

impl Walk {
    async fn next(&mut self, parallel: usize, depth: usize) -> Result<Option<Vec<ListedObject>>, AwsError> {
        loop {
            if let Some((mut span, pages)) = self.first.take() {
                let (objects, has_more) = span.next(&self.list).await?;
                match &span.after {
                    _ if !has_more => {}
                    Some(last) if pages + 1 >= SERIAL_PAGES => self.levels = levels_behind(&self.prefix, last),
                    _ => self.first = Some((span, pages + 1)),
                }
                return Ok(Some(objects));
            }
            if let Some(page) = self.level.try_next().await? {
                return Ok(Some(page));
            }
            let Some(level) = self.levels.pop() else {
                return Ok(None);
            };
            self.level = level.pages(self.list.clone(), parallel, depth);
        }
    }
}

/// The objects and folders of one folder, or of a prefix, that follow a key.
#[derive(Debug)]
struct Level {
    /// Ends with a slash, or is the prefix of the listing.
    prefix: String,
    /// Only what follows this key.
    after: String,
    /// The folder that contains the key, if it is not the level's own.
    done: Option<String>,
}

/// Returns the levels that hold what follows a key below a prefix: the prefix's own first.
fn levels_behind(prefix: &str, key: &str) -> Vec<Level> {
    let below = key.match_indices('/').filter(|(slash, _)| *slash >= prefix.len());
    let folders: Vec<&str> = below.filter_map(|(slash, _)| key.get(..=slash)).collect();
    let mut levels = Vec::new();
    let mut prefix = prefix;
    for folder in folders {
        levels.push(Level {
            prefix: prefix.to_owned(),
            after: format!("{folder}{LAST}"),
            done: Some(folder.to_owned()),
        });
        prefix = folder;
    }
    levels.push(Level {
        prefix: prefix.to_owned(),
        after: key.to_owned(),
        done: None,
    });
    levels
}

/// Returns the folder directly below a prefix of this length that contains a key, or the key itself.
fn item_of(key: &str, prefix: usize) -> &str {
    let below = key.get(prefix..).unwrap_or_default();
    let end = below.find('/').map_or(key.len(), |slash| prefix + slash + 1);
    key.get(..end).unwrap_or(key)
}

/// Returns an item's name as servers sort it that keep folders as such: `a` and its objects before `a-b`.
fn in_folder_order(name: &str) -> &str {
    name.strip_suffix('/').unwrap_or(name)
}

/// One line of a level.
enum Item {
    Object(ListedObject),
    /// A folder, with a slash at its end.
    Folder(String),
}

impl Item {
    fn name(&self) -> &str {
        match self {
            Self::Object(object) => &object.key,
            Self::Folder(folder) => folder,
        }
    }

    fn into_name(self) -> String {
        match self {
            Self::Object(object) => object.key,
            Self::Folder(folder) => folder,
        }
    }

    fn folder_order(&self) -> &str {
        in_folder_order(self.name())
    }
}

/// What is listed as a whole.
enum Part {
    /// Objects that the listing of the level has named already.
    Objects(Vec<ListedObject>),
    Folder(String),
    /// Small folders and what lies between them.
    Folders(Span, usize),
}

impl Level {
    fn pages(self, list: ListPage, parallel: usize, depth: usize) -> ObjectPages {
        let sizes = Arc::new(FolderSizes::default());
        let parts = self.parts(list.clone(), sizes.clone());
        let read = move |part| read_ahead(list.clone(), part, sizes.clone(), depth);
        parts.map_ok(read).try_buffered(parallel).try_flatten().boxed()
    }

    /// Returns the parts, which the pages of a listing with a delimiter name.
    fn parts(self, list: ListPage, sizes: Arc<FolderSizes>) -> BoxStream<'static, Result<Part, AwsError>> {
        let start = LevelListing {
            prefix: self.prefix,
            behind: self.after,
            done: self.done,
            token: None,
            is_complete: false,
            items: VecDeque::new(),
        };
        let parts = stream::try_unfold(start, move |mut level| {
            let (list, sizes) = (list.clone(), sizes.clone());
            async move {
                let part = level.next(&list, &sizes).await?;
                Ok(part.map(|part| (part, level)))
            }
        });
        parts.boxed()
    }
}

/// The listing of a level with a delimiter.
struct LevelListing {
    prefix: String,
    /// Behind the last item that is done.
    behind: String,
    done: Option<String>,
    token: Option<String>,
    is_complete: bool,
    /// What was listed and is not done, and whether all that stands before an item precedes it in every server's order.
    items: VecDeque<(Item, bool)>,
}

impl LevelListing {
    async fn next(&mut self, list: &ListPage, sizes: &FolderSizes) -> Result<Option<Part>, AwsError> {
        while self.items.is_empty() {
            if self.is_complete {
                return Ok(None);
            }
            self.read_page(list).await?;
        }
        let is_object = |(item, _): &(Item, bool)| matches!(item, Item::Object(_));
        let objects = self
            .items
            .iter()
            .position(|item| !is_object(item))
            .unwrap_or(self.items.len());
        if objects > 0 {
            let objects = self.items.drain(..objects).filter_map(|(item, _)| match item {
                Item::Object(object) => Some(object),
                Item::Folder(_) => None,
            });
            let objects: Vec<_> = objects.collect();
            if let Some(last) = objects.last() {
                self.behind.clone_from(&last.key);
            }
            return Ok(Some(Part::Objects(objects)));
        }
        let begins_apart = self.items.front().is_some_and(|(_, is_apart)| *is_apart);
        let together = if begins_apart { sizes.together() } else { 1 };
        let before = self.behind.clone();
        let mut folders = 0;
        let mut items = Items::default();
        while let Some((item, is_apart)) = self.items.pop_front() {
            if folders >= together && (is_apart || together == 1) {
                self.items.push_front((item, is_apart));
                break;
            }
            self.behind = match &item {
                Item::Object(object) => object.key.clone(),
                Item::Folder(folder) => format!("{folder}{LAST}"),
            };
            folders += usize::from(matches!(item, Item::Folder(_)));
            items.add(item);
        }
        if items.names.len() == 1 {
            return Ok(items.names.into_iter().next().map(Part::Folder));
        }
        let span = Span {
            prefix: self.prefix.clone(),
            after: Some(before),
            items: Some(Arc::new(items)),
            ..Span::default()
        };
        Ok(Some(Part::Folders(span, folders)))
    }

    async fn read_page(&mut self, list: &ListPage) -> Result<(), AwsError> {
        let query = ListingQuery {
            prefix: self.prefix.clone(),
            delimiter: Some("/".to_owned()),
            max_keys: PAGE_KEYS,
            start_after: Some(self.behind.clone()).filter(|_| self.token.is_none()),
            continuation_token: self.token.take(),
        };
        let page = list(query).await?;
        let objects = page.objects.into_iter().map(Item::Object);
        let folders = page.common_prefixes.into_iter().map(Item::Folder);
        // S3 itself leaves out what precedes a key; a folder that contains the key may be named again.
        let is_left = |item: &Item| self.done.as_deref() != Some(item.name());
        let mut items: Vec<Item> = objects.chain(folders).filter(is_left).collect();
        items.sort_by(|one, other| one.name().cmp(other.name()));
        self.items.extend(set_apart(items));
        self.token = page.next_continuation_token;
        self.is_complete = self.token.is_none();
        Ok(())
    }
}

/// Tells of each item, sorted by S3's order, whether all that stands before it precedes it in the order of folders too.
fn set_apart(items: Vec<Item>) -> Vec<(Item, bool)> {
    let mut apart = vec![true; items.len()];
    let mut first_behind: Option<&str> = None;
    let mut last_before: Vec<&str> = Vec::with_capacity(items.len());
    for item in &items {
        let order = item.folder_order();
        last_before.push(last_before.last().map_or(order, |last| order.max(last)));
    }
    for place in (1..items.len()).rev() {
        let order = items.get(place).map(Item::folder_order).unwrap_or_default();
        let first = first_behind.map_or(order, |first| order.min(first));
        first_behind = Some(first);
        if let (Some(is_apart), Some(last)) = (apart.get_mut(place), last_before.get(place - 1)) {
            *is_apart = *last < first;
        }
    }
    items.into_iter().zip(apart).collect()
}

/// Sizes of the folders of a level that were listed.
#[derive(Debug, Default)]
struct FolderSizes {
    folders: AtomicUsize,
    objects: AtomicUsize,
}

impl FolderSizes {
    fn add(&self, folders: usize, objects: usize) {
        self.folders.fetch_add(folders, Ordering::Relaxed);
        self.objects.fetch_add(objects, Ordering::Relaxed);
    }

    /// Returns how many folders probably have somewhat fewer keys than the pages that are read ahead.
    fn together(&self) -> usize {
        let folders = self.folders.load(Ordering::Relaxed);
        if folders < SAMPLED_FOLDERS {
            return 1;
        }
        let page = usize::try_from(PAGE_KEYS).unwrap_or_default();
        let wanted = PAGES_AHEAD * page / 10 * 9;
        let objects = self.objects.load(Ordering::Relaxed).max(1);
        (folders.saturating_mul(wanted) / objects).clamp(1, page)
    }
}

/// Reads the first pages of a part. Returns them with those behind them, which are listed when they are asked for.
async fn read_ahead(
    list: ListPage,
    part: Part,
    sizes: Arc<FolderSizes>,
    depth: usize,
) -> Result<ObjectPages, AwsError> {
    let (mut span, folders, is_large) = match part {
        Part::Objects(objects) => return Ok(stream::iter([Ok(objects)]).boxed()),
        Part::Folders(span, folders) => (span, folders, false),
        Part::Folder(prefix) => {
            let span = Span {
                prefix,
                ..Span::default()
            };
            (span, 1, true)
        }
    };
    let mut pages = Vec::new();
    let mut has_more = true;
    let mut key_bytes = 0;
    while has_more && pages.len() < PAGES_AHEAD && key_bytes < MAX_KEY_BYTES {
        let (objects, more) = span.next(&list).await?;
        has_more = more;
        key_bytes += objects.iter().map(|object| object.key.len()).sum::<usize>();
        pages.push(objects);
    }
    sizes.add(folders, pages.iter().map(Vec::len).sum());
    let rest = match (has_more, is_large) {
        (false, _) => stream::empty().boxed(),
        (true, true) => walk(list, span, depth + 1),
        (true, false) => span.pages(list),
    };
    Ok(stream::iter(pages.into_iter().map(Ok)).chain(rest).boxed())
}

#[cfg(test)]
pub mod tests {
    use std::task::Poll;

    use proptest::prelude::*;

    use super::*;
    use crate::aws::{Operation, Resource};

    fn object(key: &str) -> ListedObject {
        ListedObject {
            key: key.to_owned(),
            size: 1,
            last_modified: None,
            etag: None,
            storage_class: None,
        }
    }

    /// Lists sorted keys as S3 does, in pages of this size.
    fn page_of(keys: &[String], query: &ListingQuery, page: usize) -> Listing {
        let after = query.continuation_token.as_ref().or(query.start_after.as_ref());
        let after = after.cloned().unwrap_or_default();
        let page = page.min(usize::try_from(query.max_keys).unwrap());
        let mut listing = Listing {
            objects: Vec::new(),
            common_prefixes: Vec::new(),
            next_continuation_token: None,
        };
        let mut last = None;
        for key in keys
            .iter()
            .filter(|key| key.starts_with(&query.prefix) && **key > after)
        {
            let below = &key[query.prefix.len()..];
            let slash = query.delimiter.as_ref().and_then(|delimiter| below.find(delimiter));
            let folder = slash.map(|slash| key[..=query.prefix.len() + slash].to_owned());
            if folder.is_some() && listing.common_prefixes.last() == folder.as_ref() {
                continue;
            }
            if listing.objects.len() + listing.common_prefixes.len() == page {
                listing.next_continuation_token = last;
                break;
            }
            if let Some(folder) = folder {
                last = Some(format!("{folder}{LAST}"));
                listing.common_prefixes.push(folder);
            } else {
                last = Some(key.clone());
                listing.objects.push(object(key));
            }
        }
        listing
    }

    /// Lists keys as S3 does, in small pages.
    pub fn s3_of(keys: &[String], page: usize) -> ListPage {
        let mut keys = keys.to_vec();
        keys.sort();
        Arc::new(move |query: ListingQuery| std::future::ready(Ok(page_of(&keys, &query, page))).boxed())
    }

    async fn listed(list: ListPage, prefix: &str, after: Option<&String>) -> Vec<String> {
        let pages = list_all(list, prefix.to_owned(), after.cloned());
        let pages: Vec<_> = pages.try_collect().await.unwrap();
        pages.into_iter().flatten().map(|object| object.key).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]
        #[test]
        fn every_key_comes_once_and_in_order(
            keys in proptest::collection::btree_set("[ab](-|!|c|é|/[ab]|/){0,6}", 1..90),
            prefix in "([ab](-|!|/|/a|/a/|-b|a)?)?",
            after in proptest::option::of("[ab](-|!|c|/[ab]){0,5}"),
            page in 1usize..8,
        ) {
            let keys: Vec<String> = keys.into_iter().collect();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let found = runtime.block_on(listed(s3_of(&keys, page), &prefix, after.as_ref()));
            let is_expected = |key: &&String| key.starts_with(&prefix) && after.as_ref().is_none_or(|after| *key > after);
            let expected: Vec<String> = keys.iter().filter(is_expected).cloned().collect();
            prop_assert_eq!(found, expected);
        }
    }

    /// Keys in this number of folders with this number of objects each.
    fn in_folders(folders: usize, objects: usize) -> Vec<String> {
        let keys =
            (0..folders).flat_map(|folder| (0..objects).map(move |object| format!("lake/{folder:04}/{object:04}")));
        keys.collect()
    }

    /// Lists keys in pages of a thousand. Returns how many requests that takes, and how many one after the other.
    async fn cost(keys: &[String]) -> (usize, usize) {
        let requests = Arc::new(AtomicUsize::new(0));
        let (tick, ticks) = tokio::sync::watch::channel(0);
        let (all, counted) = (Arc::new(keys.to_vec()), requests.clone());
        let list: ListPage = Arc::new(move |query: ListingQuery| {
            counted.fetch_add(1, Ordering::Relaxed);
            let (all, mut ticks) = (all.clone(), ticks.clone());
            async move {
                let begin = *ticks.borrow();
                ticks.wait_for(|tick| *tick > begin).await.unwrap();
                Ok(page_of(&all, &query, 1000))
            }
            .boxed()
        });
        let mut pages = list_all(list, "lake/".to_owned(), None);
        let (mut listed, mut rounds) = (0, 0);
        loop {
            match futures::poll!(pages.try_next()) {
                Poll::Ready(Ok(Some(page))) => listed += page.len(),
                Poll::Ready(end) => {
                    end.unwrap();
                    break;
                }
                // All requests that are in flight are answered.
                Poll::Pending => {
                    rounds += 1;
                    tick.send(rounds).unwrap();
                    // Without it, the budget of this task for one poll comes to its end.
                    tokio::task::yield_now().await;
                }
            }
        }
        assert_eq!(listed, keys.len());
        (requests.load(Ordering::Relaxed), rounds)
    }

    #[tokio::test]
    async fn folders_are_listed_in_parallel_with_few_more_requests() {
        for (folders, objects, most_requests, most_rounds) in [
            (200, 1000, 230, 40),
            (20, 10_000, 230, 180),
            (2_000, 100, 250, 80),
            (10_000, 2, 50, 20),
        ] {
            let (requests, rounds) = cost(&in_folders(folders, objects)).await;
            let costs = format!("{folders} folders of {objects}: {requests} requests in {rounds} rounds");
            assert!(requests <= most_requests && rounds <= most_rounds, "{costs}");
        }
    }

    #[tokio::test]
    async fn a_prefix_whose_folders_cannot_be_listed_is_listed_page_after_page() {
        let keys = in_folders(20, 10);
        for is_denied in [
            (|query: &ListingQuery| query.delimiter.is_some()) as fn(&ListingQuery) -> bool,
            |query| query.prefix != "lake/",
        ] {
            let all = keys.clone();
            let list: ListPage = Arc::new(move |query: ListingQuery| {
                let operation = Operation {
                    service: "S3",
                    action: "s3:ListBucket",
                    resource: Resource::Service,
                };
                let page = if is_denied(&query) {
                    Err(AwsError::new(AwsErrorKind::AccessDenied, operation))
                } else {
                    Ok(page_of(&all, &query, 7))
                };
                std::future::ready(page).boxed()
            });
            assert_eq!(listed(list, "lake/", None).await, keys);
        }
    }

    /// What appears among listed folders may be missed. What was there is not.
    #[tokio::test]
    async fn folders_that_appear_meanwhile_hide_no_other() {
        let keys = in_folders(20, 3);
        let mut later = keys.clone();
        later.extend([
            "lake/0004-new/x".to_owned(),
            "lake/0012!".to_owned(),
            "lake/0017/0001a".to_owned(),
        ]);
        later.sort();
        let (first, is_later) = (keys.clone(), Arc::new(AtomicUsize::new(0)));
        let list: ListPage = Arc::new(move |query: ListingQuery| {
            let keys = if is_later.load(Ordering::Relaxed) == 0 {
                &first
            } else {
                &later
            };
            let page = page_of(keys, &query, if query.delimiter.is_some() { 1000 } else { 7 });
            is_later.fetch_add(usize::from(query.delimiter.is_some()), Ordering::Relaxed);
            std::future::ready(Ok(page)).boxed()
        });
        let found = listed(list, "lake/", None).await;
        assert!(found.is_sorted());
        let missing: Vec<&String> = keys.iter().filter(|key| !found.contains(key)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[tokio::test]
    async fn a_prefix_that_cannot_be_listed_fails() {
        let list: ListPage = Arc::new(move |_| {
            let operation = Operation {
                service: "S3",
                action: "s3:ListBucket",
                resource: Resource::Service,
            };
            std::future::ready(Err(AwsError::new(AwsErrorKind::AccessDenied, operation))).boxed()
        });
        let error = list_all(list, "lake/".to_owned(), None).try_next().await.unwrap_err();
        assert_eq!(error.kind, AwsErrorKind::AccessDenied);
    }
}
