//! Which registry is asked for a caller, with which bearer.
//!
//! The operator's registry, with the caller's token, unless a verified token says otherwise: `registry_url` or
//! `catalog_url` name another one, `catalog_token` is another bearer for it. A token may only name hosts on the operator's
//! allow-list, and such a host must resolve to public addresses; everything else is refused before a request is made.

use std::sync::Arc;

use super::address::is_refused;
use super::dialects::Dialects;
use super::{CatalogHost, HostClient, RegistryClient, RegistryError};
use crate::clock::Clock;
use crate::identity::{BearerToken, Claims, ProvedCaller};
use crate::setting::BaseUrl;

/// The HTTP clients for hosts that the operator named, and for hosts that tokens named.
#[derive(Clone)]
pub struct HttpClients {
    /// For hosts that the operator named.
    pub trusting: HostClient,
    /// Connects to public addresses only.
    pub guarded: HostClient,
}

/// The registries that may be asked.
pub struct RegistryDirectory {
    configured: Option<Arc<RegistryClient>>,
    configured_url: Option<BaseUrl>,
    allowed: Vec<String>,
    http: HttpClients,
    clock: Clock,
    dialects: Dialects,
}

/// A registry and the bearer that it is asked with.
#[derive(Clone)]
pub struct RegistryAccess {
    /// The registry.
    pub registry: Arc<RegistryClient>,
    /// The bearer; not always the one that the caller sent.
    pub(crate) token: BearerToken,
    /// Whether the bearer is the token's own `catalog_token`.
    pub has_catalog_token: bool,
    /// Which form of a query it understands.
    pub(super) dialects: Dialects,
}

impl RegistryDirectory {
    /// `configured_url` is the registry's URL where the operator gave it, else the catalog's. `allowed` are hosts, with or
    /// without a port.
    #[must_use]
    pub fn new(
        configured: Option<Arc<RegistryClient>>,
        configured_url: Option<BaseUrl>,
        allowed: Vec<String>,
        http: HttpClients,
        clock: Clock,
    ) -> Self {
        Self {
            configured,
            configured_url,
            allowed,
            http,
            clock,
            dialects: Dialects::default(),
        }
    }

    /// The registry for callers whose token names none.
    #[must_use]
    pub fn configured(&self) -> Option<&Arc<RegistryClient>> {
        self.configured.as_ref()
    }

    /// The registry for this caller; `None` when there is none at all.
    pub async fn for_caller(&self, caller: &ProvedCaller) -> Option<Result<RegistryAccess, RegistryError>> {
        let claims = caller.claims();
        let registry = match claims.and_then(|claims| named(claims)) {
            Some((url, kind)) => self.named(url, kind).await,
            None => Ok(self.configured.clone()?),
        };
        let own = claims.and_then(Claims::catalog_token);
        let has_catalog_token = own.is_some();
        let token = match own {
            Some(Ok(token)) => token,
            Some(Err(_)) => {
                return Some(Err(RegistryError::Unauthorized(
                    ": the catalog_token claim is no token".into(),
                )));
            }
            None => caller.token().clone(),
        };
        let dialects = self.dialects.clone();
        Some(registry.map(|registry| RegistryAccess {
            registry,
            token,
            has_catalog_token,
            dialects,
        }))
    }

    async fn named(&self, url: &str, kind: Named) -> Result<Arc<RegistryClient>, RegistryError> {
        let url: BaseUrl = url
            .parse()
            .map_err(|_| RegistryError::NotAllowed("a URL that cannot be read"))?;
        if let Some(configured) = &self.configured {
            let is_own = self.configured_url.as_ref() == Some(&url)
                || (matches!(kind, Named::Registry) && configured.url().await.is_ok_and(|own| own == url));
            if is_own {
                return Ok(configured.clone());
            }
        }
        let http = self.client_for(&url)?;
        match kind {
            Named::Registry => Ok(Arc::new(RegistryClient::at(url, http.clone()))),
            Named::Catalog => {
                // The catalog's word about its registry is worth no more than the token's.
                let registry = CatalogHost::new(url, http.clone(), self.clock.clone())
                    .registry()
                    .await?;
                let http = self.client_for(&registry)?;
                Ok(Arc::new(RegistryClient::at(registry, http.clone())))
            }
        }
    }

    /// The client for a URL that a token named, if it may be asked at all.
    fn client_for(&self, url: &BaseUrl) -> Result<&HostClient, RegistryError> {
        if !self.allowed.iter().any(|allowed| url.is_at(allowed)) {
            return Err(RegistryError::NotAllowed(
                "a host that is not on QUILT_MCP_ALLOWED_REGISTRIES",
            ));
        }
        if !url.is_safe_for_tokens() {
            return Err(RegistryError::NotAllowed("an address without https"));
        }
        match url.ip() {
            // The operator allowed this machine by name: that is a development setup.
            _ if url.is_loopback() => Ok(&self.http.trusting),
            Some(ip) if is_refused(ip) => Err(RegistryError::NotAllowed("a private or metadata address")),
            // A resolver is not asked about a literal address, which was checked here.
            _ => Ok(&self.http.guarded),
        }
    }
}

#[derive(Clone, Copy)]
enum Named {
    Registry,
    Catalog,
}

fn named(claims: &Claims) -> Option<(&str, Named)> {
    let registry = claims.registry_url().map(|url| (url, Named::Registry));
    registry.or_else(|| claims.catalog_url().map(|url| (url, Named::Catalog)))
}
