//! Workflows: the requirements of a bucket on the packages that are pushed to it.
//!
//! **Owns** the configuration (`.quilt/workflows/config.yml`, versions 1.0 and 1.1), the selection of a workflow and the
//! validation of a package, with the rules of quilt3's `workflows/__init__.py`.
//!
//! **Does not own** fetching the configuration and the schemas: you pass their bytes, and must not treat a denied read of the
//! configuration as its absence.
//!
//! **Invariant.** A package that is valid here passes quilt3's validation, and the field `workflow` of its header is the
//! same.
//!
//! # Where this is deliberately stricter than quilt3 8.0.0
//!
//! - Keys of the configuration must be strings; quilt3 takes `2021:` as a number, by which no workflow can be chosen.
//! - YAML aliases must not expand the configuration to more than 10,000 values, and it must not be nested deeper than 64.
//! - An array or an object must not contain an alias of itself, and a quoted string must not continue at the column of its
//!   parent.
//! - Schemas must not be nested deeper than 100.
//! - Patterns with Python's flags `a` and `L` or with `\N{…}` are rejected, and a pattern that takes too long does not match.
//!
//! Metadata with infinite numbers is treated like metadata with very large ones; it cannot be written to a manifest anyway.

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

pub use choose::{Choice, ChoiceError, ChosenWorkflow, SchemaSource, without_config};
pub use config::{Successor, Workflow, WorkflowConfig};
pub use document::ConfigError;
pub use schema::SchemaError;
pub use validate::{Candidate, LoadedSchema, UnusableWorkflow, Validator, Violation};

#[cfg(test)]
mod tests;
