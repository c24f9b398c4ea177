//! Facts about the server that the page shows to everyone: settings, no secrets.

use serde::Serialize;

/// What is on.
#[derive(Debug, Clone, Serialize)]
pub struct About {
    /// Who verifies tokens.
    pub verification: &'static str,
    /// Whether discovery needs a token too.
    pub token_for_all: bool,
    /// The toolsets that are on.
    pub toolsets: Vec<&'static str>,
    pub read_only: bool,
    /// The catalog whose users may call.
    pub catalog_url: Option<String>,
    /// Whom users ask for rights.
    pub contact: Option<String>,
    /// Issuers at which OAuth clients log in.
    pub authorization_servers: Vec<String>,
    /// The URL of the endpoint, if the operator gave one.
    pub public_endpoint: Option<String>,
    /// Whether this process serves its request log to the page.
    pub request_log: bool,
    /// The users as whom this process signs in without a token.
    pub sign_in: Vec<String>,
}
