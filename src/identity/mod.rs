//! Authentication of callers: from the `Authorization` header to a [`Caller`].
//!
//! Owns the extraction of the bearer token, its verification and the rejections. Does not own AWS credentials: the
//! credentials module resolves them for a caller.
//!
//! Invariant: a [`Caller`] that is not anonymous was verified by the method that the operator chose. No claim of an
//! unverified token is used.

mod bearer;
mod caller;
mod claims;
mod config;
mod principal;
mod rejection;
mod shown;
mod sign;
mod tokenless;
mod verifier;

pub use bearer::{BearerToken, Fingerprint, extract};
pub use caller::{AuthenticatedCaller, Caller};
pub use claims::{ClaimError, Claims, EmbeddedCredentials};
pub use config::{AcceptedValues, Expectations, IdentityConfig, MIN_SECRET_BYTES, VerifyMode};
pub use principal::Principal;
pub use rejection::Rejection;
pub use sign::sign_hs256;
pub use tokenless::{ServerToken, TokenlessPolicy};
pub use verifier::{
    Hs256Verifier, JwksVerifier, KeyStore, RegistryVerifier, RegistryVerifyError, Verifier, VerifyMethod,
};
