//! The choice of a caller's registry, made from the token's claims and the operator's settings before any request.

use super::address::is_refused;
use crate::identity::{ClaimError, Claims};
use crate::setting::BaseUrl;

/// The registry that a token's claims and the settings lead to.
pub enum RegistryChoice<'a> {
    /// No claim names a registry, and none is configured.
    None,
    /// No claim names a registry, so it is the operator's.
    Configured(ConfiguredRegistry<'a>),
    /// A claim that names one cannot be read.
    Invalid(ClaimError),
    /// A claim names one.
    Named(NamedRegistry),
}

/// How the operator configured the registry.
#[derive(Clone, Copy)]
pub enum ConfiguredRegistry<'a> {
    /// By its URL.
    At(&'a BaseUrl),
    /// By the URL of the catalog whose config names it.
    Of(&'a BaseUrl),
}

impl<'a> ConfiguredRegistry<'a> {
    /// Returns the URL in the settings.
    #[must_use]
    pub fn url(self) -> &'a BaseUrl {
        match self {
            Self::At(url) | Self::Of(url) => url,
        }
    }
}

/// A claim that names a registry.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum RegistryClaim {
    /// `registry_url`, directly.
    Registry,
    /// `catalog_url`, by its catalog.
    Catalog,
}

impl RegistryClaim {
    /// Returns the name of the claim.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Registry => "registry_url",
            Self::Catalog => "catalog_url",
        }
    }

    /// Describes the registry in relation to the URL of the claim.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::Registry => "the registry",
            Self::Catalog => "the registry of the catalog",
        }
    }
}

/// A registry that a claim names.
pub struct NamedRegistry {
    /// The claim.
    pub claim: RegistryClaim,
    /// Its URL.
    pub url: BaseUrl,
    /// Whether it is the configured registry.
    pub ownership: Ownership,
    /// Whether it may be asked if it is not.
    pub admission: Result<Network, NotAdmitted>,
}

/// Whether a named registry is the configured one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// It is.
    Own,
    /// It is not.
    Foreign,
    /// The configured catalog has to be asked which registry it names.
    Unknown,
}

/// The addresses that a client connects to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// Any: the operator allowed this machine by name.
    Any,
    /// Public ones only.
    Public,
}

/// Why a named registry may not be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAdmitted {
    /// Its host is not on the allow-list.
    NotListed,
    /// The token would travel unencrypted.
    NotEncrypted,
    /// Its address is private or belongs to a metadata service.
    NotPublic,
}

impl NotAdmitted {
    /// Describes the address for an error message.
    pub(super) fn address(self) -> &'static str {
        match self {
            Self::NotListed => "a host that is not on QUILT_MCP_ALLOWED_REGISTRIES",
            Self::NotEncrypted => "an address without https",
            Self::NotPublic => "a private or metadata address",
        }
    }

    /// Says which claim is refused, and why.
    #[must_use]
    pub fn of_claim(self, claim: RegistryClaim) -> String {
        let claim = claim.name();
        match self {
            Self::NotListed => format!("the host of the {claim} claim is not on QUILT_MCP_ALLOWED_REGISTRIES"),
            Self::NotEncrypted | Self::NotPublic => format!("the {claim} claim is {}", self.address()),
        }
    }

    /// Whether a server with other settings could ask the registry.
    #[must_use]
    pub fn is_of_settings(self) -> bool {
        self == Self::NotListed
    }
}

/// Chooses the registry for these claims. `configured_catalog` is known also where the registry is configured by its own
/// URL; `allowed` are hosts, with or without a port.
pub(super) fn choose<'a>(
    claims: Option<&Claims>,
    configured: Option<ConfiguredRegistry<'a>>,
    configured_catalog: Option<&BaseUrl>,
    allowed: &[String],
) -> RegistryChoice<'a> {
    let registry = claims.map_or(Ok(None), Claims::registry_url);
    let catalog = claims.map_or(Ok(None), Claims::catalog_url);
    let (claim, text) = match (registry, catalog) {
        (Err(problem), _) | (Ok(None), Err(problem)) => return RegistryChoice::Invalid(problem),
        (Ok(Some(url)), _) => (RegistryClaim::Registry, url),
        (Ok(None), Ok(Some(url))) => (RegistryClaim::Catalog, url),
        (Ok(None), Ok(None)) => return configured.map_or(RegistryChoice::None, RegistryChoice::Configured),
    };
    let Ok(url) = text.parse::<BaseUrl>() else {
        return RegistryChoice::Invalid(ClaimError::Malformed {
            claim: claim.name().to_owned(),
            problem: "is not the URL of a registry or a catalog",
        });
    };
    let ownership = match configured {
        Some(configured) if *configured.url() == url => Ownership::Own,
        Some(_) if claim == RegistryClaim::Catalog && configured_catalog == Some(&url) => Ownership::Own,
        Some(ConfiguredRegistry::Of(_)) if claim == RegistryClaim::Registry => Ownership::Unknown,
        _ => Ownership::Foreign,
    };
    RegistryChoice::Named(NamedRegistry {
        claim,
        ownership,
        admission: admit(&url, allowed),
        url,
    })
}

/// Checks a URL that a token, or the catalog that it names, gave.
pub(super) fn admit(url: &BaseUrl, allowed: &[String]) -> Result<Network, NotAdmitted> {
    if !allowed.iter().any(|allowed| url.is_at(allowed)) {
        return Err(NotAdmitted::NotListed);
    }
    if !url.is_safe_for_tokens() {
        return Err(NotAdmitted::NotEncrypted);
    }
    match url.ip() {
        _ if url.is_loopback() => Ok(Network::Any),
        Some(ip) if is_refused(ip) => Err(NotAdmitted::NotPublic),
        // The resolver checks names only, and a literal address was checked here.
        _ => Ok(Network::Public),
    }
}
