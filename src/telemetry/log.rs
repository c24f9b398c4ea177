//! The log: format and filter of its lines.
//!
//! Invariant: no line contains a token, a key or a presigned URL. This crate never logs one, but its dependencies do: at
//! `trace` the AWS SDK's signer logs session tokens, and the HTTP stack logs headers. Lines of other crates below `INFO` are
//! therefore dropped, even if the operator's filter includes them.
//!
//! Invariant: no line is longer than 4 KiB (`telemetry::line_limit`).

use std::io::Write;

use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{EnvFilter, FilterExt as _, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Registry};

use super::LogFormat;
use super::json_lines::JsonLines;
use super::line_limit::BoundedLines;
use crate::setting::ConfigError;

/// Creates the subscriber that writes filtered log lines to `writer`.
pub fn subscriber<W>(
    filter: &str,
    format: LogFormat,
    ansi: bool,
    writer: W,
) -> Result<impl Subscriber + for<'a> LookupSpan<'a> + Send + Sync + use<W>, ConfigError>
where
    W: for<'a> MakeWriter<'a, Writer: Write> + Send + Sync + 'static,
{
    let chosen = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .parse(filter)
        .map_err(|_| {
            let problem =
                format!("`{filter}` is not a log filter; expected a level such as info, or target=level pairs");
            ConfigError::new("QUILT_MCP_LOG", problem)
        })?;
    let filter = chosen.and(filter_fn(is_safe));
    let writer = BoundedLines::new(writer, format);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match format {
        LogFormat::Json => JsonLines::new(writer).boxed(),
        LogFormat::Text => tracing_subscriber::fmt::layer()
            .with_ansi(ansi)
            .with_writer(writer)
            .boxed(),
    };
    Ok(tracing_subscriber::registry().with(lines.with_filter(filter)))
}

/// Whether a line may be written at any log level. Lines of s3s, the base of the embedded S3, are dropped: it logs each
/// denial as an error.
fn is_safe(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    let is_of = |name: &str| target == name || target.strip_prefix(name).is_some_and(|rest| rest.starts_with("::"));
    is_of("quilt_mcp") || (!is_of("s3s") && *metadata.level() <= Level::INFO)
}

#[cfg(test)]
mod tests;
