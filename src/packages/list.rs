//! Listing of a bucket's packages, by pages.

use futures::{StreamExt as _, TryStreamExt as _};
use quilt_format::{PackageName, layout};

use super::revision::Latest;
use super::{PackageBucket, PackageError};
use crate::aws::AwsErrorKind;
use crate::aws::s3::ListingQuery;

/// Pointers that are read concurrently.
const MAX_READS: usize = 16;

impl PackageBucket {
    /// Lists up to `limit` names that begin with `prefix` and follow `after`, in their order.
    pub async fn names(
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

    /// Reads the latest revisions of packages, in their order; `None` where no pointer can be read.
    pub async fn latest_of(&self, names: Vec<PackageName>) -> Result<Vec<(PackageName, Option<Latest>)>, PackageError> {
        let read = names.into_iter().map(|name| async move {
            match self.latest(&name).await {
                Ok(latest) => Ok((name, latest)),
                Err(PackageError::Pointer { .. }) => Ok((name, None)),
                Err(error) if error.is(AwsErrorKind::AccessDenied) => Ok((name, None)),
                Err(error) => Err(error),
            }
        });
        futures::stream::iter(read).buffered(MAX_READS).try_collect().await
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
