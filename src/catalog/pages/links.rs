//! URLs of the pages of one catalog.

use quilt_format::percent;

use super::{CatalogPage, InvalidPage};
use crate::setting::BaseUrl;

/// The pages of one catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogLinks(BaseUrl);

impl CatalogLinks {
    /// Names the catalog by its URL.
    #[must_use]
    pub fn new(catalog: BaseUrl) -> Self {
        Self(catalog)
    }

    /// Returns the URL of a page; `None` where a browser would show another one: it resolves the segments `.` and `..`.
    #[must_use]
    pub fn url(&self, page: &CatalogPage) -> Option<String> {
        let (path, parameters) = route(page)?;
        let mut url = self.0.join(&path.concat()?);
        if !parameters.is_empty() {
            url.query_pairs_mut().extend_pairs(parameters);
        }
        Some(url.to_string())
    }

    /// Whether this is the catalog at a host, with or without a port.
    #[must_use]
    pub fn is_at(&self, host: &str) -> bool {
        self.0.is_at(host)
    }

    /// Returns the page at a URL, and whether it is a page of this catalog.
    pub fn page_at(&self, url: &str) -> Result<(CatalogPage, bool), InvalidPage> {
        super::parse::page_at(url, Some(&self.0))
    }

    /// Returns the page at a URL of a catalog that is not known.
    pub fn page_at_any(url: &str) -> Result<CatalogPage, InvalidPage> {
        Ok(super::parse::page_at(url, None)?.0)
    }
}

/// A path from its segments, which are not encoded yet.
#[derive(Default)]
struct Path<'a>(Vec<&'a str>);

impl<'a> Path<'a> {
    fn of_bucket(bucket: &'a str, more: &[&'a str]) -> Self {
        Self::default().and(&["b", bucket]).and(more)
    }

    fn of_package(bucket: &'a str, name: &'a str) -> Self {
        Self::of_bucket(bucket, &["packages"]).below(name)
    }

    fn and(mut self, segments: &[&'a str]) -> Self {
        self.0.extend(segments);
        self
    }

    /// Adds the segments of a key.
    fn below(mut self, key: &'a str) -> Self {
        self.0.extend(key.split('/'));
        self
    }

    /// Encodes and joins the segments; `None` if a browser would resolve one of them.
    fn concat(&self) -> Option<String> {
        let mut path = String::new();
        for segment in &self.0 {
            if matches!(*segment, "." | "..") {
                return None;
            }
            path.push('/');
            path.push_str(&percent::encode_component(segment));
        }
        Some(path)
    }
}

type Parameters<'a> = Vec<(&'a str, &'a str)>;

/// Returns the path and the parameters of a page.
fn route(page: &CatalogPage) -> Option<(Path<'_>, Parameters<'_>)> {
    use CatalogPage as P;
    let plain = |path| Some((path, Vec::new()));
    match page {
        P::Home => plain(Path::default().and(&[""])),
        P::Bucket { bucket } => plain(Path::of_bucket(bucket, &[])),
        P::Prefix { bucket, prefix } => plain(Path::of_bucket(bucket, &["tree"]).below(prefix)),
        P::Object {
            bucket,
            key,
            version_id,
        } => {
            let version = version_id.as_deref().map(|version| ("version", version));
            Some((
                Path::of_bucket(bucket, &["tree"]).below(key),
                version.into_iter().collect(),
            ))
        }
        P::PackageList { bucket } => plain(Path::of_bucket(bucket, &["packages", ""])),
        P::Package {
            bucket,
            name,
            revision,
            path,
        } => {
            let page = Path::of_package(bucket, name);
            plain(match (revision, path) {
                (None, None) => page,
                (revision, path) => {
                    let page = page.and(&["tree", revision.as_deref().unwrap_or("latest")]);
                    match path {
                        None => page,
                        Some(path) => page.below(path),
                    }
                }
            })
        }
        P::Revisions { bucket, name } => plain(Path::of_package(bucket, name).and(&["revisions"])),
        P::Comparison {
            bucket,
            name,
            base,
            other,
        } => {
            let page = Path::of_package(bucket, name).and(&["compare", base]);
            plain(match other {
                Some(other) => page.and(&[other, ""]),
                None => page.and(&[""]),
            })
        }
        P::Search { parameters } => {
            let pairs = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            Some((Path::default().and(&["search"]), pairs.collect()))
        }
        P::Query {
            bucket,
            workgroup,
            query_id,
        } => {
            let console = bucket
                .as_deref()
                .map_or_else(Path::default, |bucket| Path::of_bucket(bucket, &[]));
            plain(console.and(&["queries", "athena", workgroup, query_id]))
        }
        P::QueryEditor { bucket, table } => {
            let pairs = [("bucket", bucket), ("table", table)];
            let pairs = pairs
                .into_iter()
                .filter_map(|(name, value)| Some((name, value.as_deref()?)));
            Some((Path::default().and(&["queries", "athena"]), pairs.collect()))
        }
        P::Other => None,
    }
}
