//! Listing of the objects below a prefix that go into a package.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::args::FileArg;
use super::globs::{self, Globs};
use super::logical_keys::MAX_FILES;
use crate::aws::s3::{BucketName, ListedObject, ListingQuery, ObjectUri, UserS3};
use crate::error_code::ErrorCode;
use crate::packages::estimate_object_bytes;
use crate::tools::{Session, ToolError};

/// Prefix of a bucket's own package files, which never go into a package.
const REGISTRY_PREFIX: &str = ".quilt/";
/// Most items that a warning names.
const MAX_NAMED: usize = 5;
/// Memory that is reserved at once for objects that are found.
const RESERVATION_STEP: usize = 8 * 1024 * 1024;

/// Filter of the objects that go into the package.
pub(super) struct KeyFilter {
    include: Globs,
    exclude: Globs,
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
        let compile = move || {
            Ok(Self {
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

    fn accepts(&self, key: &str) -> bool {
        let path = key.strip_prefix(&self.base).unwrap_or(key);
        let is_included = self.include.is_empty() || self.include.matches(path);
        !key.starts_with(REGISTRY_PREFIX) && is_included && !self.exclude.matches(path)
    }

    /// Returns the accepted objects of a page.
    async fn filter_page(
        self: &Arc<Self>,
        session: &Session,
        mut page: Vec<ListedObject>,
    ) -> Result<Vec<ListedObject>, ToolError> {
        if !self.is_heavy {
            page.retain(|object| self.accepts(&object.key));
            return Ok(page);
        }
        let this = self.clone();
        let accepted = session.cpu().run(move |deadline| {
            let mut accepted = Vec::new();
            for object in page {
                deadline.check()?;
                accepted.extend(Some(object).filter(|object| this.accepts(&object.key)));
            }
            Ok(accepted)
        });
        accepted
            .await
            .and_then(|accepted| accepted)
            .map_err(|error| session.explain_package(error.into()))
    }
}

/// Objects below a prefix.
#[derive(Default)]
pub(super) struct Found {
    pub files: Vec<FileArg>,
    /// Count of empty objects that stand for folders.
    folders: u64,
}

impl Found {
    /// Returns what a user should know about the objects below this prefix.
    pub(super) fn warnings(&self, prefix: &str) -> Vec<String> {
        let folders = format!(
            "{} empty objects whose keys end in \"/\" stand for folders and were left out.",
            self.folders
        );
        let mut warnings = Vec::from_iter((self.folders > 0).then_some(folders));
        warnings.extend(self.warning_of_several_folders(prefix));
        warnings
    }

    /// A prefix without a slash at its end also matches folders and objects whose names only begin with it.
    fn warning_of_several_folders(&self, prefix: &str) -> Option<String> {
        if prefix.is_empty() || prefix.ends_with('/') {
            return None;
        }
        let meant = format!("{prefix}/");
        let folder = |file: &FileArg| {
            let key = file.s3_uri.key.as_str();
            let slash = key.get(prefix.len()..)?.find('/')?;
            key.get(..=prefix.len() + slash).map(str::to_owned)
        };
        let folders: BTreeSet<Option<String>> = self.files.iter().map(folder).collect();
        let has_meant = folders.contains(&Some(meant.clone()));
        let is_ambiguous = folders.iter().flatten().count() > 1 || has_meant && folders.len() > 1;
        let advice = if has_meant {
            format!("for the first alone, set source_prefix=\"{meant}\"")
        } else {
            "to take one of them, set source_prefix to it with its slash".to_owned()
        };
        let mut named: Vec<&String> = folders.iter().flatten().collect();
        named.sort_by_key(|folder| **folder != meant);
        is_ambiguous.then(|| {
            format!(
                "source_prefix \"{prefix}\" does not end in a slash and matched more than one folder or object: {}; {advice}.",
                listed(named.iter().map(|folder| format!("`{folder}`")))
            )
        })
    }
}

/// Returns the warning about objects that were left out, because no logical key can be made of their keys.
pub(super) fn warning_of_unusable(objects: &[ObjectUri]) -> Option<String> {
    (!objects.is_empty()).then(|| {
        format!(
            "Left out, because their keys cannot be logical keys (they end in a slash, or have a segment that is empty, `.` or \
             `..`): {}.",
            listed(objects.iter().map(ToString::to_string))
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

/// Lists the objects below a prefix that the filter accepts. Memory for them is reserved in steps, because their number is
/// unknown.
pub(super) async fn find(
    session: &Session,
    s3: &UserS3,
    bucket: &BucketName,
    prefix: &str,
    filter: &Arc<KeyFilter>,
) -> Result<Found, ToolError> {
    let mut found = Found::default();
    let mut estimated = 0;
    let mut reserved = RESERVATION_STEP;
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
        for object in filter.filter_page(session, page.objects).await? {
            if object.key.ends_with('/') && object.size == 0 {
                found.folders += 1;
                continue;
            }
            estimated += estimate_object_bytes(2 * object.key.len());
            let key = object.key.parse().map_err(ToolError::invalid)?;
            let s3_uri = ObjectUri::latest(bucket.clone(), key);
            found.files.push(FileArg {
                s3_uri,
                logical_key: None,
                meta: None,
            });
        }
        if estimated > reserved {
            reserved = estimated + RESERVATION_STEP;
            session.reserve(reserved).await?;
        }
        if found.files.len() > MAX_FILES {
            let message =
                format!("More than {MAX_FILES} objects are below s3://{bucket}/{prefix}, too many for one call.");
            return Err(ToolError::new(ErrorCode::TooLarge, message)
                .with_hint("Use a longer prefix or include, then add the rest with package_update."));
        }
        query.continuation_token = page.next_continuation_token;
        if query.continuation_token.is_none() {
            return Ok(found);
        }
    }
}
