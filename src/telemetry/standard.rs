//! OpenTelemetry's standard variables, which are often set for a whole cluster and meant for other programs too.
//!
//! Invariant: a value that is not understood never stops the start. It is ignored, as the specification demands of enum
//! values, and a log line names the variable and the value; of variables that may contain secrets, the variable only.

use std::convert::Infallible;
use std::path::Path;
use std::time::Duration;

use opentelemetry::KeyValue;
use percent_encoding::percent_decode_str;

use super::text;
use super::{Exporter, Protocol, TelemetryConfig};
use crate::setting::BaseUrl;
use crate::tls::ExtraRoots;

/// The value of a standard variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standard<T> {
    /// The value, if it is understood.
    pub value: Option<T>,
    /// The text, if it is not understood.
    pub ignored: Option<String>,
}

impl<T> Default for Standard<T> {
    fn default() -> Self {
        Self {
            value: None,
            ignored: None,
        }
    }
}

impl<T> Standard<T> {
    fn new(text: &str, value: Option<T>) -> Self {
        let ignored = value.is_none().then(|| text.to_owned());
        Self { value, ignored }
    }
}

/// Reads a URL.
#[expect(clippy::unnecessary_wraps, reason = "a parser of clap")]
pub(super) fn endpoint(text: &str) -> Result<Standard<BaseUrl>, Infallible> {
    Ok(Standard::new(text, text.trim().parse().ok()))
}

/// Reads the name of an exporter, or a list of names.
#[expect(clippy::unnecessary_wraps, reason = "a parser of clap")]
pub(super) fn exporter(text: &str) -> Result<Standard<Exporter>, Infallible> {
    let parsed = |name: &str| match name.trim().to_ascii_lowercase().as_str() {
        "otlp" => Some(Exporter::Otlp),
        "none" => Some(Exporter::None),
        _ => None,
    };
    let names: Vec<Option<Exporter>> = text.split(',').map(parsed).collect();
    let value = if names.contains(&Some(Exporter::Otlp)) {
        Some(Exporter::Otlp)
    } else {
        names.iter().copied().flatten().next()
    };
    let ignored = names.contains(&None).then(|| text.to_owned());
    Ok(Standard { value, ignored })
}

/// Reads the name of a protocol.
#[expect(clippy::unnecessary_wraps, reason = "a parser of clap")]
pub(super) fn protocol(text: &str) -> Result<Standard<Protocol>, Infallible> {
    let is_known = text.trim().eq_ignore_ascii_case("http/protobuf");
    Ok(Standard::new(text, is_known.then_some(Protocol::HttpProtobuf)))
}

/// Reads a Boolean: `true` in any case is true.
#[expect(clippy::unnecessary_wraps, reason = "a parser of clap")]
pub(super) fn is_true(text: &str) -> Result<Standard<bool>, Infallible> {
    let value = match text.trim().to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    };
    Ok(Standard::new(text, value))
}

/// A variable that the OpenTelemetry SDK reads itself, and the values that it takes.
struct Variable {
    name: &'static str,
    is_understood: fn(&str) -> bool,
}

const fn variable(name: &'static str, is_understood: fn(&str) -> bool) -> Variable {
    Variable { name, is_understood }
}

const VARIABLES: [Variable; 24] = [
    variable("OTEL_TRACES_SAMPLER", is_sampler),
    variable("OTEL_TRACES_SAMPLER_ARG", is_ratio),
    variable("OTEL_RESOURCE_ATTRIBUTES", is_attributes),
    variable("OTEL_EXPORTER_OTLP_COMPRESSION", is_compression),
    variable("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", is_compression),
    variable("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", is_compression),
    variable("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", is_protocol),
    variable("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", is_protocol),
    variable("OTEL_EXPORTER_OTLP_TIMEOUT", is_count),
    variable("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", is_count),
    variable("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", is_count),
    variable("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", is_temporality),
    variable("OTEL_METRIC_EXPORT_INTERVAL", is_count),
    variable("OTEL_METRIC_EXPORT_TIMEOUT", is_count),
    variable("OTEL_BSP_SCHEDULE_DELAY", is_count),
    variable("OTEL_BSP_EXPORT_TIMEOUT", is_count),
    variable("OTEL_BSP_MAX_QUEUE_SIZE", is_count),
    variable("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", is_count),
    variable("OTEL_BSP_MAX_CONCURRENT_EXPORTS", is_count),
    variable("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", is_count),
    variable("OTEL_SPAN_EVENT_COUNT_LIMIT", is_count),
    variable("OTEL_SPAN_LINK_COUNT_LIMIT", is_count),
    variable("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", is_count),
    variable("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", is_count),
];

/// Variables whose values contain secrets.
const HEADERS: [&str; 3] = [
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
];

/// Files of certificate authorities that the exporters trust.
const CERTIFICATES: [&str; 3] = [
    "OTEL_EXPORTER_OTLP_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE",
];

/// The time limit of an export, by the specification.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

fn is_sampler(text: &str) -> bool {
    let known = [
        "always_on",
        "always_off",
        "traceidratio",
        "parentbased_always_on",
        "parentbased_always_off",
        "parentbased_traceidratio",
    ];
    known.contains(&text)
}

fn is_ratio(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(|ratio| (0.0..=1.0).contains(&ratio))
}

fn is_compression(text: &str) -> bool {
    ["gzip", "none"].contains(&text.to_ascii_lowercase().as_str())
}

fn is_protocol(text: &str) -> bool {
    text == "http/protobuf"
}

fn is_count(text: &str) -> bool {
    text.parse::<u64>().is_ok()
}

fn is_temporality(text: &str) -> bool {
    ["cumulative", "delta", "lowmemory"].contains(&text.to_ascii_lowercase().as_str())
}

fn is_attributes(text: &str) -> bool {
    entries(text).all(|entry| attribute(entry).is_some())
}

fn is_headers(text: &str) -> bool {
    entries(text).all(|entry| {
        let name = entry.split_once('=').map(|(name, _)| name.trim());
        name.is_some_and(|name| axum::http::HeaderName::from_bytes(name.as_bytes()).is_ok())
    })
}

/// Logs a warning for each variable whose value is not understood.
pub(super) fn warn_about_ignored(config: &TelemetryConfig) {
    for (variable, value) in config.ignored() {
        // A URL may contain a password.
        let shown = value.rsplit_once('@').map_or(value, |(_, host)| host);
        warn(variable, Some(shown));
    }
    for variable in VARIABLES {
        if let Some(text) = read(variable.name)
            && !(variable.is_understood)(&text)
        {
            warn(variable.name, Some(&text));
        }
    }
    for variable in CERTIFICATES {
        if let Some(file) = read(variable)
            && load_certificate(&file).is_none()
        {
            warn(variable, Some(&file));
        }
    }
    for variable in HEADERS {
        if read(variable).is_some_and(|text| !is_headers(&text)) {
            warn(variable, None);
        }
    }
}

/// Returns the time limit of the exports of a signal (`TRACES`, `METRICS`).
pub(super) fn timeout(signal: &str) -> Duration {
    let milliseconds = of_signal(signal, "TIMEOUT").and_then(|text| text.parse().ok());
    milliseconds.map_or(DEFAULT_TIMEOUT, Duration::from_millis)
}

/// Returns the authorities that the exporter of a signal trusts by its own variable.
pub(super) fn certificate(signal: &str) -> ExtraRoots {
    let file = of_signal(signal, "CERTIFICATE");
    file.and_then(|file| load_certificate(&file)).unwrap_or_default()
}

fn load_certificate(file: &str) -> Option<ExtraRoots> {
    ExtraRoots::load([("OTEL_EXPORTER_OTLP_CERTIFICATE", Path::new(file))]).ok()
}

/// Reads the variable of a signal, or else the one of all signals.
fn of_signal(signal: &str, name: &str) -> Option<String> {
    let names = [
        format!("OTEL_EXPORTER_OTLP_{signal}_{name}"),
        format!("OTEL_EXPORTER_OTLP_{name}"),
    ];
    names.iter().find_map(|name| read(name))
}

fn warn(variable: &'static str, value: Option<&str>) {
    let value = value.map(|value| text::bounded(value, text::MAX_NAME_BYTES));
    tracing::warn!(
        variable,
        value,
        "the value of this variable is not understood and is ignored"
    );
}

/// Returns the value of a variable that is not empty.
pub(super) fn read(name: &str) -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the variables that the OpenTelemetry SDK reads itself"
    )]
    let value = std::env::var(name).ok();
    value.filter(|value| !value.is_empty())
}

/// Returns the attributes of `OTEL_RESOURCE_ATTRIBUTES`, decoded. Those that cannot be decoded are left out.
pub(super) fn resource_attributes() -> Vec<KeyValue> {
    let text = read("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
    entries(&text).filter_map(attribute).collect()
}

fn entries(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|entry| !entry.is_empty())
}

fn attribute(entry: &str) -> Option<KeyValue> {
    let (key, value) = entry.split_once('=')?;
    let decode = |text: &str| Some(percent_decode_str(text.trim()).decode_utf8().ok()?.into_owned());
    let key = decode(key).filter(|key| !key.is_empty())?;
    Some(KeyValue::new(key, decode(value)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exporters_are_read_in_any_case_and_lists_are_taken_apart() {
        let read = |text: &str| exporter(text).unwrap();
        for (text, value, is_ignored) in [
            ("otlp", Some(Exporter::Otlp), false),
            ("NONE", Some(Exporter::None), false),
            (" otlp\n", Some(Exporter::Otlp), false),
            ("prometheus", None, true),
            ("prometheus,otlp", Some(Exporter::Otlp), true),
            ("none,console", Some(Exporter::None), true),
        ] {
            let found = read(text);
            assert_eq!((found.value, found.ignored.is_some()), (value, is_ignored), "{text}");
        }
    }

    #[test]
    fn true_is_read_in_any_case_and_anything_else_is_not_true() {
        for (text, value) in [
            ("true", Some(true)),
            ("TRUE", Some(true)),
            ("True\n", Some(true)),
            ("false", Some(false)),
            ("1", None),
            ("yes", None),
        ] {
            assert_eq!(is_true(text).unwrap().value, value, "{text}");
        }
    }

    #[test]
    fn resource_attributes_are_decoded() {
        let decoded = |entry| attribute(entry).map(|found| (found.key.to_string(), found.value.to_string()));
        let pair = |key: &str, value: &str| Some((key.to_owned(), value.to_owned()));
        assert_eq!(decoded("team=data%20platform"), pair("team", "data platform"));
        assert_eq!(decoded(" a%2Cb = c%3Dd "), pair("a,b", "c=d"));
        assert_eq!(decoded("k=a=b"), pair("k", "a=b"));
        assert_eq!(
            (decoded("no value"), decoded("=v"), decoded("k=%FF")),
            (None, None, None)
        );
    }

    #[test]
    fn values_of_the_sdk_are_recognized() {
        let is_understood = |name: &str, text: &str| {
            let variable = VARIABLES.iter().find(|variable| variable.name == name).unwrap();
            (variable.is_understood)(text)
        };
        for (name, good, bad) in [
            ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio", "xray"),
            ("OTEL_TRACES_SAMPLER_ARG", "0.25", "25%"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip", "brotli"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf", "grpc"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "60000", "60s"),
            ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "Delta", "both"),
            ("OTEL_RESOURCE_ATTRIBUTES", "a=b,c=d%20e", "a:b"),
        ] {
            assert!(is_understood(name, good), "{name}={good}");
            assert!(!is_understood(name, bad), "{name}={bad}");
        }
        assert!(is_headers("x-api-key=a,authorization=Bearer%20b"));
        assert!(!is_headers("x-api-key: a"));
    }
}
