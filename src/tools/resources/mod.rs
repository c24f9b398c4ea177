//! What can be read by its URI: objects, packages and their entries, as the caller.
//!
//! Owns how an entry of a package is found. Owns no protocol.

mod entry;
mod revision;

pub use entry::entry_object;
