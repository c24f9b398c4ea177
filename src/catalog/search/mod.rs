//! The catalog's search: pages of packages and of objects, and facets, by the registry's GraphQL.
//!
//! **Owns** variables and answers of the searches. **Does not own** the documents ([`super::documents`]), nor what a user may
//! write in a query.
//!
//! **Invariants**: an error in an answer is an error, wherever in the answer it is; a total that the registry did not count
//! is absent, never a number.

mod answer;
mod facets;
mod hits;
mod page;
mod request;

pub use answer::{InputError, OperationError, SearchError};
pub use facets::{Facet, FacetValues, Facets, search_facets};
pub use hits::{Hit, MatchingEntry, ObjectHit, PackageHit, PackageMatches};
pub use page::{SearchPage, search, search_more};
pub use request::{Order, SearchKind, SearchRequest};
