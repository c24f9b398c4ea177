//! Parser of URLs of the catalog's front end.

use quilt_format::{QuiltUri, Revision, percent};
use url::Url;

use super::CatalogPage;
use crate::setting::BaseUrl;

/// Occurs when a text is not the URL of a page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPage {
    /// Occurs when it is not a URL of the web.
    #[error("it is not an http or https URL")]
    NoUrl,
    /// Occurs when a percent-encoded part is not text.
    #[error("its percent-encoding does not decode to UTF-8")]
    NoText,
}

/// Returns the page at a URL, as a browser reads it, and whether it is one of the catalog `own`.
pub(super) fn page_at(text: &str, own: Option<&BaseUrl>) -> Result<(CatalogPage, bool), InvalidPage> {
    let url = Url::parse(text.trim()).map_err(|_| InvalidPage::NoUrl)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(InvalidPage::NoUrl);
    }
    let path = own.and_then(|own| path_below(own, &url));
    let page = page(path.unwrap_or(url.path()), &url)?;
    Ok((page, path.is_some()))
}

/// Returns the path of a URL below that of the catalog; `None` if it is elsewhere. People write `http` for `https`.
fn path_below<'a>(own: &BaseUrl, url: &'a Url) -> Option<&'a str> {
    let port = |url: &Url| url.port();
    let root = own.join("/");
    let is_host = url.host_str() == root.host_str() && port(url) == port(&root);
    let path = url.path().strip_prefix(own.path().as_str()).filter(|_| is_host)?;
    (path.is_empty() || path.starts_with('/')).then_some(path)
}

/// Splits the first segment off a path.
fn first(path: &str) -> (&str, Option<&str>) {
    path.split_once('/')
        .map_or((path, None), |(first, rest)| (first, Some(rest)))
}

fn decoded(text: &str) -> Result<String, InvalidPage> {
    percent::unquote(text).map(Into::into).ok_or(InvalidPage::NoText)
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    let mut pairs = url.query_pairs();
    let value = pairs.find(|(own, _)| own == name).map(|(_, value)| value.into_owned());
    value.filter(|value| !value.is_empty())
}

fn page(path: &str, url: &Url) -> Result<CatalogPage, InvalidPage> {
    let (area, rest) = first(path.strip_prefix('/').unwrap_or(path));
    let rest = rest.unwrap_or_default();
    Ok(match area {
        "" | "buckets" => CatalogPage::Home,
        "search" => CatalogPage::Search {
            parameters: parameters(url).collect(),
        },
        "queries" => queries(rest, None, url)?,
        "uri" | "redir" => decoded(rest)?
            .parse::<QuiltUri>()
            .map_or(CatalogPage::Other, Into::into),
        "b" => bucket(rest, url)?,
        _ => CatalogPage::Other,
    })
}

fn parameters(url: &Url) -> impl Iterator<Item = (String, String)> {
    let pairs = url.query_pairs();
    pairs.map(|(name, value)| (name.into_owned(), value.into_owned()))
}

/// The page to which a package URI is resolved.
impl From<QuiltUri> for CatalogPage {
    fn from(uri: QuiltUri) -> Self {
        Self::Package {
            bucket: uri.bucket,
            name: uri.name.to_string(),
            revision: match uri.revision {
                Revision::Unspecified => None,
                Revision::Hash(revision) | Revision::Tag(revision) => Some(revision).filter(|tag| tag != "latest"),
            },
            path: uri.path,
        }
    }
}

fn bucket(path: &str, url: &Url) -> Result<CatalogPage, InvalidPage> {
    let (bucket, rest) = first(path);
    let bucket = decoded(bucket)?;
    if bucket.is_empty() {
        return Ok(CatalogPage::Other);
    }
    let (area, rest) = first(rest.unwrap_or_default());
    let rest = rest.unwrap_or_default();
    Ok(match area {
        "" => CatalogPage::Bucket { bucket },
        "tree" => object(bucket, decoded(rest)?, url),
        "packages" => package(bucket, rest)?,
        "search" => {
            let scope = ("b".to_owned(), bucket);
            CatalogPage::Search {
                parameters: parameters(url).chain([scope]).collect(),
            }
        }
        "queries" => queries(rest, Some(bucket), url)?,
        _ => CatalogPage::Other,
    })
}

fn object(bucket: String, key: String, url: &Url) -> CatalogPage {
    if key.is_empty() || key.ends_with('/') {
        // The page of a folder may show only the names that begin with something.
        let prefix = key + &parameter(url, "prefix").unwrap_or_default();
        return CatalogPage::Prefix { bucket, prefix };
    }
    CatalogPage::Object {
        bucket,
        key,
        version_id: parameter(url, "version"),
    }
}

fn package(bucket: String, path: &str) -> Result<CatalogPage, InvalidPage> {
    if path.is_empty() {
        return Ok(CatalogPage::PackageList { bucket });
    }
    let (namespace, rest) = first(path);
    let (own, rest) = first(rest.unwrap_or_default());
    if namespace.is_empty() || own.is_empty() {
        return Ok(CatalogPage::Other);
    }
    let name = format!("{}/{}", decoded(namespace)?, decoded(own)?);
    let (area, rest) = first(rest.unwrap_or_default());
    let (revision, rest) = first(rest.unwrap_or_default());
    let (revision, rest) = (decoded(revision)?, rest.unwrap_or_default());
    Ok(match area {
        "revisions" => CatalogPage::Revisions { bucket, name },
        "compare" if !revision.is_empty() => CatalogPage::Comparison {
            bucket,
            name,
            base: revision,
            other: Some(decoded(first(rest).0)?).filter(|other| !other.is_empty()),
        },
        "tree" => CatalogPage::Package {
            bucket,
            name,
            revision: Some(revision).filter(|revision| !matches!(revision.as_str(), "" | "latest")),
            path: Some(decoded(rest)?).filter(|path| !path.is_empty()),
        },
        "" | "add" => CatalogPage::Package {
            bucket,
            name,
            revision: None,
            path: None,
        },
        _ => CatalogPage::Other,
    })
}

/// Reads the path behind `queries`, which stood below a bucket before 2026-08-21.
fn queries(path: &str, bucket: Option<String>, url: &Url) -> Result<CatalogPage, InvalidPage> {
    let (engine, rest) = first(path);
    let (workgroup, rest) = first(rest.unwrap_or_default());
    let (query_id, _) = first(rest.unwrap_or_default());
    if engine != "athena" {
        return Ok(CatalogPage::Other);
    }
    if workgroup.is_empty() || query_id.is_empty() {
        return Ok(CatalogPage::QueryEditor {
            bucket: bucket.or_else(|| parameter(url, "bucket")),
            table: parameter(url, "table"),
        });
    }
    Ok(CatalogPage::Query {
        bucket,
        workgroup: decoded(workgroup)?,
        query_id: decoded(query_id)?,
    })
}
