//! Review of a revision's new entries: what may later break, and is no error now.

use std::collections::HashSet;

use quilt_format::{Entry, PackageName, PhysicalKey};

use super::prefix::listed;
use super::readme_links::relative_links;
use crate::aws::s3::BucketName;
use crate::packages::{Change, Committed, Listed, ManifestFile, PackageBucket, Plan, TextFile, TextKind};

/// Most links of a readme, and most paths of a summary, that are checked.
pub(super) const MAX_CHECKED: usize = 100;

/// The facts of a plan that the review of its entries needs.
pub(super) struct Review {
    bucket: BucketName,
    name: PackageName,
    copy: bool,
    dry_run: bool,
    /// Whether entries of the revision before stay.
    is_update: bool,
    texts: Vec<TextFile>,
    /// The paths of the summary.
    summary: Vec<String>,
}

impl Review {
    pub(super) fn of(bucket: &BucketName, plan: &Plan<'_>, summary: Vec<String>) -> Self {
        Self {
            bucket: bucket.clone(),
            name: plan.name.clone(),
            copy: plan.copy,
            dry_run: plan.dry_run,
            is_update: matches!(plan.change, Change::Update(_)),
            texts: plan.texts.clone(),
            summary,
        }
    }

    /// Returns the warnings about the entries that were put into the package. Of many entries only the first ones are known.
    pub(super) async fn warnings(&self, packages: &PackageBucket, committed: &Committed) -> Vec<String> {
        let entries = committed.entries.as_slice();
        let is_whole = entries.len() as u64 == committed.entries_added;
        let mut warnings: Vec<String> = self.unpinned(entries, is_whole).into_iter().collect();
        if is_whole {
            let before = self.before(packages).await;
            warnings.extend(self.broken_links(entries, before.as_ref()).await);
            warnings.extend(self.missing_paths(entries, before.as_ref()).await);
        }
        warnings
    }

    /// Opens the revision of which entries stay: after the commit it is the new one.
    async fn before(&self, packages: &PackageBucket) -> Option<ManifestFile> {
        if !self.is_update || self.texts.is_empty() {
            return None;
        }
        let hash = packages.resolve(&self.name, "latest").await.ok()?;
        packages.open(&hash).await.ok()
    }

    fn unpinned(&self, entries: &[Entry], is_whole: bool) -> Option<String> {
        // A dry run does not know the versions that copies and texts will have.
        if self.dry_run && self.copy {
            return None;
        }
        let is_text = |entry: &Entry| {
            self.texts
                .iter()
                .any(|file| file.kind.key() == entry.logical_key.as_str())
        };
        let is_unwritten = |entry: &Entry| self.dry_run && is_text(entry);
        let is_unpinned = |entry: &&Entry| {
            let version = match &entry.physical_key {
                PhysicalKey::S3 { version_id, .. } => version_id.as_deref(),
                PhysicalKey::File { .. } => None,
            };
            version.is_none_or(|version| version == "null") && !is_unwritten(entry)
        };
        let count = entries.iter().filter(is_unpinned).count();
        (count > 0).then(|| {
            format!(
                "No version pins {count} of {}{} entries, because versioning is off in their bucket, or was when they were \
                 written: if such an object is replaced or deleted, the package no longer has it.",
                if is_whole { "" } else { "the first " },
                entries.len()
            )
        })
    }

    async fn broken_links(&self, entries: &[Entry], before: Option<&ManifestFile>) -> Option<String> {
        let readme = self.texts.iter().find(|file| file.kind == TextKind::Readme)?;
        let links = relative_links(&readme.text);
        if links.is_empty() {
            return None;
        }
        let is_copied = self.dry_run && self.copy;
        let prefix = format!("{}/", self.name);
        let keys = entries.iter().filter_map(|entry| match &entry.physical_key {
            _ if is_copied => Some(entry.logical_key.as_str()),
            PhysicalKey::S3 { bucket, key, .. } if *bucket == self.bucket.as_str() => key.strip_prefix(&prefix),
            _ => None,
        });
        let reachable: HashSet<&str> = keys.collect();
        let mut broken = Vec::new();
        for link in links
            .iter()
            .filter(|link| !reachable.contains(link.as_str()))
            .take(MAX_CHECKED)
        {
            let stays = match before {
                Some(file) => entry_at(file, link).await,
                None => None,
            };
            let is_found = stays.is_some_and(|entry| match &entry.physical_key {
                PhysicalKey::S3 { bucket, key, .. } => {
                    *bucket == self.bucket.as_str() && key.strip_prefix(&prefix) == Some(link)
                }
                PhysicalKey::File { .. } => false,
            });
            if !is_found {
                broken.push(format!("`{link}`"));
            }
        }
        let advice = if self.copy {
            "link to entries of the package, or to s3://BUCKET/KEY"
        } else {
            "link to s3://BUCKET/KEY, or set copy=true"
        };
        (!broken.is_empty()).then(|| {
            format!(
                "The readme has relative links that the catalog will not find: it looks for {} below s3://{}/{prefix}, where \
                 they are not; {advice}.",
                listed(broken.into_iter()),
                self.bucket
            )
        })
    }

    async fn missing_paths(&self, entries: &[Entry], before: Option<&ManifestFile>) -> Option<String> {
        let keys: HashSet<&str> = entries.iter().map(|entry| entry.logical_key.as_str()).collect();
        let mut missing = Vec::new();
        for path in self.summary.iter().filter(|path| !keys.contains(path.as_str())) {
            let stays = match before {
                Some(file) => entry_at(file, path).await,
                None => None,
            };
            if stays.is_none() {
                missing.push(format!("`{path}`"));
            }
        }
        (!missing.is_empty()).then(|| {
            format!(
                "The summary names paths that are no entries of the package, and the catalog will not show them: {}; write \
                 logical keys.",
                listed(missing.into_iter())
            )
        })
    }
}

/// Returns the entry of a revision at a key.
async fn entry_at(file: &ManifestFile, key: &str) -> Option<Entry> {
    let subtree = file.find(key).await.ok()??;
    let (mut items, _) = file.list(&subtree, true, None, 1, |_| true).await.ok()?;
    match items.pop()? {
        Listed::File(entry) => Some(*entry).filter(|entry| entry.logical_key.as_str() == key),
        Listed::Directory { .. } => None,
    }
}
