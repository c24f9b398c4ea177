//! The `search` toolset: packages and objects that the catalog finds, and the fields that can be filtered on.
//!
//! **Owns** arguments, results and sentences of the search. **Does not own** its requests ([`crate::catalog`]).
//!
//! **Invariants**: the catalog finds as its own page does, with the caller's token and never with the server's credentials;
//! names that S3 lists in its place are labelled; a result never exceeds the length that clients show.

mod args;
mod catalog;
mod facets;
mod fit;
mod link;
mod names;
mod part;
mod problem;
mod request;
mod row;

pub use catalog::SearchCatalog;
pub use facets::SearchFacets;

/// The syntax of searches, for models.
pub const SYNTAX: &str = include_str!("syntax.md");
