//! `search_catalog`: packages and objects by words, fields and metadata.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::args::{Filters, Kind, MetadataFilter, Scope};
use super::fit::RESERVED_CHARS;
use super::part::{Part, Wanted};
use super::request::Question;
use super::{names, problem};
use crate::aws::s3::BucketName;
use crate::catalog::{SearchKind, SearchRequest};
use crate::error_code::ErrorCode;
use crate::tools::answer_size::MAX_ANSWER_CHARS;
use crate::tools::arguments::types::{Bounded, yes};
use crate::tools::estimate::estimate_items_bytes;
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError};

pub struct SearchCatalog;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Words, or Elasticsearch query string syntax with fields (packages: `ptr_name`, `mnfst_message`, `entry_lk`; objects: `key`,
    /// `ext`, `content`); by default all
    #[serde(default)]
    query: String,
    /// By default packages
    #[serde(default)]
    kind: Kind,
    /// By default all
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    buckets: Vec<BucketName>,
    /// Conditions on fields
    filters: Option<Filters>,
    /// Packages: conditions on metadata, each with path and one of equals, wildcard, min and max, after and before, text, is
    #[serde(default)]
    metadata: Vec<MetadataFilter>,
    /// Only latest revisions, by default true
    #[serde(default = "yes")]
    latest_only: bool,
    /// `relevance` (default), `newest`, `oldest`, `name`, `name_desc`; packages also `sys:size:desc`, `usr:/path:number:asc`
    #[serde(default = "relevance")]
    sort: String,
    /// Search as written, without adding * to words
    #[serde(default)]
    exact: bool,
    /// 1 to 100 results, by default 20
    #[serde(default)]
    limit: Bounded<1, 100, 20>,
    /// A `next_cursor`
    cursor: Option<String>,
    /// Objects: show an excerpt of the text
    #[serde(default)]
    include_text: bool,
    #[schemars(extend("x-unlisted" = true))]
    scope: Option<Scope>,
}

fn relevance() -> String {
    "relevance".to_owned()
}

/// One page of one kind, or of both.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    kind: Kind,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    part: Option<Part>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Map<String, serde_json::Value>>")]
    packages: Option<Part>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Map<String, serde_json::Value>>")]
    objects: Option<Part>,
}

impl Tool for SearchCatalog {
    const NAME: &'static str = "search_catalog";
    const TITLE: &'static str = "Search the catalog";
    const DESCRIPTION: &'static str = "Finds packages or objects by words, fields and metadata, as the catalog's search page does. \
                                       What was just written may be missing, and S3 may deny what is found. search_facets \
                                       shows the fields.";
    const TOOLSET: Toolset = Toolset::Search;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    fn estimate_json_bytes(_: &Output) -> usize {
        MAX_ANSWER_CHARS
    }

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let kind = args.scope.map_or(args.kind, Kind::from);
        let filters = args.filters.unwrap_or_default();
        let question = Question {
            query: &args.query,
            buckets: &args.buckets,
            filters: &filters,
            metadata: &args.metadata,
            latest_only: args.latest_only,
            sort: &args.sort,
            is_exact: args.exact,
            with_text: args.include_text,
        };
        check_kind(kind, &question)?;
        let max_chars = MAX_ANSWER_CHARS - RESERVED_CHARS;
        let wanted = |max_chars| Wanted {
            cursor: args.cursor.as_deref().filter(|cursor| !cursor.is_empty()),
            limit: args.limit.get(),
            max_chars,
        };
        // A hit has metadata and entries, or an indexed text.
        let items = usize::try_from(args.limit.get()).unwrap_or(100);
        session.reserve(estimate_items_bytes(items) * ITEMS_OF_A_HIT).await?;
        let (packages, objects) = match kind {
            Kind::Packages => (Some(question.request(SearchKind::Packages)?), None),
            Kind::Objects => (None, Some(question.request(SearchKind::Objects)?)),
            Kind::All => (
                Some(question.request(SearchKind::Packages)?),
                Some(question.request(SearchKind::Objects)?),
            ),
        };
        match (packages, objects) {
            (Some(packages), Some(objects)) => {
                if wanted(0).cursor.is_some() {
                    return Err(ToolError::invalid(
                        "Argument cursor: each kind has pages of its own; set kind to that of the page.",
                    ));
                }
                both(&session, &question, &packages, &objects, &wanted(max_chars / 2)).await
            }
            (Some(request), None) | (None, Some(request)) => {
                let part = one(&session, &question, &request, &wanted(max_chars)).await?;
                Ok(Output {
                    kind,
                    part: Some(part),
                    packages: None,
                    objects: None,
                }
                .into())
            }
            (None, None) => Err(ToolError::new(ErrorCode::Internal, "There is no kind to search for.")),
        }
    }
}

/// Memory of a hit while it is read, in items of a list.
const ITEMS_OF_A_HIT: usize = 8;

/// Checks that the conditions are those of the kind.
fn check_kind(kind: Kind, question: &Question<'_>) -> Result<(), ToolError> {
    let others: &[(SearchKind, &str)] = match kind {
        Kind::Packages => &[(SearchKind::Objects, "objects")],
        Kind::Objects => &[(SearchKind::Packages, "packages")],
        Kind::All => &[(SearchKind::Objects, "objects"), (SearchKind::Packages, "packages")],
    };
    for (other, name) in others {
        let filter = question
            .filters
            .only_of(*other)
            .first()
            .map(|name| format!("filters.{name}"));
        let metadata = (*other == SearchKind::Packages && !question.metadata.is_empty()).then(|| "metadata".to_owned());
        if let Some(argument) = filter.or(metadata) {
            let message = format!("Argument {argument}: only {name} have it; set kind to {name}, or leave it out.");
            return Err(ToolError::invalid(message));
        }
    }
    Ok(())
}

/// Searches one kind. Where there is no search, names are looked for if that answers the question.
async fn one(
    session: &Session,
    question: &Question<'_>,
    request: &SearchRequest,
    wanted: &Wanted<'_>,
) -> Result<Part, ToolError> {
    let found = match problem::registry(session).await {
        Ok(access) => Part::find(session, &access, request, wanted).await,
        Err(error) => Err(error),
    };
    match found {
        Err(error) if error.code == ErrorCode::SearchUnavailable => {
            match names::find(session, question, request, wanted).await {
                Some(part) => part,
                None => Err(error),
            }
        }
        found => found,
    }
}

/// Searches both kinds. If one fails, the call fails, and has the other's results.
async fn both(
    session: &Session,
    question: &Question<'_>,
    packages: &SearchRequest,
    objects: &SearchRequest,
    wanted: &Wanted<'_>,
) -> Result<ToolSuccess<Output>, ToolError> {
    let found = futures::join!(
        one(session, question, packages, wanted),
        one(session, question, objects, wanted)
    );
    let (error, name, part) = match found {
        (Ok(packages), Ok(objects)) => {
            return Ok(Output {
                kind: Kind::All,
                part: None,
                packages: Some(packages),
                objects: Some(objects),
            }
            .into());
        }
        (Ok(packages), Err(error)) => (error, "packages", Some(packages)),
        (Err(error), Ok(objects)) => (error, "objects", Some(objects)),
        (Err(error), Err(_)) => (error, "", None),
    };
    let part = part.and_then(|part| serde_json::to_value(part).ok());
    Err(match part {
        Some(part) => error.with_partial([(name.to_owned(), part)].into_iter().collect()),
        None => error,
    })
}
