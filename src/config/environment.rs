//! Checks of the process's environment that clap does not make.

use clap::CommandFactory;

/// Returns the variables that begin with `QUILT_MCP_` and belong to no setting, which are most likely misspelled.
#[must_use]
pub fn unknown_variables<C: CommandFactory>() -> Vec<String> {
    let command = C::command();
    let known: std::collections::HashSet<String> = command
        .get_subcommands()
        .flat_map(clap::Command::get_arguments)
        .filter_map(|arg| arg.get_env().map(|env| env.to_string_lossy().into_owned()))
        .collect();
    #[expect(clippy::disallowed_methods, reason = "names only, and this is the config module")]
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let mut unknown: Vec<String> = names
        .filter(|name| name.starts_with("QUILT_MCP_") && !known.contains(name))
        .collect();
    unknown.sort();
    unknown
}

/// Ignores variables that are empty, as templates of task definitions may leave them.
#[must_use]
pub fn without_empty_variables(command: clap::Command) -> clap::Command {
    let ignore_empty = |arg: clap::Arg| {
        #[expect(clippy::disallowed_methods, reason = "emptiness only, and this is the config module")]
        let is_empty = arg
            .get_env()
            .and_then(std::env::var_os)
            .is_some_and(|value| value.is_empty());
        if is_empty { arg.env(None::<&str>) } else { arg }
    };
    command.mut_subcommands(|subcommand| without_empty_variables(subcommand.mut_args(ignore_empty)))
}
