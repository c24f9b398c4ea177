//! Review of a revision's new entries: what may later break, and is no error now.

use std::collections::HashSet;

use quilt_format::{Entry, PackageName, PhysicalKey};

use super::prefix::listed;
use super::readme_links::relative_links;
use crate::aws::s3::BucketName;
use crate::packages::{Change, Plan, README};

/// The facts of a plan that the review of its entries needs.
pub(super) struct Review {
    bucket: BucketName,
    name: PackageName,
    copy: bool,
    dry_run: bool,
    readme: Option<String>,
}

impl Review {
    pub(super) fn of(bucket: &BucketName, plan: &Plan<'_>) -> Self {
        let readme = match &plan.change {
            Change::Create(creation) => creation.readme.clone(),
            Change::Update(_) => None,
        };
        Self {
            bucket: bucket.clone(),
            name: plan.name.clone(),
            copy: plan.copy,
            dry_run: plan.dry_run,
            readme,
        }
    }

    /// Returns the warnings about the entries that were put into the package. Of many entries only the first ones are known;
    /// `total` is their number.
    pub(super) fn warnings(&self, entries: &[Entry], total: u64) -> Vec<String> {
        let is_whole = entries.len() as u64 == total;
        let links = if is_whole { self.broken_links(entries) } else { None };
        self.unpinned(entries, is_whole).into_iter().chain(links).collect()
    }

    fn unpinned(&self, entries: &[Entry], is_whole: bool) -> Option<String> {
        // A dry run does not know the versions that copies and the readme will have.
        if self.dry_run && self.copy {
            return None;
        }
        let is_unwritten =
            |entry: &Entry| self.dry_run && self.readme.is_some() && entry.logical_key.as_str() == README;
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

    fn broken_links(&self, entries: &[Entry]) -> Option<String> {
        let links = relative_links(self.readme.as_deref()?);
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
        let broken: Vec<String> = links
            .into_iter()
            .filter(|link| !reachable.contains(link.as_str()))
            .map(|link| format!("`{link}`"))
            .collect();
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
}
