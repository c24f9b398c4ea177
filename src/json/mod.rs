//! Bounded parsing of the JSON in requests.
//!
//! **Owns** the only parser of values in requests: arguments, and `params`, `_context` and metadata that are sent as JSON
//! text; and of values that tokens, key sets and registries contain ([`parse_value`]).
//!
//! **Does not own** the JSON of the package format ([`quilt_format::json`]), which keeps integers of any size and to which
//! metadata is converted.
//!
//! Parsing has two steps. [`Shape::measure`] counts the values of a text without allocating, and rejects a text that is too
//! deep or has too many values. The code that parses then reserves [`Shape::decoded_bytes`] of the call's memory, and
//! [`parse_object`] builds the values. A text inside a text is measured separately, when it is to be parsed, after its
//! escapes were decoded.
//!
//! **Invariants.** No value is built from a text that was not measured. The depth of a value is at most [`MAX_DEPTH`]. An
//! object whose key is one of `serde_json`'s private tokens is treated like any other object; `serde_json::Value` does not
//! guarantee this: its `Deserialize` parses the text under `$serde_json::private::RawValue` again, with its own depth.

mod shape;
mod value;

pub use shape::{Excess, MAX_CONTAINERS, MAX_DEPTH, MAX_VALUES, Shape};
pub use value::{
    InvalidJson, deserialize_optional_value, deserialize_present, deserialize_value, is_verbatim, nested_texts,
    parse_container, parse_object, parse_value,
};

#[cfg(test)]
mod tests;
