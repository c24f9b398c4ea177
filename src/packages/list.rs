//! Listing of a bucket's packages, by pages.

use futures::{StreamExt as _, TryStreamExt as _};
use quilt_format::{PackageName, layout};

use super::revision::Latest;
use super::{PackageBucket, PackageError};
use crate::aws::AwsErrorKind;
use crate::aws::s3::ListingQuery;

/// Pointers that are read concurrently.
const MAX_READS: usize = 16;
/// Maximum number of names among which packages are found.
const MAX_SEARCHED_NAMES: usize = 10_000;

/// A package of a listing.
#[derive(Debug, Clone)]
pub struct ListedPackage {
    pub name: PackageName,
    /// The latest revision, if its pointer can be read.
    pub latest: Option<Latest>,
}

impl PackageBucket {
    /// Lists up to `limit` packages whose names begin with `prefix` and follow `after`, in their order. A folder below which
    /// there is no pointer of its own is no package.
    pub async fn list_packages(
        &self,
        prefix: &str,
        after: Option<&PackageName>,
        limit: usize,
    ) -> Result<Vec<ListedPackage>, PackageError> {
        let mut listed: Vec<ListedPackage> = Vec::new();
        let mut after = after.cloned();
        loop {
            let wanted = limit - listed.len();
            let names = self.folder_names(prefix, after.as_ref(), wanted).await?;
            let is_last = names.len() < wanted;
            after = names.last().cloned();
            let read = futures::stream::iter(names)
                .map(|name| self.listed(name))
                .buffered(MAX_READS);
            let read: Vec<Option<ListedPackage>> = read.try_collect().await?;
            listed.extend(read.into_iter().flatten());
            if is_last || listed.len() >= limit {
                return Ok(listed);
            }
        }
    }

    /// Lists the names of folders that packages may have, up to 10,000. The second value is whether these are all.
    pub async fn package_names(&self) -> Result<(Vec<PackageName>, bool), PackageError> {
        let mut names = self.folder_names("", None, MAX_SEARCHED_NAMES + 1).await?;
        let is_complete = names.len() <= MAX_SEARCHED_NAMES;
        names.truncate(MAX_SEARCHED_NAMES);
        Ok((names, is_complete))
    }

    /// Finds up to `limit` packages whose names contain `part`, which is in lower case, with their latest revisions. The second
    /// value is whether all names were read and all that match are among the packages.
    pub async fn find_packages(&self, part: &str, limit: usize) -> Result<(Vec<ListedPackage>, bool), PackageError> {
        let (mut names, mut is_complete) = self.package_names().await?;
        names.retain(|name| name.as_str().to_lowercase().contains(part));
        is_complete &= names.len() <= limit;
        names.truncate(limit);
        let read = futures::stream::iter(names)
            .map(|name| self.listed(name))
            .buffered(MAX_READS);
        let read: Vec<Option<ListedPackage>> = read.try_collect().await?;
        Ok((read.into_iter().flatten().collect(), is_complete))
    }

    /// Lists up to `limit` names of folders that a package may have.
    async fn folder_names(
        &self,
        prefix: &str,
        after: Option<&PackageName>,
        limit: usize,
    ) -> Result<Vec<PackageName>, PackageError> {
        // A name has two parts: one listing of the namespaces, then one of each namespace.
        let mut names = Vec::new();
        if prefix.contains('/') {
            self.names_in(prefix, after, limit, &mut names).await?;
            return Ok(names);
        }
        let after_namespace = after
            .and_then(|name| name.as_str().split_once('/'))
            .map(|(namespace, _)| namespace);
        // The last page ended within this namespace, or at its end.
        if let Some(namespace) = after_namespace.filter(|namespace| namespace.starts_with(prefix)) {
            self.names_in(&format!("{namespace}/"), after, limit, &mut names)
                .await?;
        }
        let start_after = after_namespace.map(|namespace| past(&layout::packages(&format!("{namespace}/"))));
        let mut namespaces = self.folders(layout::packages(prefix), start_after);
        while names.len() < limit
            && let Some(namespace) = namespaces.next().await?
        {
            self.names_in(&namespace, None, limit, &mut names).await?;
        }
        Ok(names)
    }

    /// Appends the names below a prefix that contains the namespace.
    async fn names_in(
        &self,
        prefix: &str,
        after: Option<&PackageName>,
        limit: usize,
        names: &mut Vec<PackageName>,
    ) -> Result<(), PackageError> {
        let start_after = after.map(|name| past(&layout::pointers(name)));
        let mut folders = self.folders(layout::packages(prefix), start_after);
        while names.len() < limit
            && let Some(folder) = folders.next().await?
        {
            names.extend(PackageName::from_listing(folder.trim_end_matches('/')));
        }
        Ok(())
    }

    fn folders(&self, prefix: String, start_after: Option<String>) -> Folders<'_> {
        let query = ListingQuery {
            prefix,
            delimiter: Some("/".to_owned()),
            max_keys: 1000,
            start_after,
            continuation_token: None,
        };
        Folders {
            bucket: self,
            query,
            page: Vec::new().into_iter(),
            done: false,
        }
    }

    /// Reads the latest revision of a package; `None` if there is no such package.
    async fn listed(&self, name: PackageName) -> Result<Option<ListedPackage>, PackageError> {
        let latest = match self.latest(&name).await {
            Ok(None) if !self.has_pointers(&name).await? => return Ok(None),
            Ok(latest) => latest,
            Err(PackageError::Pointer(_)) => None,
            Err(error) if error.is(AwsErrorKind::AccessDenied) => None,
            Err(error) => return Err(error),
        };
        Ok(Some(ListedPackage { name, latest }))
    }
}

/// Returns a key behind all that begin with a prefix.
fn past(prefix: &str) -> String {
    format!("{prefix}{}", char::MAX)
}

/// Folders directly below a prefix, listed by pages, without the prefix of all pointers.
struct Folders<'a> {
    bucket: &'a PackageBucket,
    query: ListingQuery,
    page: std::vec::IntoIter<String>,
    done: bool,
}

impl Folders<'_> {
    async fn next(&mut self) -> Result<Option<String>, PackageError> {
        loop {
            if let Some(folder) = self.page.next() {
                let name = folder.strip_prefix(&layout::packages("")).unwrap_or_default();
                return Ok(Some(name.to_owned()));
            }
            if self.done {
                return Ok(None);
            }
            let page = self.bucket.s3.list_objects(&self.bucket.bucket, &self.query).await?;
            self.done = page.next_continuation_token.is_none();
            self.query.continuation_token = page.next_continuation_token;
            self.page = page.common_prefixes.into_iter();
        }
    }
}
