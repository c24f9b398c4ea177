//! The explanation of the credential chain of a server with the given settings.
//!
//! The chain is the server's own; it is asked to explain and never to resolve. Whether STS or the registry would agree is
//! known only to them.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use crate::aws::AwsOptions;
use crate::aws::sts::SharedSts;
use crate::catalog::{
    CatalogConfig, CatalogHost, HostClient, HttpClients, LocalCatalogs, Registries, http_client,
    public_only_http_client,
};
use crate::clock::Clock;
use crate::credentials::{Ambient, AmbientProvider, CredentialChain, RightsConfig, SourceContext, TokenView};
use crate::resilience::{RetryPolicy, Upstreams};

/// Timeout of clients that send nothing.
const UNUSED_TIMEOUT: Duration = Duration::from_secs(1);
/// Region of clients that send nothing.
const UNUSED_REGION: &str = "us-east-1";

/// Explains every step, one a line.
pub(super) async fn explain(
    catalog: &CatalogConfig,
    rights: &RightsConfig,
    token: &TokenView<'_>,
    clock: &Clock,
) -> anyhow::Result<String> {
    let mut text = String::new();
    for (number, step) in (1..).zip(chain(catalog, rights, clock).await?.explain(token)) {
        let _ = writeln!(text, "{number} {:<8} {}", step.source.as_str(), step.text);
    }
    Ok(text)
}

async fn chain(catalog: &CatalogConfig, rights: &RightsConfig, clock: &Clock) -> anyhow::Result<CredentialChain> {
    let upstreams = Upstreams::new(clock.clone(), RetryPolicy::default());
    let http = HttpClients {
        unrestricted: HostClient::new(http_client(UNUSED_TIMEOUT)?, upstreams.clone()),
        public_only: HostClient::new(public_only_http_client(UNUSED_TIMEOUT)?, upstreams),
    };
    let host = catalog
        .catalog()
        .ok()
        .flatten()
        .map(|url| Arc::new(CatalogHost::new(url, http.unrestricted.clone(), clock.clone())));
    let registries = Registries::new(catalog, host.as_ref(), LocalCatalogs::Rejected, http, clock.clone());
    let sts = SharedSts::new(AwsOptions {
        region: UNUSED_REGION.to_owned(),
        endpoint: None,
        initial_backoff: UNUSED_TIMEOUT,
        connect_timeout: UNUSED_TIMEOUT,
        clock: clock.clone(),
        ..AwsOptions::default()
    });
    let ambient = Ambient::new(
        AmbientProvider::None,
        &AwsOptions {
            clock: clock.clone(),
            ..AwsOptions::default()
        },
        rights.ambient,
    )
    .await;
    Ok(CredentialChain::new(&SourceContext {
        rights,
        registries: &Arc::new(registries),
        ambient: &ambient,
        sts: &sts,
        clock,
    }))
}
