//! One sentence for a setting that cannot be used.

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};

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

/// Turns clap's several lines about a bad value into one that names the variable; leaves other errors (help, version,
/// unknown flags) to clap by answering `None`.
#[must_use]
pub fn explain<C: CommandFactory>(error: &clap::Error) -> Option<String> {
    if !matches!(error.kind(), ErrorKind::ValueValidation | ErrorKind::InvalidValue) {
        return None;
    }
    let Some(ContextValue::String(flag)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let long = flag.split([' ', '=']).next()?.trim_start_matches('-').to_owned();
    let command = C::command();
    let arg = command
        .get_subcommands()
        .chain(std::iter::once(&command))
        .flat_map(clap::Command::get_arguments)
        .find(|arg| arg.get_long() == Some(long.as_str()))?;
    let variable = arg
        .get_env()
        .map_or_else(|| format!("--{long}"), |env| env.to_string_lossy().into_owned());
    let problem = std::error::Error::source(error).map_or_else(
        || {
            let valid = match error.get(ContextKind::ValidValue) {
                Some(ContextValue::Strings(values)) => values.join(", "),
                _ => String::from("another form"),
            };
            let given = match error.get(ContextKind::InvalidValue) {
                Some(ContextValue::String(value)) if !arg.is_hide_env_values_set() => format!("`{value}` "),
                _ => String::new(),
            };
            format!("{given}is not one of the expected values: {valid}")
        },
        ToString::to_string,
    );
    Some(format!("{variable}: {problem}"))
}
