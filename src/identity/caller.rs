//! The caller of a request: nobody, or somebody whose token was proved.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use super::{BearerToken, Claims, Fingerprint};

/// Who calls. Cheap to clone; every request carries one from the identity layer on.
#[derive(Clone)]
pub enum Caller {
    /// No token came, and the method called needs none.
    Anonymous,
    /// A token came and was proved.
    Proved(Arc<ProvedCaller>),
}

/// How a token was proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// By its HS256 signature.
    Hs256,
    /// By its signature with a key that the issuer publishes.
    Jwks,
    /// By the registry, which vended credentials for it.
    Registry,
}

impl Proof {
    /// The name of the verification mode, as in `QUILT_MCP_VERIFY`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hs256 => "hs256",
            Self::Jwks => "jwks",
            Self::Registry => "registry",
        }
    }
}

/// A caller whose token was proved.
pub struct ProvedCaller {
    token: BearerToken,
    fingerprint: Fingerprint,
    proof: Proof,
    claims: Option<Claims>,
    expires_at: Option<Timestamp>,
}

impl ProvedCaller {
    /// A caller whose signed claims were verified and who is known until `expires_at`.
    #[must_use]
    pub fn signed(token: BearerToken, proof: Proof, claims: Claims, expires_at: Timestamp) -> Self {
        Self {
            fingerprint: token.fingerprint(),
            token,
            proof,
            claims: Some(claims),
            expires_at: Some(expires_at),
        }
    }

    /// A caller of an opaque token, about whom only the registry knows more.
    #[must_use]
    pub fn opaque(token: BearerToken) -> Self {
        Self {
            fingerprint: token.fingerprint(),
            token,
            proof: Proof::Registry,
            claims: None,
            expires_at: None,
        }
    }

    /// The token's name in caches and logs.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// How the token was proved.
    #[must_use]
    pub fn proof(&self) -> Proof {
        self.proof
    }

    /// The verified claims; absent for opaque tokens.
    #[must_use]
    pub fn claims(&self) -> Option<&Claims> {
        self.claims.as_ref()
    }

    /// Whom the token speaks of, where it says so.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.claims.as_ref().and_then(Claims::subject)
    }

    /// When the token ends, where that is known.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// The token, for the credential steps alone.
    pub(crate) fn token(&self) -> &BearerToken {
        &self.token
    }
}

impl fmt::Debug for ProvedCaller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.proof.as_str(), self.fingerprint)
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("anonymous"),
            Self::Proved(caller) => caller.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every log line of a request has this.
    #[test]
    fn a_caller_is_shown_by_its_proof_and_the_hash_of_its_token() {
        let caller = ProvedCaller::opaque(BearerToken::parse("abc").unwrap());
        assert_eq!(
            format!("{:?}", Caller::Proved(Arc::new(caller))),
            "registry:ba7816bf8f01"
        );
        assert_eq!(format!("{:?}", Caller::Anonymous), "anonymous");
    }
}
