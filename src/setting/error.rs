//! The error of an invalid setting.

/// Occurs when a setting is invalid, and stops the start of the server. The message names the variable, the problem and the
/// expected format, and never contains a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {problem}")]
pub struct ConfigError {
    /// The environment variable of the setting.
    pub variable: &'static str,
    /// The problem and the expected value, which continue a sentence that begins with the variable.
    pub problem: String,
}

impl ConfigError {
    pub fn new(variable: &'static str, problem: impl Into<String>) -> Self {
        Self {
            variable,
            problem: problem.into(),
        }
    }
}
