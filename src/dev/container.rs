//! One port for everything, for `docker run`: the server, the catalog, the registry, S3, STS and Athena.
//!
//! **Owns** the choice by which a request goes to one of them. A request with a signature of AWS is one for S3, STS or Athena,
//! at the path that its client signed; `/registry` is the registry; the paths of the server are the server's; all others are
//! the catalog's. **Does not own** the backend's listeners on loopback, at which the server itself reaches it: the published
//! port may have another number outside of the container, or be behind a proxy.
//!
//! **Invariant.** Addresses in results are those of `QUILT_MCP_PUBLIC_URL`.

use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use embedded_aws::Services;
use secrecy::SecretString;
use tower::Service as _;

use super::aws_requests::{answer_as_aws, is_for_aws};
use super::catalog_ui::S3_PROXY;
use super::{Backend, CatalogUi, DevInfo, REGION, catalog_host};
use crate::app::BuildError;
use crate::catalog::PublicCatalog;
use crate::config::ServeConfig;
use crate::endpoint::AllowedHosts;
use crate::setting::{BaseUrl, ConfigError};

/// The path of the registry.
const REGISTRY: &str = "/registry";
/// The first segments of the server's paths.
const SERVER: [&str; 9] = [
    "",
    "mcp",
    "health",
    "healthz",
    "ready",
    "register",
    "authorize",
    "token",
    ".well-known",
];

/// The one address of a container.
pub(super) struct Container {
    url: BaseUrl,
}

impl Container {
    /// Configures a server that is reached from outside at its public URL, or at this port of the machine without one.
    pub fn new(config: &mut ServeConfig, port: u16) -> Result<Self, BuildError> {
        let url = match &config.listen.public_url {
            Some(url) => url.clone(),
            None => format!("http://localhost:{port}")
                .parse()
                .map_err(|problem: String| ConfigError::new("QUILT_MCP_PUBLIC_URL", problem))?,
        };
        if !url.path().is_empty() {
            let problem =
                format!("`{url}` has a path; with --container, expected an origin such as http://localhost:8000");
            return Err(ConfigError::new("QUILT_MCP_PUBLIC_URL", problem).into());
        }
        config.listen.host = Ipv4Addr::UNSPECIFIED.into();
        config.listen.public_url = Some(url.clone());
        // There is one copy, and nothing survives it.
        let key = || SecretString::from(format!("{:032x}", rand::random::<u128>()));
        config.calls.state_key.get_or_insert_with(key);
        Ok(Self { url })
    }

    /// Returns the URL of a path.
    pub fn url(&self, path: &str) -> String {
        self.url.join(path).to_string()
    }

    /// Returns where clients reach the catalog.
    pub fn catalog(&self) -> PublicCatalog {
        // A base and a path make a base.
        let registry = self.url(REGISTRY).parse();
        PublicCatalog {
            url: self.url.clone(),
            registry: registry.unwrap_or_else(|_| self.url.clone()),
        }
    }

    /// Returns where clients reach S3.
    pub fn s3(&self) -> BaseUrl {
        self.url.clone()
    }

    /// Names the addresses for clients.
    pub fn describe(&self, info: &mut DevInfo) {
        let url = self.url.to_string();
        info.registry_url = self.url(REGISTRY);
        info.s3_endpoint.clone_from(&url);
        info.sts_endpoint = Some(url.clone());
        info.athena_endpoint = Some(url.clone());
        info.catalog_url = url;
    }

    /// Returns the routes of the port.
    pub fn routes(&self, backend: &Backend, ui: Option<CatalogUi>, server: Router) -> Router {
        let catalog = match ui {
            // The host of the public URL is one, so the list is.
            Some(ui) => {
                let hosts =
                    AllowedHosts::new([self.url.host().to_owned()]).unwrap_or_else(|_| AllowedHosts::loopback());
                backend.front_end(ui, hosts)
            }
            None => catalog_host::routes(&self.url(REGISTRY), REGION, backend.console.clone()),
        };
        let front = Front {
            aws: backend.aws.services(),
            registry: Router::new().nest(REGISTRY, backend.registry.clone()),
            catalog,
            server,
        };
        Router::new().fallback(dispatch).with_state(Arc::new(front))
    }
}

struct Front {
    aws: Services,
    registry: Router,
    catalog: Router,
    server: Router,
}

async fn dispatch(State(front): State<Arc<Front>>, request: Request) -> Response {
    // The front end's proxy has another path than the one that is signed.
    if is_for_aws(&request) && !request.uri().path().starts_with(S3_PROXY) {
        return answer_as_aws(&front.aws, request).await;
    }
    let mut segments = request.uri().path().split('/').skip(1);
    let first = segments.next().unwrap_or_default();
    let router = match first {
        "registry" => &front.registry,
        _ if SERVER.contains(&first) => &front.server,
        _ => &front.catalog,
    };
    let Ok(response) = router.clone().call(request).await;
    response
}
