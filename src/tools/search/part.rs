//! One page of one kind of results.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::args::FacetKind;
use super::fit::{Fitted, fit};
use super::row::Row;
use super::{link, problem};
use crate::catalog::{Order, RegistryAccess, SearchKind, SearchPage, SearchRequest, search, search_more};
use crate::error_code::ErrorCode;
use crate::tools::answer_size::length;
use crate::tools::{Session, ToolError, cursor};

/// Which program found the results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum SearchedBy {
    Catalog,
    S3,
}

/// A page of results.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Part {
    pub(super) results: Vec<Row>,
    /// How many results are on this page.
    pub(super) returned: usize,
    /// How many hits there are on all pages; null if that was not counted.
    pub(super) total: Option<u64>,
    pub(super) total_is_exact: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_cursor: Option<String>,
    /// The query with what was added to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) query_sent: Option<String>,
    /// Names, or `all`.
    pub(super) buckets: Value,
    pub(super) searched_by: SearchedBy,
    /// Whether S3 listed everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) complete: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) catalog_url: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) warnings: Vec<String>,
}

/// What a cursor of this server holds.
#[derive(Serialize, Deserialize)]
struct Cursor {
    /// The kind of the results.
    kind: FacetKind,
    /// Digest of the search and the registry.
    of: String,
    /// The registry's cursor.
    after: String,
    /// The total, which only the first page has.
    total: Option<u64>,
    /// Whether the catalog is too old to search the latest revisions only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    all: bool,
}

/// The page that is asked for.
pub(super) struct Wanted<'a> {
    pub cursor: Option<&'a str>,
    pub limit: u64,
    /// Maximum length of the page.
    pub max_chars: usize,
}

impl Part {
    /// Searches, and shows one page of the hits.
    pub(super) async fn find(
        session: &Session,
        access: &RegistryAccess,
        request: &SearchRequest,
        wanted: &Wanted<'_>,
    ) -> Result<Self, ToolError> {
        let of = digest(access, request).await;
        let cursor = cursor::read::<Cursor>(wanted.cursor)?;
        if cursor
            .as_ref()
            .is_some_and(|cursor| SearchKind::from(cursor.kind) != request.kind || cursor.of != of)
        {
            return Err(cursor::foreign());
        }
        let links = session.links();
        let catalog = links.as_ref();
        let words = words(request.query.as_deref().unwrap_or_default());
        let mut part = Self::empty(request, SearchedBy::Catalog);
        part.catalog_url = catalog.and_then(|catalog| link::search_page(catalog, request));
        let mut limit = wanted.limit;
        loop {
            let page = fetch(session, access, request, cursor.as_ref(), limit).await?;
            part.total = cursor.as_ref().map_or(page.total, |cursor| cursor.total);
            part.total_is_exact = part.total.is_some();
            let has_all_revisions = cursor.as_ref().map_or(page.has_all_revisions, |cursor| cursor.all);
            part.next_cursor = page.cursor.as_ref().map(|after| {
                cursor::write(&Cursor {
                    kind: match request.kind {
                        SearchKind::Packages => FacetKind::Packages,
                        SearchKind::Objects => FacetKind::Objects,
                    },
                    of: of.clone(),
                    after: after.clone(),
                    total: part.total,
                    all: has_all_revisions,
                })
            });
            part.warnings = warnings(request, part.total, has_all_revisions);
            let left = wanted.max_chars.saturating_sub(length(&part) + WARNINGS_CHARS);
            match fit(&page.hits, &words, catalog, left) {
                Fitted::Rows {
                    rows,
                    is_cut,
                    has_links,
                } => {
                    part.returned = rows.len();
                    part.results = rows;
                    part.warnings.extend(cut_warning(request.kind, is_cut, has_links));
                    return Ok(part);
                }
                // The registry's cursor is behind the whole page, so a page is asked for that ends where the result does.
                Fitted::Only(count) if (count as u64) < limit => limit = count as u64,
                Fitted::Only(_) => {
                    let message = "The catalog's page has more results than were asked for, and does not fit.";
                    return Err(ToolError::new(ErrorCode::TooLarge, message).with_hint("Name buckets, or add filters."));
                }
            }
        }
    }

    /// Makes a page without results.
    pub(super) fn empty(request: &SearchRequest, searched_by: SearchedBy) -> Self {
        Self {
            results: Vec::new(),
            returned: 0,
            total: None,
            total_is_exact: false,
            next_cursor: None,
            query_sent: request.query.clone(),
            buckets: if request.buckets.is_empty() {
                json!("all")
            } else {
                json!(request.buckets)
            },
            searched_by,
            complete: None,
            catalog_url: None,
            warnings: Vec::new(),
        }
    }
}

/// The length of the warning that is added last.
const WARNINGS_CHARS: usize = 300;

async fn fetch(
    session: &Session,
    access: &RegistryAccess,
    request: &SearchRequest,
    cursor: Option<&Cursor>,
    limit: u64,
) -> Result<SearchPage, ToolError> {
    match cursor {
        None => match search(access, request, limit).await {
            Ok(page) => Ok(page),
            Err(error) => Err(problem::explain(session, error).await),
        },
        Some(cursor) => match search_more(access, request, &cursor.after, limit).await {
            Ok(page) => Ok(page),
            Err(error) => Err(problem::explain_more(session, error).await),
        },
    }
}

fn warnings(request: &SearchRequest, total: Option<u64>, has_all_revisions: bool) -> Vec<String> {
    let mut warnings = Vec::new();
    if total.is_none() {
        warnings.push("The catalog checks each hit against S3, and does not count the hits.".to_owned());
    }
    if has_all_revisions && request.latest_only {
        warnings.push(
            "This version of the catalog searches all revisions, so some results may not be the latest.".to_owned(),
        );
    }
    warnings
}

fn cut_warning(kind: SearchKind, is_cut: bool, has_links: bool) -> Option<String> {
    let what = match (kind, has_links) {
        _ if !is_cut => return None,
        (SearchKind::Packages, true) => "Metadata, messages and matching entries",
        (SearchKind::Packages, false) => "Metadata, messages, matching entries and links",
        (SearchKind::Objects, true) => "Excerpts",
        (SearchKind::Objects, false) => "Excerpts and links",
    };
    Some(format!(
        "{what} were cut to keep the result short; a smaller limit shows more of each result."
    ))
}

/// Returns the digest of a search, by which its cursors are recognised.
async fn digest(access: &RegistryAccess, request: &SearchRequest) -> String {
    let registry = access.registry.url().await.ok().map(|url| url.to_string());
    let order = match &request.order {
        Order::Expression(expression) => expression.clone(),
        order => format!("{order:?}"),
    };
    let all = json!([
        registry,
        request.buckets,
        request.query,
        request.filter,
        request.metadata,
        request.latest_only,
        order,
    ]);
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(all.to_string()))
}

/// Returns the words of a query in lower case, without its syntax.
fn words(query: &str) -> Vec<String> {
    let words = query.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    words
        .filter(|word| !word.is_empty() && !matches!(*word, "AND" | "OR" | "NOT"))
        .map(str::to_lowercase)
        .collect()
}
