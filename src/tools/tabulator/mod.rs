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
