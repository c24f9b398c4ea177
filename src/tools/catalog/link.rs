//! `catalog_link`: the URL of a page of the catalog, and what a URL shows.

use schemars::JsonSchema;
use serde::Serialize;

use super::args::Args;
use super::parts::Parts;
use super::subject::{Read, page_of, read};
use crate::aws::s3::ObjectUri;
use crate::catalog::CatalogPage;
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError};

pub struct CatalogLink;

#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// `bucket`, `prefix`, `object`, `package_list`, `package`, `file`, `revisions`, `comparison`, `search`, `query`,
    /// `query_editor`, `home` or `other`.
    kind: &'static str,
    /// The page of the catalog.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// The package URI.
    #[serde(skip_serializing_if = "Option::is_none")]
    uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    s3_uri: Option<String>,
    /// Whether the URL is one of this catalog.
    #[serde(skip_serializing_if = "Option::is_none")]
    is_this_catalog: Option<bool>,
    #[serde(flatten)]
    parts: Parts,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<&'static str>,
}

const NO_CATALOG: &str =
    "This server knows no catalog for the caller (QUILT_MCP_CATALOG_URL), so there is no URL of a page.";
const DOT_SEGMENT: &str = "Browsers resolve the segments `.` and `..`, so the catalog has no page for it.";
const OTHER_CATALOG: &str =
    "The URL belongs to another catalog: its buckets and packages may not be those of this one.";

impl Tool for CatalogLink {
    const NAME: &'static str = "catalog_link";
    const TITLE: &'static str = "Link to the catalog";
    const DESCRIPTION: &'static str = "Returns the URL of the catalog's page for what the arguments name; with url alone, what a \
                                       pasted URL or URI names. Does not check that anything exists.";
    const TOOLSET: Toolset = Toolset::Catalog;
    const HINTS: Hints = Hints {
        open_world: false,
        ..Hints::READS
    };
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let links = session.links();
        let Read {
            page,
            is_this_catalog,
            is_parsed,
        } = match &args.url {
            Some(url) => read(url, &args, links.as_ref())?,
            None => Read {
                page: page_of(&args)?,
                is_this_catalog: None,
                is_parsed: false,
            },
        };
        let is_elsewhere = is_this_catalog == Some(false);
        let url = links
            .as_ref()
            .filter(|_| !is_elsewhere)
            .and_then(|links| links.url(&page));
        let (uri, s3_uri) = (package_uri(&page), object_uri(&page));
        let mut warnings = Vec::new();
        match &links {
            _ if is_elsewhere => warnings.push(OTHER_CATALOG),
            None if is_parsed || uri.is_some() || s3_uri.is_some() => warnings.push(NO_CATALOG),
            None => return Err(ToolError::invalid(NO_CATALOG)),
            Some(_) if url.is_none() && page != CatalogPage::Other => warnings.push(DOT_SEGMENT),
            Some(_) => {}
        }
        let parts = Parts::of(&page);
        Ok(Output {
            kind: Parts::kind(&page),
            url,
            uri,
            s3_uri,
            is_this_catalog,
            parts: if is_parsed { parts } else { Parts::default() },
            warnings,
        }
        .into())
    }
}

/// Returns the package URI of a page of a package.
fn package_uri(page: &CatalogPage) -> Option<String> {
    let CatalogPage::Package {
        bucket,
        name,
        revision,
        path,
    } = page
    else {
        return None;
    };
    let uri = quilt_format::QuiltUri {
        bucket: bucket.clone(),
        name: quilt_format::PackageName::from_listing(name).ok()?,
        revision: super::subject::revision(revision.as_deref()),
        path: path.clone(),
        catalog: None,
    };
    Some(uri.to_string())
}

/// Returns the S3 URI of the page of an object.
fn object_uri(page: &CatalogPage) -> Option<String> {
    let CatalogPage::Object {
        bucket,
        key,
        version_id,
    } = page
    else {
        return None;
    };
    let mut uri = ObjectUri::latest(bucket.parse().ok()?, key.parse().ok()?);
    uri.version_id.clone_from(version_id);
    Some(uri.to_string())
}
