//! Region and endpoints, under the names that every AWS SDK uses.

use crate::setting::BaseUrl;

/// Where S3 and STS are.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct AwsConfig {
    /// Region of requests whose bucket's region is not known yet
    #[arg(long = "region", env = "AWS_REGION", default_value = "us-east-1")]
    pub region: String,
    /// Another S3 than AWS's own; implies path-style addressing
    #[arg(long = "s3-endpoint", env = "AWS_ENDPOINT_URL_S3")]
    pub s3_endpoint: Option<BaseUrl>,
    /// Alias of `AWS_ENDPOINT_URL_S3`
    #[arg(long, env = "QUILT_S3_PROXY_URL", hide = true)]
    pub quilt_s3_proxy_url: Option<BaseUrl>,
    /// Alias of `AWS_ENDPOINT_URL_S3`
    #[arg(long, env = "S3_PROXY_URL", hide = true)]
    pub s3_proxy_url: Option<BaseUrl>,
    /// Another STS than AWS's own
    #[arg(long = "sts-endpoint", env = "AWS_ENDPOINT_URL_STS")]
    pub sts_endpoint: Option<BaseUrl>,
}

impl AwsConfig {
    /// The S3 endpoint, from whichever spelling is set.
    #[must_use]
    pub fn s3(&self) -> Option<BaseUrl> {
        [&self.s3_endpoint, &self.quilt_s3_proxy_url, &self.s3_proxy_url]
            .into_iter()
            .find_map(Clone::clone)
    }
}
