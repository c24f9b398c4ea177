//! Workflows: what a bucket demands of the packages that are pushed to it.
//!
//! Owns the configuration (`.quilt/workflows/config.yml`, version 1.0 and 1.1), the choice of a workflow and the validation
//! of a package, as quilt3's `workflows/__init__.py` has them. Does not fetch the configuration and the schemas: the
//! caller passes their bytes, and must not treat a denied read of the configuration as its absence.
//!
//! Invariant: a package that passes here passes quilt3's validation, and the `workflow` field of its header is the same.
//!
//! # Where this is stricter than quilt3 8.0.0, on purpose
//!
//! - Keys of the configuration must be strings: quilt3 takes `2021:` for a number, which no workflow can be chosen by.
//! - YAML aliases may not multiply the configuration beyond 10,000 values, and it may not be nested deeper than 64.
//! - A list or an object may not hold an alias of itself, and a quoted text may not go on at its parent's column.
//! - Schemas may not be nested deeper than 100.
//! - Patterns with Python's flags `a` and `L` or with `\N{…}` are refused, and one that takes too long matches nothing.
//!
//! Metadata with infinite numbers is not told from such with very large ones: no manifest can be written with it anyway.

mod check;
mod choose;
mod config;
mod document;
mod entries;
mod keywords;
mod pattern;
mod schema;
mod validate;
mod yaml;

pub use choose::{Choice, ChoiceError, Chosen, SchemaSource, without_config};
pub use config::{Successor, Workflow, WorkflowConfig};
pub use document::ConfigError;
pub use schema::SchemaError;
pub use validate::{Candidate, LoadedSchema, UnusableWorkflow, Validator, Violation};

#[cfg(test)]
mod tests;
