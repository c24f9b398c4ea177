//! `quilt-mcp healthcheck`: a health check for containers without a shell or curl.

use std::time::Duration;

use crate::catalog::http_client;
use crate::server::ListenConfig;

/// Arguments of `healthcheck`: the address of the local server.
#[derive(Debug, clap::Args)]
pub struct HealthcheckArgs {
    #[command(flatten)]
    listen: ListenConfig,
}

pub(super) async fn run(args: HealthcheckArgs) -> anyhow::Result<()> {
    let mut address = args.listen.address();
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    let response = http_client(Duration::from_secs(3))?
        .get(format!("http://{address}/health"))
        .send()
        .await?;
    anyhow::ensure!(
        response.status().is_success(),
        "the server at {address} answered {}",
        response.status()
    );
    Ok(())
}
