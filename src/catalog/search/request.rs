//! Requests of a search, and the variables of their documents.

use serde_json::{Map, Value, json};

use super::answer::SearchError;
use crate::catalog::GraphqlError;

/// What a search finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchKind {
    Packages,
    Objects,
}

/// Order of the hits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    Relevance,
    Newest,
    Oldest,
    Name,
    NameDescending,
    /// An expression of `PackageOrdering`, such as `usr:/experiment/date:datetime:asc`.
    Expression(String),
}

impl Order {
    /// Returns the expression for a schema since 2026-08-21; `None` for the order of relevance.
    pub(super) fn expression(&self) -> Option<&str> {
        match self {
            Self::Relevance => None,
            Self::Newest => Some("sys:modified:desc"),
            Self::Oldest => Some("sys:modified:asc"),
            Self::Name => Some("sys:name:asc"),
            Self::NameDescending => Some("sys:name:desc"),
            Self::Expression(expression) => Some(expression),
        }
    }

    /// Returns the value of `SearchResultOrder`, which has had the orders by name since 2025-07-18.
    pub(super) fn value(&self, has_names: bool) -> Result<&'static str, GraphqlError> {
        match self {
            Self::Relevance => Ok("BEST_MATCH"),
            Self::Newest => Ok("NEWEST"),
            Self::Oldest => Ok("OLDEST"),
            Self::Name if has_names => Ok("LEX_ASC"),
            Self::NameDescending if has_names => Ok("LEX_DESC"),
            Self::Name | Self::NameDescending => Err(unsupported("relevance, newest and oldest")),
            Self::Expression(_) => Err(unsupported("relevance, newest, oldest, name and name_desc")),
        }
    }
}

fn unsupported(orders: &str) -> GraphqlError {
    GraphqlError::Variable(format!("the version of this catalog sorts by {orders} only"))
}

/// A search.
#[derive(Debug, Clone)]
pub struct SearchRequest {
    pub kind: SearchKind,
    /// All that the caller may read, if empty.
    pub buckets: Vec<String>,
    /// A query string of Elasticsearch.
    pub query: Option<String>,
    /// The filter input of the kind.
    pub filter: Map<String, Value>,
    /// The predicates on metadata, of packages only.
    pub metadata: Vec<Value>,
    /// Whether packages are searched in their latest revisions only.
    pub latest_only: bool,
    pub order: Order,
    /// Whether objects are asked for their indexed text.
    pub with_text: bool,
}

impl SearchRequest {
    /// Returns the variables that say what is searched for. A search without filters wants null, not an empty object.
    pub(super) fn variables(&self, takes_latest_only: bool) -> Map<String, Value> {
        let some = |value: Value, is_empty: bool| if is_empty { Value::Null } else { value };
        let mut variables = Map::new();
        variables.insert("b".into(), some(json!(self.buckets), self.buckets.is_empty()));
        variables.insert("q".into(), json!(self.query));
        variables.insert("f".into(), some(json!(self.filter), self.filter.is_empty()));
        if self.kind == SearchKind::Packages {
            variables.insert("m".into(), some(json!(self.metadata), self.metadata.is_empty()));
            if takes_latest_only {
                variables.insert("l".into(), self.latest_only.into());
            }
        }
        variables
    }
}

impl From<GraphqlError> for SearchError {
    fn from(error: GraphqlError) -> Self {
        Self::Graphql(error)
    }
}
