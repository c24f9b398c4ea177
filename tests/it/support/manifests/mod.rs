//! Manifests for comparisons of this implementation with quilt3.
//!
//! - [`Generator`] makes them at random, the same ones for the same seed.
//! - [`hand_picked`] are those that chance would hardly make: each has one feature that a reader may accept or reject.

mod generated;
mod hand_picked;

pub use generated::Generator;
pub use hand_picked::all as hand_picked;
