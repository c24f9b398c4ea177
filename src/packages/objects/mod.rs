//! Objects that become entries of a package: inspected, hashed, copied.

mod adaptive;
mod checksum_cache;
mod copying;
mod hashing;
mod inspect;
mod tree_listing;

pub use checksum_cache::{CallerChecksums, ChecksumCache};
pub use hashing::{ChecksumPreference, Hashing};
pub(super) use inspect::{InspectedEntry, MAX_INSPECTIONS, MAX_TRANSFERS, inspect_each};
pub use inspect::{KnownContent, PlannedObject};
pub use tree_listing::{ListingMode, list_in_tree_order};
