//! Queries of Athena, as one caller.
//!
//! **Owns** the use cases: which statements are let through ([`Statement`]), parameters as literals, the workgroups that a
//! caller may use and the one that is meant, databases and tables by the ways that a caller's rights leave open, running and
//! stopping of queries, pages of typed rows, and the history.
//!
//! **Does not own** tools: names of arguments, results and error codes are theirs.
//!
//! **Invariants**: a statement is sent only if the guard took it for one that reads; a query that was started is either waited
//! for, or handed out by its id, or stopped; a caller has at most [`MAX_IN_FLIGHT`] queries in flight; a list that could not be
//! read whole says so, and is never an empty one; SQL is in no log line.

mod catalogs;
mod error;
mod history;
pub mod literal;
mod page;
mod run;
mod service;
mod slots;
mod statement;
mod status;
mod tables;
mod workgroups;

pub use catalogs::{CatalogDatabases, Databases};
pub use error::AthenaError;
pub use history::{HistoryPage, QueryId};
pub use page::{MAX_ROW_BYTES, Position, ResultColumn, ResultRows, RowLimits};
pub use run::{QueryProgress, QueryRun};
pub use service::{QueryService, UserQueries};
pub use slots::MAX_IN_FLIGHT;
pub use statement::{LexError, MAX_STATEMENT_BYTES, Refusal, Statement, StatementKind};
pub use status::{Failure, FailureKind, QueryState, QueryStatus};
pub use tables::{
    FoundTable, MissingName, ReadBy, TableColumn, TableColumns, TableName, TablePage, TablePosition, WantedTables,
    name_matches,
};
pub use workgroups::{Workgroup, WorkgroupKind, WorkgroupProblem, Workgroups};

/// The data catalog of Glue, which every account has.
pub const GLUE_CATALOG: &str = "AwsDataCatalog";

/// Whether a data catalog is that of Tabulator, whose databases are buckets.
#[must_use]
pub fn is_tabulator(catalog: &str) -> bool {
    catalog.to_ascii_lowercase().ends_with("-tabulator")
}
