//! Objects that become entries of a package: inspected, hashed, copied.

mod adaptive;
mod copying;
mod hashing;
mod inspect;
mod tree_listing;

pub use hashing::{ChecksumPreference, Hashing};
pub use inspect::PlannedObject;
pub(super) use inspect::{InspectedEntry, inspect_each};
pub use tree_listing::list_in_tree_order;
