//! Revisions of a package, by pages: those of its history, newest first, each with its tags, then the tags that name others.

use std::collections::HashSet;

use jiff::Timestamp;
use quilt_format::{PackageName, TopHash};

use super::revision::{ExistingPackage, ListedPointer, ReadPointer, newest_first};
use super::{PackageBucket, PackageError};

/// Most tags that are read to find those of a page's revisions. Others are rows of their own.
const MAX_TAGS: usize = 200;

/// Problem of a revision that only `latest` names, because its commit was interrupted.
const NOT_IN_HISTORY: &str = "the history has no entry of this revision; the next one adds it";

/// A revision, as its pointers name it.
#[derive(Debug, Clone)]
pub struct VersionRow {
    /// The revision; none if its pointer names none.
    pub hash: Option<TopHash>,
    /// The time of its pointer; none for one that only tags name.
    pub modified: Option<Timestamp>,
    pub is_latest: bool,
    /// The tags that name it.
    pub tags: Vec<String>,
    /// Why its pointer names no revision, or what its history lacks.
    pub problem: Option<String>,
}

/// Position of a page after the first one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionPosition {
    /// Only revisions before this second.
    pub before: u64,
    /// Only tags after this one, and no revisions of the history.
    pub after_tag: Option<String>,
}

/// A row that is not read yet.
enum Item {
    /// `latest`, if it is no revision of the history.
    Latest,
    Revision(ListedPointer),
    Tag(ListedPointer),
}

/// The pointers of a package, sorted by kind.
struct Pointers<'a> {
    name: &'a PackageName,
    latest: Option<ExistingPackage>,
    history: Vec<ListedPointer>,
    /// Tags that are equal to a pointer of the history, or to `latest`.
    equal: Vec<ListedPointer>,
    /// The other tags.
    others: Vec<ListedPointer>,
    /// The first of the other tags, read: an equal revision may have another `ETag`.
    read_tags: Vec<ReadPointer>,
}

impl PackageBucket {
    /// Lists up to `limit` revisions of a package, and the position of the next page if there is one.
    pub async fn versions(
        &self,
        name: &PackageName,
        position: Option<VersionPosition>,
        limit: usize,
    ) -> Result<(Vec<VersionRow>, Option<VersionPosition>), PackageError> {
        let pointers = self.sorted_pointers(name).await?;
        let is_first = position.is_none();
        let position = position.unwrap_or(VersionPosition {
            before: u64::MAX,
            after_tag: None,
        });
        let mut items = pointers.items_from(&position);
        if is_first && self.has_row_of_latest(&pointers).await? {
            items.insert(0, Item::Latest);
        }
        let is_more = items.len() > limit;
        items.truncate(limit);
        let next = items
            .last()
            .filter(|_| is_more)
            .map(|last| pointers.position_after(last));
        let mut rows = Vec::new();
        let mut revisions = Vec::new();
        let mut tags = Vec::new();
        for item in items {
            match item {
                Item::Latest => rows.extend(pointers.row_of_latest()),
                Item::Revision(pointer) => revisions.push(pointer),
                Item::Tag(pointer) => tags.push(pointer),
            }
        }
        let read = self.read_pointers(revisions).await?;
        rows.extend(read.into_iter().map(|read| pointers.row_of_revision(read)));
        let tags = self.read_pointers(tags).await?;
        let shown: HashSet<TopHash> = rows.iter().filter_map(|row| row.hash.clone()).collect();
        let is_shown = |read: &ReadPointer| read.hash().is_some_and(|hash| shown.contains(hash));
        rows.extend(
            tags.into_iter()
                .filter(|read| !is_shown(read))
                .map(|read| pointers.row_of_tag(read)),
        );
        Ok((rows, next))
    }

    async fn sorted_pointers<'a>(&self, name: &'a PackageName) -> Result<Pointers<'a>, PackageError> {
        let latest = self.read_latest(name).await?;
        let listed = self.pointers(name).await?;
        let (tags, others): (Vec<ListedPointer>, Vec<ListedPointer>) =
            listed.into_iter().partition(|pointer| pointer.tag(name).is_some());
        let history = newest_first(name, others);
        if latest.is_none() && history.is_empty() && tags.is_empty() {
            return Err(PackageError::NoSuchPackage {
                bucket: self.bucket.clone(),
                name: name.clone(),
            });
        }
        // Equal pointers have equal `ETag`s, unless they are encrypted with a KMS key.
        let etags: HashSet<&str> = history
            .iter()
            .map(|pointer| pointer.etag.as_str())
            .chain(latest.as_ref().and_then(ExistingPackage::etag))
            .collect();
        let (equal, others): (Vec<ListedPointer>, Vec<ListedPointer>) = tags
            .into_iter()
            .partition(|tag| !tag.etag.is_empty() && etags.contains(tag.etag.as_str()));
        let first = others.iter().take(MAX_TAGS).cloned().collect();
        let read_tags = self.read_pointers(first).await?;
        Ok(Pointers {
            name,
            latest,
            history,
            equal,
            others,
            read_tags,
        })
    }

    /// Returns whether `latest` is unreadable, or names a revision that is not in the history.
    async fn has_row_of_latest(&self, pointers: &Pointers<'_>) -> Result<bool, PackageError> {
        match &pointers.latest {
            Some(ExistingPackage::Revision(latest)) => Ok(!self.is_among(latest, &pointers.history).await?),
            Some(ExistingPackage::UnreadableLatest(_)) => Ok(true),
            Some(ExistingPackage::NoLatest(_)) | None => Ok(false),
        }
    }
}

impl Pointers<'_> {
    fn items_from(&self, position: &VersionPosition) -> Vec<Item> {
        let is_before = |pointer: &&ListedPointer| {
            let seconds = pointer.seconds(self.name);
            position.after_tag.is_none() && seconds.is_some_and(|seconds| seconds < position.before)
        };
        let revisions = self.history.iter().filter(is_before).cloned().map(Item::Revision);
        let is_after = |pointer: &&ListedPointer| {
            let after = position.after_tag.as_deref();
            after.is_none_or(|after| pointer.tag(self.name).is_some_and(|tag| tag > after))
        };
        let tags = self.others.iter().filter(is_after).cloned().map(Item::Tag);
        revisions.chain(tags).collect()
    }

    fn position_after(&self, item: &Item) -> VersionPosition {
        let (before, after_tag) = match item {
            Item::Latest => (u64::MAX, None),
            Item::Revision(pointer) => (pointer.seconds(self.name).unwrap_or_default(), None),
            Item::Tag(pointer) => (0, pointer.tag(self.name).map(str::to_owned)),
        };
        VersionPosition { before, after_tag }
    }

    fn row_of_latest(&self) -> Option<VersionRow> {
        match self.latest.as_ref()? {
            ExistingPackage::Revision(latest) => Some(VersionRow {
                hash: Some(latest.hash.clone()),
                modified: latest.modified,
                is_latest: true,
                tags: self.tags_of(&latest.etag, Some(&latest.hash)),
                problem: Some(NOT_IN_HISTORY.to_owned()),
            }),
            ExistingPackage::UnreadableLatest(pointer) => Some(VersionRow {
                hash: None,
                modified: pointer.modified,
                is_latest: true,
                tags: self.tags_of(&pointer.etag, None),
                problem: Some(pointer.to_string()),
            }),
            ExistingPackage::NoLatest(_) => None,
        }
    }

    fn row_of_revision(&self, read: ReadPointer) -> VersionRow {
        let seconds = read
            .pointer
            .seconds(self.name)
            .and_then(|seconds| i64::try_from(seconds).ok());
        VersionRow {
            modified: seconds.and_then(|seconds| Timestamp::from_second(seconds).ok()),
            is_latest: self.is_latest(&read),
            tags: self.tags_of(&read.pointer.etag, read.hash()),
            problem: problem_of(&read),
            hash: read.revision.ok(),
        }
    }

    fn row_of_tag(&self, read: ReadPointer) -> VersionRow {
        VersionRow {
            modified: None,
            is_latest: self.is_latest(&read),
            tags: read.pointer.tag(self.name).map(str::to_owned).into_iter().collect(),
            problem: problem_of(&read),
            hash: read.revision.ok(),
        }
    }

    fn is_latest(&self, read: &ReadPointer) -> bool {
        let latest = self.latest.as_ref().and_then(ExistingPackage::hash);
        latest.is_some_and(|latest| read.names(latest))
    }

    /// Returns the tags that are equal to a pointer, or name the same revision.
    fn tags_of(&self, etag: &str, hash: Option<&TopHash>) -> Vec<String> {
        let latest = self.latest.as_ref();
        let is_latest = hash.is_some() && latest.and_then(ExistingPackage::hash) == hash;
        let latest_etag = latest.filter(|_| is_latest).and_then(ExistingPackage::etag);
        let equal = self
            .equal
            .iter()
            .filter(|tag| tag.etag == etag || Some(tag.etag.as_str()) == latest_etag);
        let named = self
            .read_tags
            .iter()
            .filter(|read| hash.is_some_and(|hash| read.names(hash)));
        let all = equal.chain(named.map(|read| &read.pointer));
        let mut tags: Vec<String> = all.filter_map(|tag| tag.tag(self.name).map(str::to_owned)).collect();
        tags.sort();
        tags
    }
}

fn problem_of(read: &ReadPointer) -> Option<String> {
    read.revision.as_ref().err().map(ToString::to_string)
}
