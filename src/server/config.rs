//! Settings of the listener, its connections and the shutdown.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::setting::{BaseUrl, ConfigError, parse};

#[derive(Debug, Clone, clap::Args)]
pub struct ListenConfig {
    /// Address to listen on
    #[arg(long = "host", env = "QUILT_MCP_HOST", default_value = "127.0.0.1", value_parser = parse::ip)]
    pub host: IpAddr,
    /// Port to listen on; 0 selects a free one
    #[arg(long = "port", env = "QUILT_MCP_PORT", default_value = "8000", value_parser = parse::port)]
    pub port: u16,
    /// Public base URL of this server; adds its host to the allowed Host names, and is named in the OAuth metadata
    #[arg(long, env = "QUILT_MCP_PUBLIC_URL")]
    pub public_url: Option<BaseUrl>,
    /// Comma-separated values of the Host header to accept in addition to loopback names; `*` if a proxy checks the Host
    /// header
    #[arg(long, env = "QUILT_MCP_ALLOWED_HOSTS", value_delimiter = ',')]
    pub allowed_hosts: Vec<String>,
    /// Comma-separated browser origins, such as `https://app.example.com`, that may call this server
    #[arg(long, env = "QUILT_MCP_ALLOWED_ORIGINS", value_delimiter = ',')]
    pub allowed_origins: Vec<String>,
}

#[derive(Debug, Clone, clap::Args)]
pub struct ConnectionConfig {
    /// Time after which an idle connection is closed; set it above the idle timeout of the load balancer (350 s for an
    /// NLB)
    #[arg(long, env = "QUILT_MCP_IDLE_TIMEOUT", default_value = "75s", value_parser = parse::duration)]
    pub idle_timeout: Duration,
    /// Time that calls in flight have to finish after SIGTERM
    #[arg(long, env = "QUILT_MCP_DRAIN", default_value = "25s", value_parser = parse::duration)]
    pub drain: Duration,
}

impl ListenConfig {
    /// Rejects a public URL whose path cannot be a route.
    pub fn check(&self) -> Result<(), ConfigError> {
        let path = self.public_url.as_ref().map(BaseUrl::path).unwrap_or_default();
        let is_pattern = path.split('/').any(|segment| segment.starts_with([':', '*']));
        if is_pattern || path.contains("/.well-known") || path.contains("//") {
            let problem = format!("has the path `{path}`; expected a plain path such as /api, or none");
            return Err(ConfigError::new("QUILT_MCP_PUBLIC_URL", problem));
        }
        Ok(())
    }

    /// Returns the socket address to bind.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_has_a_path_that_can_be_a_route() {
        let check = |url: &str| {
            let listen = ListenConfig {
                host: IpAddr::from([127, 0, 0, 1]),
                port: 0,
                public_url: Some(url.parse().unwrap()),
                allowed_hosts: Vec::new(),
                allowed_origins: Vec::new(),
            };
            listen.check()
        };
        for good in [
            "https://h",
            "https://h/",
            "https://h/api",
            "https://h/a/b/",
            "https://h/a{b}",
            "https://h/mcp",
        ] {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in [
            "https://h/:x",
            "https://h/a/*b",
            "https://h/.well-known/oauth-protected-resource",
            "https://h//a",
        ] {
            let problem = check(bad).unwrap_err().to_string();
            assert!(problem.starts_with("QUILT_MCP_PUBLIC_URL"), "{bad}: {problem}");
        }
    }
}
