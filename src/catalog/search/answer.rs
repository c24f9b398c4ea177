//! The unions that a search answers with.

use serde::Deserialize;

use crate::catalog::GraphqlError;

/// Why a search has no hits to show.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SearchError {
    /// Occurs when the request fails, or its answer cannot be read.
    #[error("{0}")]
    Graphql(GraphqlError),
    /// Occurs when the registry does not accept the search.
    #[error("the registry does not accept the search")]
    Input(Vec<InputError>),
    /// Occurs when the search fails.
    #[error("the search failed")]
    Operation(OperationError),
}

/// One reason why an input is not accepted.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct InputError {
    /// The input.
    pub path: Option<String>,
    pub message: String,
    /// The kind of the error, such as `QuerySyntaxError`.
    pub name: String,
}

/// A failure of the registry.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct OperationError {
    /// The kind of the failure, such as `Timeout`.
    pub name: String,
    pub message: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct InvalidInput {
    errors: Vec<InputError>,
}

/// The data of a response to any of the searches.
#[derive(Deserialize)]
pub(super) struct Data<T> {
    #[serde(
        rename = "searchPackages",
        alias = "searchObjects",
        alias = "searchMorePackages",
        alias = "searchMoreObjects"
    )]
    pub answer: T,
}

/// `PackagesSearchResult` or `ObjectsSearchResult`.
#[derive(Deserialize)]
#[serde(tag = "__typename")]
pub(super) enum Outcome<S> {
    #[serde(rename = "PackagesSearchResultSet", alias = "ObjectsSearchResultSet")]
    Set(S),
    EmptySearchResultSet,
    InvalidInput(InvalidInput),
    OperationError(OperationError),
}

impl<S> Outcome<S> {
    /// Returns the set; `None` if the search finds nothing.
    pub(super) fn into_set(self) -> Result<Option<S>, SearchError> {
        match self {
            Self::Set(set) => Ok(Some(set)),
            Self::EmptySearchResultSet => Ok(None),
            Self::InvalidInput(input) => Err(SearchError::Input(input.errors)),
            Self::OperationError(error) => Err(SearchError::Operation(error)),
        }
    }
}

/// A page, or in its place an error. Before 2026-08-21, the first page is no union and has no `__typename`.
#[derive(Deserialize)]
pub(super) struct PageOrError<H> {
    #[serde(rename = "__typename", default)]
    kind: Option<String>,
    #[serde(default)]
    cursor: Option<String>,
    hits: Option<Vec<H>>,
    #[serde(flatten)]
    input: InvalidInput,
    #[serde(flatten)]
    operation: OperationError,
}

impl<H> PageOrError<H> {
    /// Returns the cursor and the hits.
    pub(super) fn into_page(self) -> Result<(Option<String>, Vec<H>), SearchError> {
        match (self.kind.as_deref(), self.hits) {
            (Some("InvalidInput"), _) => Err(SearchError::Input(self.input.errors)),
            (Some("OperationError"), _) => Err(SearchError::Operation(self.operation)),
            (_, Some(hits)) => Ok((self.cursor.filter(|cursor| !cursor.is_empty()), hits)),
            (_, None) => Err(SearchError::Graphql(GraphqlError::Shape)),
        }
    }
}

/// The total of a set, which the registry writes as -1 if it does not count.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(super) struct Total {
    #[serde(default)]
    pub total: Option<i64>,
}

impl Total {
    pub(super) fn counted(self) -> Option<u64> {
        self.total.and_then(|total| u64::try_from(total).ok())
    }
}
