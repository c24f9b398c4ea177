//! Bounded parsing of the JSON that callers send.
//!
//! Owns the one parser for everything that becomes a value out of a request: arguments, and `params`, `_context` and
//! metadata that come as JSON text. Does not own the package format's JSON ([`quilt_format::json`]), which keeps integers
//! of any size and is what metadata becomes.
//!
//! Parsing takes two steps. [`Shape::measure`] counts what a text would become, without allocating, and refuses one that is
//! too deep or has too many values; its caller reserves [`Shape::decoded_bytes`] of the call's memory; then [`parse_object`]
//! makes the values. A text inside a text is a text of its own: it is measured when it is to be parsed, after its escapes
//! were decoded.
//!
//! Invariants: no value is made of a text that was not measured; the depth of a value is at most [`MAX_DEPTH`]; an object
//! whose key is one of `serde_json`'s private tokens is an object like any other. `serde_json::Value` does not keep the last
//! one: its own `Deserialize` parses the text under `$serde_json::private::RawValue` anew, with a new depth.

mod shape;
mod value;

pub use shape::{Excess, MAX_CONTAINERS, MAX_DEPTH, MAX_VALUES, Shape};
pub use value::{deserialize_present, deserialize_value, is_verbatim, nested_texts, parse_object};

#[cfg(test)]
mod tests;
