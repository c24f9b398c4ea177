//! The `athena` toolset: SQL of Athena with the rights of the caller.

mod databases;
mod dry_run;
mod execute;
mod history;
mod list_page;
mod problem;
mod query_output;
mod quilt_tables;
mod results;
pub(in crate::tools) mod rows;
mod schema;
mod stop;
mod tables;
mod wait;
mod workgroups;

pub use databases::AthenaDatabasesList;
pub use execute::AthenaQueryExecute;
pub use history::AthenaQueryHistory;
pub use results::AthenaQueryResults;
pub use schema::AthenaTableSchema;
pub use stop::AthenaQueryStop;
pub use tables::AthenaTablesList;
pub use workgroups::AthenaWorkgroupsList;

use super::answer_size::{MAX_ANSWER_CHARS, RESERVED_CHARS};
use super::tool::Hints;
use super::{Session, ToolError};

/// Returns the data catalog of Tabulator, if the caller may use one.
pub(in crate::tools) async fn tabulator_catalog(session: &Session) -> Result<Option<String>, ToolError> {
    let queries = session.athena().await?;
    let found = queries.tabulator_catalog().await;
    found.map_err(|error| problem::explain(session, error))
}

/// Hints of a tool that runs a query, which costs anew when it is repeated.
const QUERIES: Hints = Hints {
    read_only: true,
    destructive: false,
    idempotent: false,
    open_world: true,
};
