//! Who is calling: from the `Authorization` header to a [`Caller`].
//!
//! Owns the extraction of the bearer, its verification and the answers for callers that are refused. Owns no AWS
//! credentials: the rooms behind this one turn a caller into rights.
//!
//! Invariant: a [`Caller`] that is not anonymous was proved by the verifier that the operator chose; nothing is ever
//! taken from a token that was not.

mod bearer;
mod caller;
mod challenge;
mod claims;
mod config;
mod person;
mod sign;
mod verifier;
mod without_token;

pub use bearer::{BearerToken, Fingerprint, extract};
pub use caller::{Caller, Proof, ProvedCaller};
pub use challenge::Rejection;
pub use claims::{Claims, EmbeddedCredentials};
pub use config::{IdentityConfig, MIN_SECRET_BYTES, VerifyMode};
pub use person::Person;
pub use sign::sign;
pub use verifier::{Hs256, Jwks, KeyStore, Prover, Refusal, RegistryProof, Verifier};
pub use without_token::{OwnBearer, WithoutToken};
