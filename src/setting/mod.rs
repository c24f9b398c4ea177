//! Parsers of settings.
//!
//! Owns the parsers from the text of a setting to its type, and the error of an invalid setting. Does not own any setting:
//! each module declares its own section, and [`crate::config`] joins them.

mod base_url;
mod error;
pub mod parse;

pub use base_url::BaseUrl;
pub use error::ConfigError;
