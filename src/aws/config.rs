//! Settings of the AWS region and endpoints, with the names that the AWS SDKs use.

use crate::setting::BaseUrl;

#[derive(Debug, Clone, Default, clap::Args)]
pub struct AwsConfig {
    /// AWS region of requests to buckets whose region is not known yet
    #[arg(long = "region", env = "AWS_REGION", default_value = "us-east-1")]
    pub region: String,
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
}

impl AwsConfig {
    /// Returns the S3 endpoint, from any of its settings.
    #[must_use]
    pub fn s3(&self) -> Option<BaseUrl> {
        [&self.s3_endpoint, &self.quilt_s3_proxy_url, &self.s3_proxy_url]
            .into_iter()
            .find_map(Clone::clone)
    }
}
