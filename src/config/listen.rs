//! Where the server listens and which names it answers to.

use std::net::{IpAddr, SocketAddr};

use super::catalog::BaseUrl;
use super::parse;

/// The listener and the allow-lists of what a browser may say about itself.
#[derive(Debug, Clone, clap::Args)]
pub struct ListenConfig {
    /// Address to listen on
    #[arg(long = "host", env = "QUILT_MCP_HOST", default_value = "127.0.0.1", value_parser = parse::ip)]
    pub host: IpAddr,
    /// Port to listen on, 0 for any free one
    #[arg(long = "port", env = "QUILT_MCP_PORT", default_value = "8000", value_parser = parse::port)]
    pub port: u16,
    /// External base URL of this server; its host joins the Host allow-list, and the metadata for OAuth clients name it
    #[arg(long, env = "QUILT_MCP_PUBLIC_URL")]
    pub public_url: Option<BaseUrl>,
    /// Comma list of Host names to answer to besides the loopback ones; `*` when a proxy in front checks Host
    #[arg(long, env = "QUILT_MCP_ALLOWED_HOSTS", value_delimiter = ',')]
    pub allowed_hosts: Vec<String>,
    /// Comma list of browser origins, such as `https://app.example.com`, that may call this server
    #[arg(long, env = "QUILT_MCP_ALLOWED_ORIGINS", value_delimiter = ',')]
    pub allowed_origins: Vec<String>,
}

impl ListenConfig {
    /// The socket address to bind.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }
}
