//! The process's environment: the rules that hold for every variable, before clap reads the settings.
//!
//! Values come out of secret stores, templates and env files with white space around them, and set to nothing. Kubernetes
//! sets variables of its own for each Service, with names that may be those of settings. One rule for all, also for the
//! variables that the AWS SDK, OpenTelemetry and the runtime read by themselves:
//!
//! - outer white space is cut;
//! - a variable that is set to nothing is not set;
//! - a service link of Kubernetes (`tcp://…`) is not a setting;
//! - a setting in quotation marks, or that is a JSON document, is refused by name.

use std::collections::BTreeSet;
use std::ffi::OsString;

use clap::CommandFactory;

/// Prefixes of the variables that libraries read.
const LIBRARY_PREFIXES: [&str; 4] = ["AWS_", "OTEL_", "SSL_CERT_", "TOKIO_"];
/// Other variables that libraries read, in capitals.
const LIBRARY_VARIABLES: [&str; 4] = ["ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"];
/// The names of variables that were changed, for the log of the process that runs with the changed environment.
const CHANGES: &str = "QUILT_MCP_ENVIRONMENT_CHANGES";

/// What is different in the environment that the rules lead to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The variables to set, with their values without outer white space.
    trimmed: Vec<(String, String)>,
    /// The variables to remove, because they are set to nothing.
    empty: Vec<String>,
    /// The variables to remove, because Kubernetes set them.
    service_links: Vec<String>,
}

impl Changes {
    /// Applies the rules to these variables.
    #[must_use]
    pub fn of<C: CommandFactory>(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let settings = settings::<C>();
        let mut changes = Self::default();
        let variables = variables
            .into_iter()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        for (name, value) in variables {
            let is_setting = settings.contains(&name);
            if !is_setting && !is_of_library(&name) {
                continue;
            }
            let trimmed = value.trim();
            if trimmed.is_empty() {
                changes.empty.push(name);
            } else if is_setting && is_service_link(&name, trimmed) {
                changes.service_links.push(name);
            } else if trimmed != value {
                changes.trimmed.push((name, trimmed.to_owned()));
            }
        }
        changes
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Runs the program again in the same process, with the changed environment: a running program cannot change it safely.
    /// Returns only if that fails.
    #[cfg(unix)]
    #[must_use]
    pub fn run_again(&self) -> std::io::Error {
        use std::os::unix::process::CommandExt as _;
        let program = match std::env::current_exe() {
            Ok(program) => program,
            Err(error) => return error,
        };
        let mut command = std::process::Command::new(program);
        let mut arguments = std::env::args_os();
        if let Some(name) = arguments.next() {
            command.arg0(name);
        }
        let trimmed = self.trimmed.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        command.args(arguments).envs(trimmed);
        for name in self.empty.iter().chain(&self.service_links) {
            command.env_remove(name);
        }
        command.env(CHANGES, self.noted());
        command.exec()
    }

    /// Returns the names of changed variables that the operator should know about. Of secrets, white space that was cut
    /// changes what they are.
    fn noted(&self) -> String {
        let trimmed = self.trimmed.iter().map(|(name, _)| format!("{name}=trimmed"));
        let links = self.service_links.iter().map(|name| format!("{name}=link"));
        trimmed.chain(links).collect::<Vec<_>>().join(",")
    }
}

/// Says what [`Changes::run_again`] changed, one line for each variable.
#[must_use]
pub fn changes_made() -> Vec<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "set by this program, and this is the config module"
    )]
    let noted = std::env::var(CHANGES).unwrap_or_default();
    noted
        .split(',')
        .filter_map(|change| change.split_once('='))
        .map(|(name, change)| match change {
            "link" => format!(
                "{name} is a service link of Kubernetes and not a setting; it is ignored (set enableServiceLinks: false in the \
                 pod)"
            ),
            _ => format!("white space around the value of {name} was cut"),
        })
        .collect()
}

/// Returns why a setting in the environment cannot be used, with its name, if it is quoted or a JSON document. The value is
/// not shown.
#[must_use]
pub fn refused_value<C: CommandFactory>(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Option<String> {
    let settings = settings::<C>();
    let variables = variables
        .into_iter()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let mut refused: Vec<String> = variables
        .filter(|(name, _)| settings.contains(name))
        .filter_map(|(name, value)| Some(format!("{name}: {}", problem(&name, value.trim())?)))
        .collect();
    refused.sort();
    refused.into_iter().next()
}

fn problem(name: &str, value: &str) -> Option<String> {
    let is_quoted = ['"', '\'', '`']
        .iter()
        .any(|quote| value.len() > 1 && value.starts_with(*quote) && value.ends_with(*quote));
    if is_quoted {
        return Some("is in quotation marks, which are part of the value; expected it without them".to_owned());
    }
    let is_document = value.starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(value).is_ok();
    is_document.then(|| {
        format!(
            "is a JSON document; expected the value alone (with ECS, name the key of the secret: \
             valueFrom = arn:aws:secretsmanager:…:secret:NAME:{name}::)"
        )
    })
}

/// Returns the variables that begin with `QUILT_MCP_` and belong to no setting, which are most likely misspelled. Those that
/// Kubernetes derives from a Service are not.
#[must_use]
pub fn unknown_variables<C: CommandFactory>() -> Vec<String> {
    let known = settings::<C>();
    let mut unknown: Vec<String> = names_in_environment()
        .filter(|name| name.starts_with("QUILT_MCP_") && name != CHANGES)
        .filter(|name| !known.contains(name) && !is_derived_from_service(name))
        .collect();
    unknown.sort();
    unknown
}

/// Returns the names of all variables.
pub fn names_in_environment() -> impl Iterator<Item = String> {
    #[expect(clippy::disallowed_methods, reason = "names only, and this is the config module")]
    let variables = std::env::vars_os();
    variables.filter_map(|(name, _)| name.into_string().ok())
}

/// Returns the names of the variables of all settings, of each command.
fn settings<C: CommandFactory>() -> BTreeSet<String> {
    fn collect(command: &clap::Command, names: &mut BTreeSet<String>) {
        let own = command.get_arguments().filter_map(clap::Arg::get_env);
        names.extend(own.map(|env| env.to_string_lossy().into_owned()));
        command.get_subcommands().for_each(|command| collect(command, names));
    }
    let mut names = BTreeSet::new();
    collect(&C::command(), &mut names);
    names
}

fn is_of_library(name: &str) -> bool {
    LIBRARY_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || LIBRARY_VARIABLES.iter().any(|other| name.eq_ignore_ascii_case(other))
}

/// Whether Kubernetes set this variable for a Service, whose name leads to that of a setting.
fn is_service_link(name: &str, value: &str) -> bool {
    let is_url = ["tcp://", "udp://", "sctp://"]
        .iter()
        .any(|scheme| value.starts_with(scheme));
    is_url || is_derived_from_service(name) && !name.ends_with("_PORT")
}

/// Whether Kubernetes derives a variable of this name from a Service: `…_SERVICE_HOST`, `…_SERVICE_PORT[_NAME]`, `…_PORT` and
/// `…_PORT_8000_TCP[_ADDR|_PORT|_PROTO]`.
fn is_derived_from_service(name: &str) -> bool {
    let is_protocol = |text: &str| ["TCP", "UDP", "SCTP"].contains(&text);
    let parts: Vec<&str> = name.split('_').collect();
    let has_pair = |first: &str, second: &str| parts.windows(2).any(|pair| pair == [first, second]);
    let has_port = parts.windows(3).any(
        |three| matches!(three, ["PORT", number, protocol] if number.parse::<u16>().is_ok() && is_protocol(protocol)),
    );
    has_pair("SERVICE", "HOST") || has_pair("SERVICE", "PORT") || has_port || name.ends_with("_PORT")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;

    fn changes(variables: &[(&str, &str)]) -> Changes {
        Changes::of::<Cli>(variables.iter().map(|(name, value)| (name.into(), value.into())))
    }

    #[test]
    fn white_space_is_cut_and_nothing_is_not_set() {
        let found = changes(&[
            ("MCP_JWT_ISSUER", "https://i.example.com\r\n"),
            ("MCP_JWT_SECRET", " "),
            ("AWS_PROFILE", ""),
            ("AWS_ACCESS_KEY_ID", "AKIAX\n"),
            ("https_proxy", "\thttp://proxy.example.com "),
            ("TOKIO_WORKER_THREADS", ""),
            ("QUILT_MCP_HOST", "127.0.0.1"),
            ("PATH", " "),
        ]);
        let trimmed: Vec<(&str, &str)> = found.trimmed.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(
            trimmed,
            [
                ("MCP_JWT_ISSUER", "https://i.example.com"),
                ("AWS_ACCESS_KEY_ID", "AKIAX"),
                ("https_proxy", "http://proxy.example.com"),
            ]
        );
        assert_eq!(found.empty, ["MCP_JWT_SECRET", "AWS_PROFILE", "TOKIO_WORKER_THREADS"]);
        assert_eq!(found.service_links, [""; 0]);
        assert!(changes(&[("QUILT_MCP_PORT", "8000"), ("HOME", " x ")]).is_empty());
    }

    #[test]
    fn variables_of_a_service_are_not_settings() {
        let found = changes(&[
            ("QUILT_MCP_PORT", "tcp://10.0.0.1:8000"),
            ("QUILT_MCP_HOST", "127.0.0.1"),
        ]);
        assert_eq!(found.service_links, ["QUILT_MCP_PORT"]);
        for derived in [
            "QUILT_MCP_SERVICE_HOST",
            "QUILT_MCP_SERVICE_PORT",
            "QUILT_MCP_SERVICE_PORT_HTTP",
            "QUILT_MCP_PORT_8000_TCP",
            "QUILT_MCP_PORT_8000_TCP_ADDR",
            "QUILT_MCP_METRICS_PORT",
        ] {
            assert!(is_derived_from_service(derived), "{derived}");
        }
        for other in ["QUILT_MCP_PROT", "QUILT_MCP_PORTS", "QUILT_MCP_SERVICE"] {
            assert!(!is_derived_from_service(other), "{other}");
        }
    }

    #[test]
    fn quoted_values_and_documents_are_refused_by_name_and_not_shown() {
        let refused = |name: &str, value: &str| refused_value::<Cli>([(name.into(), value.into())]);
        for value in ["\"hunter2\"", "'hunter2'", "{\"MCP_JWT_SECRET\":\"hunter2\"}\n"] {
            let sentence = refused("MCP_JWT_SECRET", value).unwrap();
            assert!(
                sentence.starts_with("MCP_JWT_SECRET: is ") && !sentence.contains("hunter2"),
                "{sentence}"
            );
        }
        assert_eq!(refused("MCP_JWT_SECRET", "it's \"quoted\" inside"), None);
        assert_eq!(refused("OTHER", "\"x\""), None);
    }
}
