//! Operations of Athena, as one caller.
//!
//! The client holds no credentials, so a request without those of the caller fails. The region is a parameter of the handle:
//! Quilt's catalogs name the region of their stack, in which their workgroups are.
//!
//! SQL is in no error, log line or span: an operation names a workgroup or a query by its id.

mod client;
mod data_catalogs;
mod executions;
mod named_queries;
mod results;
mod start;
mod table_metadata;
mod work_groups;

pub use aws_sdk_athena::types::{
    Column, ColumnInfo, NamedQuery, QueryExecution, QueryExecutionState, Row, StatementType, TableMetadata, WorkGroup,
    WorkGroupState,
};
pub use client::{SharedAthena, UserAthena};
pub use data_catalogs::DataCatalogRow;
pub use results::{BoundedPage, ResultPage};
pub use start::NewQuery;

/// One page of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next_token: Option<String>,
}

impl<T> Page<T> {
    fn new(items: Option<Vec<T>>, next_token: Option<String>) -> Self {
        Self {
            items: items.unwrap_or_default(),
            next_token: next_token.filter(|token| !token.is_empty()),
        }
    }
}
