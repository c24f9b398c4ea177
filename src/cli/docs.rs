//! `quilt-mcp docs`: reference tables in Markdown, generated from the code.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;

use axum::http::StatusCode;
use clap::{Args as _, Subcommand};

use crate::config::{ServeConfig, library_variables_table};
use crate::error_code::ErrorCode;
use crate::telemetry::metrics;
use crate::tools;

/// Arguments of `docs`.
#[derive(Debug, clap::Args)]
pub struct DocsArgs {
    #[command(subcommand)]
    table: Table,
}

#[derive(Debug, Subcommand)]
enum Table {
    /// The tools
    Tools,
    /// The settings
    Config,
    /// The error codes
    Errors,
    /// The metrics
    Metrics,
    /// Variables of the AWS SDKs and OpenTelemetry, and whether they are honored
    Variables,
}

#[expect(clippy::needless_pass_by_value, reason = "every command takes its arguments")]
pub(super) fn run(args: DocsArgs) -> anyhow::Result<()> {
    let table = match args.table {
        Table::Tools => tools_table(),
        Table::Config => config_table(),
        Table::Errors => errors_table(),
        Table::Metrics => metrics_table(),
        Table::Variables => library_variables_table(),
    };
    std::io::stdout().write_all(table.as_bytes())?;
    Ok(())
}

/// Returns the table of the tools and their arguments.
#[must_use]
pub fn tools_table() -> String {
    let mut table = String::from("| tool | set | arguments | does |\n|---|---|---|---|\n");
    for tool in tools::all() {
        let empty = serde_json::Map::new();
        let properties = tool
            .input_schema
            .get("properties")
            .and_then(|p| p.as_object())
            .unwrap_or(&empty);
        let required: Vec<&str> = tool
            .input_schema
            .get("required")
            .and_then(|names| names.as_array())
            .map(|names| names.iter().filter_map(|name| name.as_str()).collect())
            .unwrap_or_default();
        let arguments: Vec<String> = properties
            .iter()
            .map(|(name, schema)| match schema.get("default") {
                _ if required.contains(&name.as_str()) => format!("`{name}`"),
                Some(default) => format!("`{name}={default}`"),
                None => format!("`{name}?`"),
            })
            .collect();
        let arguments = arguments.join(", ");
        let _ = writeln!(
            table,
            "| `{}` | {} | {} | {} |",
            tool.name,
            tool.toolset.as_str(),
            arguments,
            tool.description.replace('|', "\\|")
        );
    }
    table.push_str(
        "\nOther names of arguments, accepted and not listed:\n\n| argument | also accepted as |\n|---|---|\n",
    );
    let mut aliases: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for alias in tools::ALIASES {
        aliases
            .entry(alias.argument)
            .or_default()
            .push(format!("`{}`", alias.alias));
    }
    for (argument, names) in aliases {
        let _ = writeln!(table, "| `{argument}` | {} |", names.join(", "));
    }
    table.push_str("\nArguments of older servers that are accepted and have no effect:\n\n| tool | argument | instead |\n|---|---|---|\n");
    for ignored in tools::IGNORED {
        let _ = writeln!(
            table,
            "| `{}` | `{}` | {} |",
            ignored.tool, ignored.argument, ignored.note
        );
    }
    table
}

/// Returns the table of the settings.
#[must_use]
pub fn config_table() -> String {
    let command = ServeConfig::augment_args(clap::Command::new("serve"));
    let mut table = String::from("| variable | flag | default | meaning |\n|---|---|---|---|\n");
    for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
        let Some(env) = arg.get_env() else { continue };
        let default = arg
            .get_default_values()
            .first()
            .map_or(String::from("none"), |value| format!("`{}`", value.to_string_lossy()));
        let aliases: Vec<String> = command
            .get_arguments()
            .filter(|other| other.is_hide_set())
            .filter(|other| help(other).contains(&format!("`{}`", env.to_string_lossy())))
            .filter_map(|other| other.get_env().map(|env| format!("`{}`", env.to_string_lossy())))
            .collect();
        let aliases = if aliases.is_empty() {
            String::new()
        } else {
            format!(" (alias {})", aliases.join(", "))
        };
        let _ = writeln!(
            table,
            "| `{}`{aliases} | `--{}` | {default} | {} |",
            env.to_string_lossy(),
            arg.get_long().unwrap_or_default(),
            help(arg).replace('|', "\\|")
        );
    }
    table
}

/// Returns the table of the error codes, with the HTTP status of requests that are rejected with them.
#[must_use]
pub fn errors_table() -> String {
    let mut table = String::from("| code | when | what to do | retry? |\n|---|---|---|---|\n");
    for code in ErrorCode::ALL {
        let status = match code.status() {
            StatusCode::OK => String::new(),
            status => format!("{}: ", status.as_u16()),
        };
        let retry = if code.is_retryable() { "yes" } else { "no" };
        let _ = writeln!(
            table,
            "| `{code}` | {status}{} | {} | {retry} |",
            code.when(),
            code.remedy()
        );
    }
    table
}

/// Returns the table of the metrics.
#[must_use]
pub fn metrics_table() -> String {
    let mut table = String::from("| Prometheus | OTLP | kind | labels | meaning |\n|---|---|---|---|---|\n");
    for metric in metrics::ALL {
        let labels: Vec<String> = metric
            .labels
            .iter()
            .map(|(label, values)| format!("`{label}`: {values}"))
            .collect();
        let _ = writeln!(
            table,
            "| `{}` | `{}` | {} | {} | {} |",
            metric.prometheus_name(),
            metric.name,
            metric.kind.as_str(),
            labels.join("; "),
            metric.meaning
        );
    }
    table
}

fn help(arg: &clap::Arg) -> String {
    arg.get_help().map(ToString::to_string).unwrap_or_default()
}
