//! Which credential steps would apply to a token, in plain words, as far as the settings tell.
//!
//! Says what `credentials` would do and asks nobody: whether STS or the registry would agree is known only to them.

use jiff::Timestamp;

use crate::catalog::CatalogConfig;
use crate::credentials::{AmbientPolicy, RightsConfig};
use crate::identity::{Claims, VerifyMode};
use crate::setting::BaseUrl;

/// What a server with these settings knows of a token's claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Knows {
    /// They are proved.
    Proved(VerifyMode),
    /// Nothing: the token is opaque to it.
    Nothing,
    /// Nobody could say here; another server may prove them.
    Untold,
}

/// A step's sentence, and whether it applies to the token.
pub(super) struct Step {
    pub says: String,
    applies: bool,
}

impl Step {
    fn applies(says: impl Into<String>) -> Self {
        Self {
            says: says.into(),
            applies: true,
        }
    }

    fn not(says: impl Into<String>) -> Self {
        Self {
            says: format!("not applicable: {}", says.into()),
            applies: false,
        }
    }

    fn given(self, knows: Knows) -> Self {
        match knows {
            Knows::Untold => Self {
                says: format!("if the server proves the token: {}", self.says),
                ..self
            },
            Knows::Proved(_) | Knows::Nothing => self,
        }
    }
}

/// The first step: the token's own credentials, or a role.
pub(super) fn jwt(claims: Option<&Claims>, knows: Knows, rights: &RightsConfig, now: Timestamp) -> Step {
    let (Some(claims), false) = (claims, knows == Knows::Nothing) else {
        return Step::not("the token is opaque to this server, and nothing is taken from its claims");
    };
    let web_identity = match (knows, &rights.web_identity_role_arn) {
        (Knows::Proved(VerifyMode::Jwks), Some(role)) => Some(role),
        _ => None,
    };
    let step = match (claims.embedded_credentials(), claims.role_arn(), web_identity) {
        (Some(Err(problem)), ..) => Step::applies(format!("embedded credentials, which fail: {problem}")),
        (Some(Ok(embedded)), ..) => {
            let kind = if embedded.session_token.is_some() {
                "temporary"
            } else {
                "long-term"
            };
            let ends = match embedded.expiration {
                Some(at) if at <= now => format!(", which fail: they ended at {at}"),
                Some(at) => format!(", until {at} or the token's end"),
                None => ", until the token's end".to_owned(),
            };
            Step::applies(format!(
                "embedded credentials: the token carries {kind} AWS credentials{ends}"
            ))
        }
        (None, Some(role), _) if rights.assumable_roles.iter().any(|pattern| pattern.allows(role)) => Step::applies(
            format!("role: STS AssumeRole of {role}, which is on QUILT_MCP_ASSUMABLE_ROLES"),
        ),
        (None, Some(role), _) if knows == Knows::Untold => Step::applies(format!(
            "role: STS AssumeRole of {role}, if it is on the server's QUILT_MCP_ASSUMABLE_ROLES"
        )),
        (None, Some(role), _) => Step::applies(format!(
            "role, which is denied: {role} is not on QUILT_MCP_ASSUMABLE_ROLES"
        )),
        (None, None, Some(role)) => Step::applies(format!(
            "role: STS AssumeRoleWithWebIdentity of {role}, in exchange for the token itself"
        )),
        (None, None, None) => Step::not("the token carries neither AWS credentials nor a role"),
    };
    step.given(knows)
}

/// The second step: the registry.
pub(super) fn catalog(claims: Option<&Claims>, knows: Knows, config: &CatalogConfig) -> Step {
    let claims = claims.filter(|_| knows != Knows::Nothing);
    let bearer = match claims.and_then(Claims::catalog_token) {
        Some(Ok(_)) => "the token's catalog_token",
        Some(Err(_)) => return Step::applies("denied: the catalog_token claim is no token").given(knows),
        None => "the token itself",
    };
    let asked = |whom: String| {
        Step::applies(format!(
            "GET /api/auth/get_credentials of {whom}, with {bearer} as bearer"
        ))
    };
    let catalog = config.catalog().ok().flatten();
    let step = match (
        claims.and_then(Claims::registry_url),
        claims.and_then(Claims::catalog_url),
    ) {
        (Some(url), _) => named(
            "registry_url",
            url,
            "the registry",
            config.registry_url.as_ref(),
            config,
            knows,
            asked,
        ),
        (None, Some(url)) => {
            let own = config.registry_url.is_none().then_some(catalog.as_ref()).flatten();
            named(
                "catalog_url",
                url,
                "the registry of the catalog",
                own,
                config,
                knows,
                asked,
            )
        }
        (None, None) => match (&config.registry_url, catalog) {
            (Some(url), _) => asked(format!("the configured registry {url}")),
            (None, Some(url)) => asked(format!("the registry that {url}/config.json names")),
            (None, None) if knows == Knows::Untold => asked("the server's registry, if it has one".to_owned()),
            (None, None) => Step::not("neither QUILT_REGISTRY_URL nor QUILT_CATALOG_URL is configured"),
        },
    };
    if claims.is_some() { step.given(knows) } else { step }
}

/// A registry that the token names by a claim.
fn named(
    claim: &str,
    text: &str,
    kind: &str,
    own: Option<&BaseUrl>,
    config: &CatalogConfig,
    knows: Knows,
    asked: impl Fn(String) -> Step,
) -> Step {
    let Ok(url) = text.parse::<BaseUrl>() else {
        return Step::applies(format!("denied: the {claim} claim is not a URL"));
    };
    let is_allowed = config.allowed_registries.iter().any(|allowed| url.is_at(allowed));
    if own == Some(&url) {
        asked(format!(
            "{kind} {url}, which the token names and the server is configured for"
        ))
    } else if is_allowed && url.is_safe_for_tokens() {
        asked(format!(
            "{kind} {url}, which the token names and QUILT_MCP_ALLOWED_REGISTRIES allows"
        ))
    } else if is_allowed {
        Step::applies(format!("denied: the {claim} claim is an address without https"))
    } else if knows == Knows::Untold || (claim == "registry_url" && config.registry_url.is_none()) {
        asked(format!(
            "{kind} {url}, if it is the server's own or on its QUILT_MCP_ALLOWED_REGISTRIES"
        ))
    } else {
        Step::applies(format!(
            "denied: the host of the {claim} claim is not on QUILT_MCP_ALLOWED_REGISTRIES"
        ))
    }
}

/// The last step: the server's own credentials.
pub(super) fn ambient(jwt: &Step, catalog: &Step, rights: &RightsConfig) -> String {
    let what = match rights.ambient {
        AmbientPolicy::Never => return "never: QUILT_MCP_AMBIENT is never".to_owned(),
        AmbientPolicy::ReadOnly => "the server's own credentials, for reading only (QUILT_MCP_AMBIENT=read-only)",
        AmbientPolicy::Full => "the server's own credentials, for reading and writing (QUILT_MCP_AMBIENT=full)",
    };
    if jwt.applies {
        "not reached: the jwt step applies, and nothing but \"not applicable\" leads here".to_owned()
    } else if catalog.applies {
        format!("only if the registry has no such endpoint (404 or a web page): {what}")
    } else {
        format!("reached, because no step before applies: {what}")
    }
}
