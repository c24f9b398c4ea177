//! Listing of the objects below a prefix that go into a package.

use std::sync::Arc;

use super::args::FileArg;
use super::globs::{self, Globs};
use crate::aws::s3::{BucketName, ListedObject, ListingQuery, ObjectUri, UserS3};
use crate::blocking::{CpuError, CpuPool};
use crate::packages::estimate_object_bytes;
use crate::tools::{Session, ToolError};

/// Prefix of a bucket's own package files, which never go into a package.
const REGISTRY_PREFIX: &str = ".quilt/";
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
    /// Count of empty objects that stand for folders.
    folders: u64,
}

impl Found {
    pub(super) fn warnings(&self) -> Vec<String> {
        let warning = format!(
            "{} empty objects whose keys end in \"/\" stand for folders and were left out.",
            self.folders
        );
        Vec::from_iter((self.folders > 0).then_some(warning))
    }
}

/// Lists the objects below a prefix that the filter accepts, until there are more than `max_files`. Memory for them is
/// reserved in steps, because their number is unknown.
pub(super) async fn find(
    session: &Session,
    s3: &UserS3,
    bucket: &BucketName,
    prefix: &str,
    filter: &Arc<KeyFilter>,
    max_files: usize,
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
        let accepted = filter.filter_page(session.cpu(), page.objects).await;
        for object in accepted.map_err(|error| session.explain_package(error.into()))? {
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
