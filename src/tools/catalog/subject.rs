//! Subject of a call: the page that its arguments, or a URL, name.

use quilt_format::{PackageName, QuiltUri, Revision};

use super::args::{Args, Kind};
use crate::aws::s3::{BucketName, ObjectUri};
use crate::catalog::{CatalogLinks, CatalogPage};
use crate::telemetry::text::without_controls;
use crate::tools::ToolError;

/// The page of a call.
pub(super) struct Read {
    pub page: CatalogPage,
    /// Whether it belongs to this catalog; `None` if that is not known, or if no catalog is named.
    pub is_this_catalog: Option<bool>,
    /// Whether it was read from a URL.
    pub is_parsed: bool,
}

/// Reads a URL of a catalog, a package URI or an S3 URI, which must be the only argument.
pub(super) fn read(text: &str, args: &Args, links: Option<&CatalogLinks>) -> Result<Read, ToolError> {
    if let Some(other) = given(args).find(|name| *name != "url") {
        let message = format!("Argument {other}: url is read alone; leave out one of them.");
        return Err(ToolError::invalid(message));
    }
    let text = text.trim();
    let invalid = |problem: &dyn std::fmt::Display| ToolError::invalid(format!("Argument url: {problem}."));
    let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    let (page, is_this_catalog) = match scheme.as_deref() {
        Some("s3") => (object(text).map_err(|problem| invalid(&problem))?, None),
        Some("quilt+s3") => {
            let uri: QuiltUri = text.parse().map_err(|problem| invalid(&problem))?;
            let host = uri.catalog.clone();
            let is_own = host.zip(links).map(|(host, links)| links.is_at(&host));
            (CatalogPage::from(uri), is_own)
        }
        Some("http" | "https") => match links {
            Some(links) => {
                let (page, is_own) = links.page_at(text).map_err(|problem| invalid(&problem))?;
                (page, Some(is_own))
            }
            None => (
                CatalogLinks::page_at_any(text).map_err(|problem| invalid(&problem))?,
                None,
            ),
        },
        _ => {
            return Err(invalid(
                &"expected a URL of the catalog, or an s3:// or quilt+s3:// URI",
            ));
        }
    };
    Ok(Read {
        page,
        is_this_catalog,
        is_parsed: true,
    })
}

/// Reads an S3 URI of a bucket, a prefix or an object.
fn object(text: &str) -> Result<CatalogPage, String> {
    let (_, path) = text.split_once("://").unwrap_or_default();
    if !path.trim_end_matches('/').contains('/') {
        let bucket: BucketName = path.parse()?;
        return Ok(CatalogPage::Bucket {
            bucket: bucket.to_string(),
        });
    }
    let uri: ObjectUri = format!("s3://{path}").parse()?;
    Ok(CatalogPage::object(
        uri.bucket.as_str(),
        uri.key.as_str(),
        uri.version_id.as_deref(),
    ))
}

/// Returns the arguments that are given.
fn given(args: &Args) -> impl Iterator<Item = &'static str> {
    let all = [
        ("url", args.url.is_some()),
        ("bucket", args.bucket.is_some()),
        ("key", args.key.is_some()),
        ("version_id", args.version_id.is_some()),
        ("name", args.name.is_some()),
        ("hash", args.hash.is_some()),
        ("path", args.path.is_some()),
        ("other_hash", args.other_hash.is_some()),
        ("query", args.query.is_some()),
        ("kind", args.kind.is_some()),
        ("query_id", args.query_id.is_some()),
        ("workgroup", args.workgroup.is_some()),
    ];
    all.into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name)
}

/// Returns the page that the arguments name.
pub(super) fn page_of(args: &Args) -> Result<CatalogPage, ToolError> {
    let of = |subject: &str, allowed: &[&str]| match given(args).find(|name| !allowed.contains(name)) {
        Some(other) => Err(ToolError::invalid(format!(
            "Argument {other}: it does not belong to a link to {subject}, which takes {}.",
            allowed.join(", ")
        ))),
        None => Ok(()),
    };
    if let Some(query) = &args.query {
        of("a search", &["query", "kind", "bucket"])?;
        return Ok(search(query, args));
    }
    if let Some(query_id) = &args.query_id {
        of("a query", &["query_id", "workgroup", "bucket"])?;
        return Ok(CatalogPage::Query {
            bucket: args.bucket.as_ref().map(BucketName::to_string),
            workgroup: required(args.workgroup.as_ref(), "workgroup", "a query")?.clone(),
            query_id: query_id.clone(),
        });
    }
    let bucket = || required(args.bucket.as_ref(), "bucket", "this link").map(BucketName::to_string);
    if let Some(name) = &args.name {
        of("a package", &["bucket", "name", "hash", "path", "other_hash"])?;
        return package(bucket()?, name, args);
    }
    if let Some(key) = &args.key {
        of("an object", &["bucket", "key", "version_id"])?;
        return Ok(CatalogPage::object(&bucket()?, key, args.version_id.as_deref()));
    }
    if args.bucket.is_none() {
        let message = "Argument bucket: expected what to link to: a bucket, with key or name; a query; a query_id with its \
                       workgroup; or url.";
        return Err(ToolError::invalid(message));
    }
    of("a bucket", &["bucket"])?;
    Ok(CatalogPage::Bucket { bucket: bucket()? })
}

fn required<'a, T>(value: Option<&'a T>, name: &str, subject: &str) -> Result<&'a T, ToolError> {
    value.ok_or_else(|| ToolError::invalid(format!("Argument {name}: {subject} needs it.")))
}

fn search(query: &str, args: &Args) -> CatalogPage {
    let kind = match args.kind.unwrap_or_default() {
        Kind::Packages => "p",
        Kind::Objects => "o",
    };
    let mut parameters = vec![("q".to_owned(), query.to_owned()), ("t".to_owned(), kind.to_owned())];
    parameters.extend(args.bucket.iter().map(|bucket| ("b".to_owned(), bucket.to_string())));
    CatalogPage::Search { parameters }
}

fn package(bucket: String, name: &str, args: &Args) -> Result<CatalogPage, ToolError> {
    let name = PackageName::from_listing(PackageName::trimmed(name))
        .map_err(|problem| ToolError::invalid(format!("Argument name: {problem}.")))?
        .to_string();
    let hash = checked("hash", args.hash.as_deref())?;
    let other = checked("other_hash", args.other_hash.as_deref())?;
    if let Some(other) = other {
        if args.path.is_some() {
            let message = "Argument path: a comparison shows whole revisions; leave out path or other_hash.";
            return Err(ToolError::invalid(message));
        }
        return Ok(CatalogPage::Comparison {
            bucket,
            name,
            base: hash.unwrap_or("latest").to_owned(),
            other: Some(other.to_owned()),
        });
    }
    Ok(CatalogPage::Package {
        bucket,
        name,
        revision: hash.filter(|hash| *hash != "latest").map(str::to_owned),
        path: args.path.clone(),
    })
}

/// Checks the name of a revision, which stands in one segment of a URL.
fn checked<'a>(argument: &str, hash: Option<&'a str>) -> Result<Option<&'a str>, ToolError> {
    let Some(hash) = hash.map(str::trim) else {
        return Ok(None);
    };
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if hash.chars().all(is_name) && !matches!(hash, "." | "..") {
        return Ok(Some(hash));
    }
    Err(ToolError::invalid(format!(
        "Argument {argument}: `{}` is neither a top hash nor the name of a pointer; package_versions shows the hashes.",
        without_controls(hash, 80)
    )))
}

/// Tells a hash from the name of a pointer, which is `latest` or a time in ten digits.
pub(super) fn revision(named: Option<&str>) -> Revision {
    let Some(named) = named else {
        return Revision::Unspecified;
    };
    let is_time = named.len() == 10 && named.bytes().all(|byte| byte.is_ascii_digit());
    let is_hash = (6..=64).contains(&named.len()) && named.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hash && !is_time {
        Revision::Hash(named.to_owned())
    } else {
        Revision::Tag(named.to_owned())
    }
}
