//! The catalog's web pages: what each shows, its URL, and what a URL shows.
//!
//! **Owns** the routes of the catalog's front end (`catalog/app/constants/routes.ts` in quiltdata/quilt), the older ones among
//! them. **Does not own** package URIs and S3 URIs, and sends no request.
//!
//! **Invariants**: what is built is parsed into the same page; a page that a browser would take for another one has no URL.

mod links;
mod parse;

pub use links::CatalogLinks;
pub use parse::InvalidPage;
use quilt_format::{PackageName, TopHash};

/// A page, with what it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CatalogPage {
    /// The list of buckets.
    Home,
    /// The overview of a bucket.
    Bucket { bucket: String },
    /// The objects below a prefix, which is empty or ends with `/`.
    Prefix { bucket: String, prefix: String },
    /// An object, or one version of it.
    Object {
        bucket: String,
        key: String,
        version_id: Option<String>,
    },
    /// The packages of a bucket.
    PackageList { bucket: String },
    /// A package, one of its revisions, or a path in it.
    Package {
        bucket: String,
        name: String,
        /// A top hash or the name of a pointer; `None` for the latest revision.
        revision: Option<String>,
        path: Option<String>,
    },
    /// The revisions of a package.
    Revisions { bucket: String, name: String },
    /// Two revisions of a package.
    Comparison {
        bucket: String,
        name: String,
        base: String,
        other: Option<String>,
    },
    /// A search, with the parameters of the page.
    Search { parameters: Vec<(String, String)> },
    /// An execution of a query in Athena.
    Query {
        /// Stacks before 2026-08-21 have consoles of buckets only; newer ones redirect from there.
        bucket: Option<String>,
        workgroup: String,
        query_id: String,
    },
    /// The editor of queries, with a table of Tabulator.
    QueryEditor {
        bucket: Option<String>,
        table: Option<String>,
    },
    /// A page that shows no data.
    Other,
}

impl CatalogPage {
    /// Returns the page of a revision of a package.
    #[must_use]
    pub fn revision(bucket: &str, name: &PackageName, hash: &TopHash) -> Self {
        Self::Package {
            bucket: bucket.to_owned(),
            name: name.to_string(),
            revision: Some(hash.to_string()),
            path: None,
        }
    }

    /// Returns the page of the latest revision of a package.
    #[must_use]
    pub fn package(bucket: &str, name: &PackageName) -> Self {
        Self::Package {
            bucket: bucket.to_owned(),
            name: name.to_string(),
            revision: None,
            path: None,
        }
    }

    /// Returns the page of an object, or of one version of it.
    #[must_use]
    pub fn object(bucket: &str, key: &str, version_id: Option<&str>) -> Self {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        if key.ends_with('/') {
            return Self::Prefix { bucket, prefix: key };
        }
        Self::Object {
            bucket,
            key,
            version_id: version_id.map(str::to_owned),
        }
    }
}

#[cfg(test)]
mod tests;
