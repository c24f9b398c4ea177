//! Settings of the AWS region and endpoints, with the names that the AWS SDKs use.

use std::path::{Path, PathBuf};

use super::region;
use crate::setting::{BaseUrl, ConfigError, parse};
use crate::tls::ExtraRoots;

/// The region without a setting.
const DEFAULT_REGION: &str = "us-east-1";

#[derive(Debug, Clone, Default, clap::Args)]
pub struct AwsConfig {
    /// AWS region of requests to buckets whose region is not known yet. Default: `AWS_DEFAULT_REGION`, else `us-east-1`
    #[arg(long, env = "AWS_REGION", value_parser = region::parse)]
    pub region: Option<String>,
    /// AWS region if `AWS_REGION` is not set
    #[arg(long, env = "AWS_DEFAULT_REGION", value_parser = region::parse)]
    pub default_region: Option<String>,
    /// Endpoint of an S3-compatible service instead of Amazon S3; implies path-style addressing
    #[arg(long = "s3-endpoint", env = "AWS_ENDPOINT_URL_S3")]
    pub s3_endpoint: Option<BaseUrl>,
    /// Alias of `AWS_ENDPOINT_URL_S3`
    #[arg(long, env = "QUILT_S3_PROXY_URL", hide = true)]
    pub quilt_s3_proxy_url: Option<BaseUrl>,
    /// Alias of `AWS_ENDPOINT_URL_S3`
    #[arg(long, env = "S3_PROXY_URL", hide = true)]
    pub s3_proxy_url: Option<BaseUrl>,
    /// Endpoint of STS instead of that of AWS
    #[arg(long = "sts-endpoint", env = "AWS_ENDPOINT_URL_STS")]
    pub sts_endpoint: Option<BaseUrl>,
    /// Endpoint of Athena instead of that of AWS
    #[arg(long = "athena-endpoint", env = "AWS_ENDPOINT_URL_ATHENA")]
    pub athena_endpoint: Option<BaseUrl>,
    /// Endpoint of every AWS service that has no variable of its own
    #[arg(long, env = "AWS_ENDPOINT_URL")]
    pub endpoint_url: Option<BaseUrl>,
    /// Use endpoints of AWS that are validated for FIPS 140
    #[arg(long, env = "AWS_USE_FIPS_ENDPOINT", default_value = "false", num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set, value_parser = parse::switch)]
    pub use_fips: bool,
    /// Use endpoints of AWS for IPv4 and IPv6
    #[arg(long, env = "AWS_USE_DUALSTACK_ENDPOINT", default_value = "false", num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set, value_parser = parse::switch)]
    pub use_dual_stack: bool,
    /// PEM file of certificate authorities that are trusted besides the system's, for every TLS connection
    #[arg(long, env = "AWS_CA_BUNDLE")]
    pub ca_bundle: Option<PathBuf>,
    /// PEM file of certificate authorities that are trusted instead of the system's
    #[arg(long, env = "SSL_CERT_FILE")]
    pub ssl_cert_file: Option<PathBuf>,
}

impl AwsConfig {
    /// Returns the region, from any of its settings.
    #[must_use]
    pub fn region(&self) -> &str {
        let region = self.region.as_deref().or(self.default_region.as_deref());
        region.unwrap_or(DEFAULT_REGION)
    }

    /// Returns the S3 endpoint, from any of its settings.
    #[must_use]
    pub fn s3(&self) -> Option<BaseUrl> {
        [
            &self.s3_endpoint,
            &self.quilt_s3_proxy_url,
            &self.s3_proxy_url,
            &self.endpoint_url,
        ]
        .into_iter()
        .find_map(Clone::clone)
    }

    /// Returns the STS endpoint, from any of its settings.
    #[must_use]
    pub fn sts(&self) -> Option<BaseUrl> {
        self.sts_endpoint.clone().or_else(|| self.endpoint_url.clone())
    }

    /// Returns the Athena endpoint, from any of its settings.
    #[must_use]
    pub fn athena(&self) -> Option<BaseUrl> {
        self.athena_endpoint.clone().or_else(|| self.endpoint_url.clone())
    }

    /// Loads the certificate authorities that are trusted besides the system's.
    pub fn extra_roots(&self) -> Result<ExtraRoots, ConfigError> {
        let files = [
            ("AWS_CA_BUNDLE", self.ca_bundle.as_deref()),
            ("SSL_CERT_FILE", self.ssl_cert_file.as_deref()),
        ];
        let files = files
            .into_iter()
            .filter_map(|(name, file): (_, Option<&Path>)| Some((name, file?)));
        ExtraRoots::load(files)
    }

    /// Rejects kinds of endpoints that AWS does not combine.
    pub fn check(&self) -> Result<(), ConfigError> {
        let endpoints = [
            (
                "AWS_ENDPOINT_URL_S3 (or an alias)",
                self.s3_endpoint.is_some() || self.quilt_s3_proxy_url.is_some() || self.s3_proxy_url.is_some(),
            ),
            ("AWS_ENDPOINT_URL_STS", self.sts_endpoint.is_some()),
            ("AWS_ENDPOINT_URL_ATHENA", self.athena_endpoint.is_some()),
            ("AWS_ENDPOINT_URL", self.endpoint_url.is_some()),
        ];
        let Some((endpoint, _)) = endpoints.into_iter().find(|(_, is_set)| *is_set) else {
            return Ok(());
        };
        let kinds = [
            ("AWS_USE_FIPS_ENDPOINT", self.use_fips),
            ("AWS_USE_DUALSTACK_ENDPOINT", self.use_dual_stack),
        ];
        match kinds.into_iter().find(|(_, is_set)| *is_set) {
            None => Ok(()),
            Some((variable, _)) => {
                let problem = format!("is true, but {endpoint} names the endpoint; expected one of them");
                Err(ConfigError::new(variable, problem))
            }
        }
    }
}
