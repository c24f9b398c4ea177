//! A call of a typed tool, translated from a call of the action style.

use serde_json::{Map, Value};

/// A call of a typed tool, while an action is being translated.
pub(super) struct TypedCall {
    pub arguments: Map<String, Value>,
    /// `_context`: the package that contains the entry at `path`.
    pub context: Map<String, Value>,
}
