//! The `tabulator` toolset: the tables that the catalog makes of files in packages, for queries by Athena.
//!
//! **Owns** arguments, results and sentences. **Does not own** the registry's mutations ([`crate::catalog`]) and the rules of
//! configurations ([`crate::catalog::TableConfig`]). Tables are queried by Athena's tools.
//!
//! **Invariant**: a table is looked at before it is changed, and what is replaced or deleted is in the result: the registry
//! keeps no version. Another user may change it between the two requests.

mod create;
mod current;
mod delete;
mod list;
mod preview;
mod rename;
mod row;

pub use create::TabulatorTableCreate;
pub use delete::TabulatorTableDelete;
pub use list::TabulatorTablesList;
pub use rename::TabulatorTableRename;

use super::Session;
use crate::catalog::TabulatorTable;

/// Returns the tables of a bucket, in the order of their names; `None` if the registry does not list them.
pub(super) async fn registered(session: &Session, bucket: &str) -> Option<Vec<TabulatorTable>> {
    let bucket = bucket.parse().ok().filter(|_| session.has_registry())?;
    let (_, mut found) = current::tables(session, &bucket).await.ok()?;
    found.tables.sort_by(|a, b| a.name.cmp(&b.name));
    Some(found.tables)
}
