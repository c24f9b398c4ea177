//! The same calls against `MiniStack` and against `dev`, over the wire: pages, types, states, errors, ids, and what is stopped.

mod differences;
mod leaving;
pub mod queries;
