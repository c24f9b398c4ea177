//! Objects that become entries of a package: inspected, hashed, copied.

mod copying;
mod hashing;
mod inspect;

pub use hashing::{ChecksumPreference, Hashing};
pub(super) use inspect::InspectedEntry;
pub use inspect::PlannedObject;
