//! `search_facets`: the fields that searches can filter on, with their values.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::args::{FacetKind, Filters, MetadataFilter};
use super::fit::RESERVED_CHARS;
use super::problem;
use super::request::Question;
use crate::aws::s3::BucketName;
use crate::catalog::{FacetValues, Facets, SearchKind, search_facets};
use crate::tools::answer_size::{MAX_ANSWER_CHARS, length};
use crate::tools::arguments::types::{Bounded, yes};
use crate::tools::estimate::estimate_items_bytes;
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError};

/// Memory for the answer, in items of a list.
const ITEMS: usize = 500;

pub struct SearchFacets;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Words, or Elasticsearch query string syntax; by default all
    #[serde(default)]
    query: String,
    /// By default packages
    #[serde(default)]
    kind: FacetKind,
    /// By default all
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    buckets: Vec<BucketName>,
    /// As in `search_catalog`
    #[schemars(extend("x-unlisted" = true))]
    filters: Option<Filters>,
    /// Packages: part of the paths to show; by default all
    path: Option<String>,
    /// 1 to 500 values of each field, by default 20
    #[serde(default)]
    limit: Bounded<1, 500, 20>,
}

/// The bounds of a field's values.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Range {
    min: Value,
    max: Value,
}

/// The ranges of fields that every hit has.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Ranges {
    #[serde(skip_serializing_if = "Option::is_none")]
    modified: Option<Range>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<Range>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entries: Option<Range>,
}

/// A field of metadata.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Field {
    path: String,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<Value>,
    /// There are more values.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    values_cut: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    kind: FacetKind,
    /// How many hits the search has; null if that was not counted.
    total: Option<u64>,
    ranges: Ranges,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ext: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    workflows: Vec<String>,
    metadata: Vec<Field>,
    /// How many fields of metadata are here.
    returned: usize,
    /// There are more fields or values.
    truncated: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl Tool for SearchFacets {
    const NAME: &'static str = "search_facets";
    const TITLE: &'static str = "Fields to search by";
    const DESCRIPTION: &'static str = "Lists the metadata fields, extensions, workflows and ranges among packages or objects, \
                                       for the filters and metadata of search_catalog.";
    const TOOLSET: Toolset = Toolset::Search;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    fn estimate_json_bytes(_: &Output) -> usize {
        MAX_ANSWER_CHARS
    }

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let filters = args.filters.unwrap_or_default();
        let metadata: [MetadataFilter; 0] = [];
        let question = Question {
            query: &args.query,
            buckets: &args.buckets,
            filters: &filters,
            metadata: &metadata,
            latest_only: yes(),
            sort: "",
            is_exact: false,
            with_text: false,
        };
        let kind = SearchKind::from(args.kind);
        let (other, name) = match kind {
            SearchKind::Packages => (SearchKind::Objects, "objects"),
            SearchKind::Objects => (SearchKind::Packages, "packages"),
        };
        if let Some(filter) = filters.only_of(other).first() {
            let message =
                format!("Argument filters.{filter}: only {name} have it; set kind to {name}, or leave it out.");
            return Err(ToolError::invalid(message));
        }
        let path = args.path.as_deref().map(str::trim).filter(|path| !path.is_empty());
        if path.is_some() && kind == SearchKind::Objects {
            return Err(ToolError::invalid(
                "Argument path: only packages have metadata in the index.",
            ));
        }
        let request = question.request(kind)?;
        session.reserve(estimate_items_bytes(ITEMS)).await?;
        let access = problem::registry(&session).await?;
        match search_facets(&access, &request, path).await {
            Ok(facets) => {
                let limit = usize::try_from(args.limit.get()).unwrap_or(500);
                Ok(Output::of(facets, args.kind, path, limit).into())
            }
            Err(error) => Err(problem::explain(&session, error).await),
        }
    }
}

impl Output {
    /// Shows facets: as many values of each field as fit, then as many fields.
    fn of(facets: Facets, kind: FacetKind, path: Option<&str>, limit: usize) -> Self {
        let mut facets = facets;
        if let Some(path) = path {
            let path = path.to_lowercase();
            // An old catalog does not search among the paths.
            let is_searched = facets
                .metadata
                .iter()
                .any(|facet| facet.path.to_lowercase().contains(&path));
            if is_searched {
                facets
                    .metadata
                    .retain(|facet| facet.path.to_lowercase().contains(&path));
            }
        }
        facets.metadata.sort_by(|a, b| a.path.cmp(&b.path));
        let mut limit = limit;
        loop {
            let output = Self::with_limit(&facets, kind, limit);
            if length(&output) <= MAX_ANSWER_CHARS - RESERVED_CHARS {
                return output;
            }
            if limit == 0 {
                return output.without_last_fields();
            }
            limit /= 2;
        }
    }

    fn with_limit(facets: &Facets, kind: FacetKind, limit: usize) -> Self {
        // Values of the hits' own fields are few, and more useful than those of one field of metadata.
        let own = limit.max(1) * 2;
        let first = |values: &[String], limit: usize| -> Vec<String> { values.iter().take(limit).cloned().collect() };
        let metadata: Vec<Field> = facets
            .metadata
            .iter()
            .map(|facet| Field::of(&facet.path, &facet.values, limit))
            .collect();
        let is_cut = metadata.iter().any(|field| field.values_cut)
            || facets.workflows.len() > own
            || facets.extensions.len() > own;
        let warnings = is_cut
            .then(|| format!("Fields with more values show {limit} of them; filters and path narrow what is listed."));
        Self {
            kind,
            total: facets.total,
            ranges: Ranges {
                modified: facets.modified.as_ref().map(|(min, max)| Range {
                    min: json!(min),
                    max: json!(max),
                }),
                size: facets.size.map(range),
                entries: facets.entries.map(range),
            },
            ext: first(&facets.extensions, own),
            workflows: first(&facets.workflows, own),
            returned: metadata.len(),
            metadata,
            truncated: facets.is_truncated || is_cut,
            warnings: warnings.into_iter().collect(),
        }
    }

    fn without_last_fields(mut self) -> Self {
        self.truncated = true;
        self.warnings
            .push("There are too many fields for one result; path selects some.".to_owned());
        while length(&self) > MAX_ANSWER_CHARS - RESERVED_CHARS && !self.metadata.is_empty() {
            let kept = self.metadata.len() * 3 / 4;
            self.metadata.truncate(kept);
            self.returned = kept;
        }
        self
    }
}

impl Field {
    fn of(path: &str, values: &FacetValues, limit: usize) -> Self {
        let mut field = Self {
            path: path.to_owned(),
            r#type: "text",
            values: None,
            min: None,
            max: None,
            values_cut: false,
        };
        match values {
            FacetValues::Text => {}
            FacetValues::Boolean => field.r#type = "boolean",
            FacetValues::Number(min, max) => {
                field.r#type = "number";
                (field.min, field.max) = (Some(number(*min)), Some(number(*max)));
            }
            FacetValues::Datetime(min, max) => {
                field.r#type = "datetime";
                (field.min, field.max) = (Some(json!(min)), Some(json!(max)));
            }
            FacetValues::Keyword(values) => {
                field.r#type = "keyword";
                field.values_cut = values.len() > limit;
                field.values = Some(values.iter().take(limit).cloned().collect());
            }
        }
        field
    }
}

fn range((min, max): (f64, f64)) -> Range {
    Range {
        min: number(min),
        max: number(max),
    }
}

/// Returns a number, as an integer if it is one.
fn number(number: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "checked: integral, and in range")]
    if number.fract() == 0.0 && number.abs() < 9e15 {
        json!(number as i64)
    } else {
        json!(number)
    }
}
