//! The process's environment, as far as clap does not read it by itself.

use clap::CommandFactory;

/// Names beginning with `QUILT_MCP_` that are set but that no setting reads, most likely misspelt.
#[must_use]
pub fn unknown_variables<C: CommandFactory>() -> Vec<String> {
    let command = C::command();
    let known: std::collections::HashSet<String> = command
        .get_subcommands()
        .flat_map(clap::Command::get_arguments)
        .filter_map(|arg| arg.get_env().map(|env| env.to_string_lossy().into_owned()))
        .collect();
    #[expect(clippy::disallowed_methods, reason = "names only, and this is the config room")]
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let mut unknown: Vec<String> = names
        .filter(|name| name.starts_with("QUILT_MCP_") && !known.contains(name))
        .collect();
    unknown.sort();
    unknown
}

/// A variable that is set to nothing counts as not set: templates of task definitions leave such ones behind.
#[must_use]
pub fn without_empty_variables(command: clap::Command) -> clap::Command {
    let ignore_empty = |arg: clap::Arg| {
        #[expect(clippy::disallowed_methods, reason = "emptiness only, and this is the config room")]
        let is_empty = arg
            .get_env()
            .and_then(std::env::var_os)
            .is_some_and(|value| value.is_empty());
        if is_empty { arg.env(None::<&str>) } else { arg }
    };
    command.mut_subcommands(|subcommand| without_empty_variables(subcommand.mut_args(ignore_empty)))
}
