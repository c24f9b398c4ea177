//! The caller of a request: anonymous, or authenticated by a bearer token.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use super::{BearerToken, Claims, Fingerprint, VerifyMode};

/// The user who makes a request. Cheap to clone.
#[derive(Clone)]
pub enum Caller {
    /// The request has no token, and needs none.
    Anonymous,
    /// The token of the request was verified.
    Authenticated(Arc<AuthenticatedCaller>),
}

impl Caller {
    /// Returns the caller unless it is anonymous.
    #[must_use]
    pub fn authenticated(&self) -> Option<&AuthenticatedCaller> {
        match self {
            Self::Anonymous => None,
            Self::Authenticated(caller) => Some(caller),
        }
    }

    /// Returns the subject of the verified token.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.authenticated().and_then(AuthenticatedCaller::subject)
    }
}

/// A caller whose token was verified.
pub struct AuthenticatedCaller {
    token: BearerToken,
    fingerprint: Fingerprint,
    verified_by: VerifyMode,
    claims: Option<Claims>,
    expires_at: Option<Timestamp>,
}

impl AuthenticatedCaller {
    /// Creates the caller of a JWT whose signature and claims were verified. The token expires at `expires_at`.
    #[must_use]
    pub fn signed(token: BearerToken, verified_by: VerifyMode, claims: Claims, expires_at: Timestamp) -> Self {
        Self {
            fingerprint: token.fingerprint(),
            token,
            verified_by,
            claims: Some(claims),
            expires_at: Some(expires_at),
        }
    }

    /// Creates the caller of an opaque token, whose user is known to the registry only.
    #[must_use]
    pub fn opaque(token: BearerToken) -> Self {
        Self {
            fingerprint: token.fingerprint(),
            token,
            verified_by: VerifyMode::Registry,
            claims: None,
            expires_at: None,
        }
    }

    /// Returns the hash that identifies the token in caches and logs.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Returns the mode by which the token was verified.
    #[must_use]
    pub fn verified_by(&self) -> VerifyMode {
        self.verified_by
    }

    /// Returns the verified claims; `None` for opaque tokens.
    #[must_use]
    pub fn claims(&self) -> Option<&Claims> {
        self.claims.as_ref()
    }

    /// Returns the subject of the token, if it has one.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.claims.as_ref().and_then(Claims::subject)
    }

    /// Returns when the token expires; `None` for opaque tokens.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// Returns the token. Only the credential sources may use it.
    pub(crate) fn token(&self) -> &BearerToken {
        &self.token
    }
}

impl fmt::Debug for AuthenticatedCaller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.verified_by.as_str(), self.fingerprint)
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("anonymous"),
            Self::Authenticated(caller) => caller.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every log line of a request contains this text.
    #[test]
    fn a_caller_is_shown_by_its_verification_and_the_hash_of_its_token() {
        let caller = AuthenticatedCaller::opaque(BearerToken::parse("abc").unwrap());
        assert_eq!(
            format!("{:?}", Caller::Authenticated(Arc::new(caller))),
            "registry:ba7816bf8f01"
        );
        assert_eq!(format!("{:?}", Caller::Anonymous), "anonymous");
    }
}
