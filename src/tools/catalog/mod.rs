//! The `catalog` toolset: links to what the catalog shows, and what its links show.
//!
//! **Owns** arguments and results of the tool. **Does not own** the pages' URLs ([`crate::catalog`]). Sends no request.

mod args;
mod link;
mod parts;
mod subject;

pub use link::CatalogLink;
