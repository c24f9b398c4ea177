//! Variables of the AWS SDKs, OpenTelemetry and the runtime that are no settings of this program, and what they do here.

use std::fmt::Write as _;

/// A variable, or variables of one prefix (`…_*`).
struct Variable {
    name: &'static str,
    effect: Effect,
}

enum Effect {
    /// It does what its owner documents, with this remark.
    Honored(&'static str),
    /// It does nothing, and the start logs a warning; with what to do instead.
    None(&'static str),
}

use Effect::{Honored, None as NoEffect};

const fn variable(name: &'static str, effect: Effect) -> Variable {
    Variable { name, effect }
}

const OWN_IDENTITY: Effect = Honored("for the server's own credentials");
const BATCHES: Effect = Honored("read by the OpenTelemetry SDK");
const SDK_IS_CONFIGURED_HERE: Effect =
    NoEffect("requests to AWS have one retry policy and one timeout, with a circuit breaker");
const CHECKSUMS: Effect = NoEffect("checksums are part of the package format and not optional");
const CLIENT_CERTIFICATES: Effect = NoEffect("collectors that want a client certificate need a local agent");

const VARIABLES: [Variable; 69] = [
    variable("AWS_ACCESS_KEY_ID", OWN_IDENTITY),
    variable("AWS_SECRET_ACCESS_KEY", OWN_IDENTITY),
    variable("AWS_SESSION_TOKEN", OWN_IDENTITY),
    variable(
        "AWS_PROFILE",
        Honored("for the server's own credentials; region and endpoints of a profile are not read"),
    ),
    variable("AWS_CONFIG_FILE", OWN_IDENTITY),
    variable("AWS_SHARED_CREDENTIALS_FILE", OWN_IDENTITY),
    variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", OWN_IDENTITY),
    variable("AWS_CONTAINER_CREDENTIALS_FULL_URI", OWN_IDENTITY),
    variable("AWS_CONTAINER_AUTHORIZATION_TOKEN", OWN_IDENTITY),
    variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", OWN_IDENTITY),
    variable("AWS_WEB_IDENTITY_TOKEN_FILE", OWN_IDENTITY),
    variable("AWS_ROLE_ARN", OWN_IDENTITY),
    variable("AWS_ROLE_SESSION_NAME", OWN_IDENTITY),
    variable("AWS_EC2_METADATA_DISABLED", OWN_IDENTITY),
    variable("AWS_EC2_METADATA_SERVICE_ENDPOINT", OWN_IDENTITY),
    variable("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", OWN_IDENTITY),
    variable(
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
        NoEffect("unset the endpoint variables"),
    ),
    variable("AWS_MAX_ATTEMPTS", SDK_IS_CONFIGURED_HERE),
    variable("AWS_RETRY_MODE", SDK_IS_CONFIGURED_HERE),
    variable("AWS_DEFAULTS_MODE", SDK_IS_CONFIGURED_HERE),
    variable("AWS_REQUEST_CHECKSUM_CALCULATION", CHECKSUMS),
    variable("AWS_RESPONSE_CHECKSUM_VALIDATION", CHECKSUMS),
    variable(
        "AWS_STS_REGIONAL_ENDPOINTS",
        NoEffect("the regional endpoint of STS is used"),
    ),
    variable(
        "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT",
        NoEffect("the regional endpoint of S3 is used"),
    ),
    variable(
        "AWS_S3_USE_ARN_REGION",
        NoEffect("buckets are named, not given as ARNs"),
    ),
    variable(
        "AWS_S3_DISABLE_MULTIREGION_ACCESS_POINTS",
        NoEffect("buckets are named, not given as ARNs"),
    ),
    variable(
        "AWS_S3_DISABLE_EXPRESS_SESSION_AUTH",
        NoEffect("directory buckets are not supported"),
    ),
    variable("AWS_SDK_UA_APP_ID", NoEffect("the user agent is that of this server")),
    variable(
        "AWS_SIGV4A_SIGNING_REGION_SET",
        NoEffect("requests are signed with SigV4"),
    ),
    variable("AWS_AUTH_SCHEME_PREFERENCE", NoEffect("requests are signed with SigV4")),
    variable(
        "AWS_ACCOUNT_ID_ENDPOINT_MODE",
        NoEffect("endpoints do not contain an account"),
    ),
    variable(
        "HTTPS_PROXY",
        Honored(
            "for hosts that the operator names (registry, catalog, keys of the issuer, AWS, collector), never for hosts that a token names",
        ),
    ),
    variable("HTTP_PROXY", Honored("as `HTTPS_PROXY`, for `http` URLs")),
    variable("ALL_PROXY", Honored("as `HTTPS_PROXY`, for both")),
    variable("NO_PROXY", Honored("hosts that are reached without the proxy")),
    variable(
        "SSL_CERT_DIR",
        Honored("folder of certificate authorities that are trusted instead of the system's"),
    ),
    variable("OTEL_SERVICE_NAME", Honored("default `quilt-mcp`")),
    variable(
        "OTEL_RESOURCE_ATTRIBUTES",
        Honored("percent-encoded values are decoded"),
    ),
    variable("OTEL_EXPORTER_OTLP_HEADERS", Honored("and the variables of one signal")),
    variable(
        "OTEL_EXPORTER_OTLP_TIMEOUT",
        Honored("milliseconds, default 10,000; and the variables of one signal"),
    ),
    variable(
        "OTEL_EXPORTER_OTLP_COMPRESSION",
        Honored("`gzip` or `none`; and the variables of one signal"),
    ),
    variable(
        "OTEL_EXPORTER_OTLP_CERTIFICATE",
        Honored("trusted besides `AWS_CA_BUNDLE` and `SSL_CERT_FILE`; and the variables of one signal"),
    ),
    variable("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", BATCHES),
    variable("OTEL_METRIC_EXPORT_INTERVAL", BATCHES),
    variable("OTEL_METRIC_EXPORT_TIMEOUT", BATCHES),
    variable(
        "OTEL_TRACES_SAMPLER",
        Honored("`always_on`, `always_off`, `traceidratio` and their `parentbased_` forms"),
    ),
    variable("OTEL_TRACES_SAMPLER_ARG", BATCHES),
    variable("OTEL_BSP_*", BATCHES),
    variable("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", BATCHES),
    variable("OTEL_SPAN_EVENT_COUNT_LIMIT", BATCHES),
    variable("OTEL_SPAN_LINK_COUNT_LIMIT", BATCHES),
    variable("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", BATCHES),
    variable("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", BATCHES),
    variable("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", CLIENT_CERTIFICATES),
    variable("OTEL_EXPORTER_OTLP_CLIENT_KEY", CLIENT_CERTIFICATES),
    variable("OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE", CLIENT_CERTIFICATES),
    variable("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", CLIENT_CERTIFICATES),
    variable("OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE", CLIENT_CERTIFICATES),
    variable("OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY", CLIENT_CERTIFICATES),
    variable(
        "OTEL_EXPORTER_OTLP_INSECURE",
        NoEffect("the scheme of the endpoint says whether TLS is used"),
    ),
    variable("OTEL_PROPAGATORS", NoEffect("trace context is read from `traceparent`")),
    variable("OTEL_LOGS_EXPORTER", NoEffect("logs go to standard error")),
    variable("OTEL_EXPORTER_OTLP_LOGS_*", NoEffect("logs go to standard error")),
    variable("OTEL_LOG_LEVEL", NoEffect("use `QUILT_MCP_LOG`")),
    variable("OTEL_EXPORTER_PROMETHEUS_*", NoEffect("use `QUILT_MCP_METRICS_ADDR`")),
    variable("OTEL_METRICS_EXEMPLAR_FILTER", NoEffect("metrics have no exemplars")),
    variable("OTEL_CONFIG_FILE", NoEffect("use variables")),
    variable("OTEL_EXPERIMENTAL_CONFIG_FILE", NoEffect("use variables")),
    variable(
        "TOKIO_WORKER_THREADS",
        Honored("number of threads that serve requests; default: the number of CPUs"),
    ),
];

/// Returns the variables of `names` that have no effect, each with what to do instead.
pub fn variables_without_effect(names: impl IntoIterator<Item = String>) -> Vec<(String, &'static str)> {
    let instead = |name: &str| {
        VARIABLES.iter().find_map(|variable| match variable.effect {
            NoEffect(instead) if is_named(variable, name) => Some(instead),
            _ => None,
        })
    };
    let mut found: Vec<(String, &'static str)> = names
        .into_iter()
        .filter_map(|name| instead(&name).map(|instead| (name, instead)))
        .collect();
    found.sort();
    found
}

fn is_named(variable: &Variable, name: &str) -> bool {
    match variable.name.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => name == variable.name,
    }
}

/// Returns the table of the variables, in Markdown.
#[must_use]
pub fn library_variables_table() -> String {
    let mut table = String::from("| variable | honored | remark |\n|---|---|---|\n");
    for variable in &VARIABLES {
        let (honored, remark) = match variable.effect {
            Honored(remark) => ("yes", remark),
            NoEffect(instead) => ("no", instead),
        };
        let _ = writeln!(table, "| `{}` | {honored} | {remark} |", variable.name);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_without_effect_are_found_by_name_and_by_prefix() {
        let names = [
            "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
            "AWS_MAX_ATTEMPTS",
            "AWS_PROFILE",
            "HOME",
        ];
        let found = variables_without_effect(names.map(str::to_owned));
        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["AWS_MAX_ATTEMPTS", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"]);
    }
}
