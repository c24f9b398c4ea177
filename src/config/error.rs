//! Errors of the command line in one sentence each.

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Formats clap's error about an invalid value as one sentence that names the variable. Returns `None` for other errors
/// (help, version, unknown flags), which clap prints itself.
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
                _ => String::from("another format"),
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
