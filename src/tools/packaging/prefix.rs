//! Listing of the objects below a prefix that go into a package.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quilt_format::PackageName;

use super::args::FileArg;
use crate::aws::s3::{BucketName, ListedObject, ListingQuery, ObjectUri, UserS3, key_in};
use crate::blocking::{CpuError, CpuPool};
use crate::packages::estimate_object_bytes;
use crate::tools::globs::{self, Globs};
use crate::tools::{Session, ToolError};

/// Prefix of a bucket's own package files, which never go into a package.
const REGISTRY_PREFIX: &str = ".quilt/";
/// Most items that a warning names.
const MAX_NAMED: usize = 5;
/// Most folders that are noted for a warning.
const MAX_FOLDERS: usize = 100;
/// Memory that is reserved at once for objects that are found.
const RESERVATION_STEP: usize = 8 * 1024 * 1024;

/// Filter of the objects that go into the package.
pub(super) struct KeyFilter {
    include: Globs,
    exclude: Globs,
    /// The globs as they were given: those of `include`, and behind an empty one those of `exclude`.
    patterns: Vec<String>,
    /// Where the package's copies go, if its objects come from there too.
    copies: Option<String>,
    copies_left_out: AtomicU64,
    /// The part of keys that the globs are not matched with.
    base: String,
    /// Whether matching runs on the pool for computations.
    is_heavy: bool,
}

impl KeyFilter {
    /// Compiles the globs, away from the async workers if they are large.
    pub(super) async fn compile(
        session: &Session,
        include: Vec<String>,
        exclude: Vec<String>,
        base: String,
    ) -> Result<Self, ToolError> {
        let is_heavy = globs::is_heavy(include.iter().chain(&exclude));
        let patterns = [include.as_slice(), &[String::new()], exclude.as_slice()].concat();
        let compile = move || {
            Ok(Self {
                patterns,
                copies: None,
                copies_left_out: AtomicU64::new(0),
                include: Globs::compile("include", &include)?,
                exclude: Globs::compile("exclude", &exclude)?,
                base,
                is_heavy,
            })
        };
        if !is_heavy {
            return compile();
        }
        session
            .cpu()
            .run(move |_| compile())
            .await
            .map_err(|error| session.explain_package(error.into()))?
    }

    /// Leaves out the folder of a package's copies, where the objects are copied from `prefix` of the same bucket: the copies
    /// would be copied again.
    pub(super) fn without_copies(self, name: &PackageName, prefix: &str) -> Self {
        let folder = format!("{name}/");
        let is_inside = folder.starts_with(prefix) && folder != prefix;
        Self {
            copies: is_inside.then_some(folder),
            ..self
        }
    }

    /// Returns the globs as they were given: those of `include`, and behind an empty one those of `exclude`.
    pub(super) fn patterns(&self) -> impl Iterator<Item = &str> {
        self.patterns.iter().map(String::as_str)
    }

    /// Returns the warning about copies that were left out.
    pub(super) fn warning_of_copies(&self) -> Option<String> {
        let count = self.copies_left_out.load(Ordering::Relaxed);
        let folder = self.copies.as_ref().filter(|_| count > 0)?;
        Some(format!(
            "{count} objects below `{folder}` were left out, because the package's own copies lie there."
        ))
    }

    fn accepts(&self, key: &str) -> bool {
        if self.copies.as_ref().is_some_and(|folder| key.starts_with(folder)) {
            self.copies_left_out.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        let path = key.strip_prefix(&self.base).unwrap_or(key);
        let is_included = self.include.is_empty() || self.include.matches(path);
        !key.starts_with(REGISTRY_PREFIX) && is_included && !self.exclude.matches(path)
    }

    /// Returns the accepted objects of a page.
    pub(super) async fn filter_page(
        self: &Arc<Self>,
        cpu: &CpuPool,
        mut page: Vec<ListedObject>,
    ) -> Result<Vec<ListedObject>, CpuError> {
        if !self.is_heavy {
            page.retain(|object| self.accepts(&object.key));
            return Ok(page);
        }
        let this = self.clone();
        let accepted = cpu.run(move |deadline| {
            let mut accepted = Vec::new();
            for object in page {
                deadline.check()?;
                accepted.extend(Some(object).filter(|object| this.accepts(&object.key)));
            }
            Ok(accepted)
        });
        accepted.await.and_then(|accepted| accepted)
    }
}

/// Objects below a prefix.
#[derive(Default)]
pub(super) struct Found {
    pub files: Vec<FileArg>,
    /// Whether there are more, which were not listed.
    pub has_more: bool,
    /// Memory that was estimated for them.
    pub estimated_bytes: usize,
    /// Count of empty objects that stand for folders.
    folders: u64,
}

impl Found {
    /// Returns what a user should know about the objects below this prefix.
    pub(super) fn warnings(&self, prefix: &str) -> Vec<String> {
        let mut folders = MatchedFolders::default();
        for file in &self.files {
            folders.add(prefix, file.s3_uri.key.as_str());
        }
        warning_of_folders(self.folders)
            .into_iter()
            .chain(folders.warning(prefix))
            .collect()
    }
}

/// Folders and objects that a prefix matches without a slash at its end, so that it also matches names that only begin with it.
#[derive(Debug, Default)]
pub(super) struct MatchedFolders(BTreeSet<Option<String>>);

impl MatchedFolders {
    /// Notes the folder of a key below the prefix, or that the key is in none.
    pub(super) fn add(&mut self, prefix: &str, key: &str) {
        if prefix.is_empty() || prefix.ends_with('/') || self.0.len() >= MAX_FOLDERS {
            return;
        }
        let slash = key.get(prefix.len()..).and_then(|rest| rest.find('/'));
        let folder = slash.and_then(|slash| key.get(..=prefix.len() + slash));
        self.0.insert(folder.map(str::to_owned));
    }

    /// Returns the warning that there are several.
    pub(super) fn warning(&self, prefix: &str) -> Option<String> {
        let meant = format!("{prefix}/");
        let has_meant = self.0.contains(&Some(meant.clone()));
        let is_ambiguous = self.0.iter().flatten().count() > 1 || has_meant && self.0.len() > 1;
        let advice = if has_meant {
            format!("for the first alone, set source_prefix=\"{meant}\"")
        } else {
            "to take one of them, set source_prefix to it with its slash".to_owned()
        };
        let mut named: Vec<&String> = self.0.iter().flatten().collect();
        named.sort_by_key(|folder| **folder != meant);
        is_ambiguous.then(|| {
            format!(
                "source_prefix \"{prefix}\" does not end in a slash and matched more than one folder or object: {}; {advice}.",
                listed(named.iter().map(|folder| format!("`{folder}`")))
            )
        })
    }
}

/// Reads an argument that names a prefix of the bucket, and returns it and the folder that it begins with.
pub(super) fn source_prefix(argument: &str, bucket: &BucketName, text: &str) -> Result<(String, String), ToolError> {
    let prefix = key_in(bucket, text).map_err(|problem| {
        ToolError::invalid(format!("Argument {argument}: {problem}."))
            .with_hint("Name the bucket of the objects in source_bucket.")
    })?;
    let base = prefix.rfind('/').and_then(|slash| prefix.get(..=slash));
    let base = base.unwrap_or_default().to_owned();
    Ok((prefix.into_owned(), base))
}

/// Returns the warning about empty objects that were left out.
pub(super) fn warning_of_folders(count: u64) -> Option<String> {
    (count > 0).then(|| format!("{count} empty objects whose keys end in \"/\" stand for folders and were left out."))
}

/// Returns the warning about objects that were left out, because no logical key can be made of their keys: `count`, some of
/// which are named.
pub(super) fn warning_of_unusable(named: &[ObjectUri], count: usize) -> Option<String> {
    (count > 0).then(|| {
        let shown: Vec<String> = named.iter().take(MAX_NAMED).map(ToString::to_string).collect();
        let more = match count - shown.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!(
            "Left out, because their keys cannot be logical keys (they end in a slash, or have a segment that is empty, `.` or \
             `..`): {}{more}.",
            shown.join(", ")
        )
    })
}

/// Joins items, of many the first ones and their number.
pub(super) fn listed(items: impl ExactSizeIterator<Item = String>) -> String {
    let more = items.len().saturating_sub(MAX_NAMED);
    let named = items.take(MAX_NAMED).collect::<Vec<_>>().join(", ");
    if more > 0 {
        return format!("{named} and {more} more");
    }
    named
}

/// Lists the objects below a prefix that the filter accepts, until there are more than `max_files`. Memory for them is
/// reserved in steps, because their number is unknown, besides `reserved_before`.
pub(super) async fn find(
    session: &Session,
    s3: &UserS3,
    bucket: &BucketName,
    prefix: &str,
    filter: &Arc<KeyFilter>,
    max_files: usize,
    reserved_before: usize,
) -> Result<Found, ToolError> {
    let mut found = Found::default();
    let mut reserved = reserved_before + RESERVATION_STEP;
    session.reserve(reserved).await?;
    let mut query = ListingQuery {
        prefix: prefix.to_owned(),
        max_keys: 1000,
        ..ListingQuery::default()
    };
    loop {
        let page = s3
            .list_objects(bucket, &query)
            .await
            .map_err(|error| session.explain(&error))?;
        let accepted = filter.filter_page(session.cpu(), page.objects).await;
        for object in accepted.map_err(|error| session.explain_package(error.into()))? {
            if object.key.ends_with('/') && object.size == 0 {
                found.folders += 1;
                continue;
            }
            found.estimated_bytes += estimate_object_bytes(2 * object.key.len());
            let key = object.key.parse().map_err(ToolError::invalid)?;
            let s3_uri = ObjectUri::latest(bucket.clone(), key);
            found.files.push(FileArg {
                s3_uri,
                logical_key: None,
                meta: None,
            });
        }
        if reserved_before + found.estimated_bytes > reserved {
            reserved = reserved_before + found.estimated_bytes + RESERVATION_STEP;
            session.reserve(reserved).await?;
        }
        if found.files.len() > max_files {
            found.has_more = true;
            return Ok(found);
        }
        query.continuation_token = page.next_continuation_token;
        if query.continuation_token.is_none() {
            return Ok(found);
        }
    }
}
