//! Errors of settings.

/// A setting that stops the start. Its text names the variable, the problem and the expected form, and never holds the
/// value of a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {problem}")]
pub struct ConfigError {
    /// The environment variable, which is also what the README's table is sorted by.
    pub variable: &'static str,
    /// What is wrong with it and what was expected.
    pub problem: String,
}

impl ConfigError {
    /// A problem of one variable.
    pub fn new(variable: &'static str, problem: impl Into<String>) -> Self {
        Self {
            variable,
            problem: problem.into(),
        }
    }
}
