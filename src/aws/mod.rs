//! AWS services, called as exactly one caller.
//!
//! **Owns** the one way to make a request to AWS ([`call()`]): circuit breaker, signing, metrics and span, classification of
//! errors, the redirect to another region, the renewal of stale credentials. Owns a caller's access ([`AwsCaller`]), the
//! meaning of AWS's errors ([`AwsError`]), and the clients of the services. On these stand the operations: [`athena`], [`s3`],
//! [`sts`].
//!
//! **Does not own** credentials: it is given them, signs with them, and asks for newer ones when AWS says that they have
//! expired. Does not own sentences for callers either; `tools` explains an [`AwsError`] of any service.
//!
//! **Invariants**: a service's shared client holds no credentials and no identity cache, so a request without the caller's
//! own override fails instead of acting as another caller; every request carries the credentials of the handle it was made
//! on; retries are paid from the caller's own partition. Only [`sts::RoleSessions`] asks AWS as the server.
//!
//! # How to add a service
//!
//! A new service is one module of operations and its wiring, as [`athena`] is:
//!
//! 1. `telemetry/upstream.rs`: a [`Dependency`](crate::telemetry::Dependency).
//! 2. `aws/<service>/client.rs`: the shared client, built of [`AwsOptions`], and its [`Service`]: the type of the
//!    configuration override, how it is signed, and the error codes that [`AwsErrorKind`] does not know yet. Some twenty
//!    lines; `sts/client.rs` is the shortest example.
//! 3. `aws/<service>/*.rs`: one file for each operation, or for each resource. Each names its IAM action and resource in an
//!    [`Operation`] and hands [`call()`] a closure that sends the SDK's request with the override that it is given.
//! 4. `app.rs` builds the client, `tools::Services` holds it, and `tools::Session` gives it out as the caller.
//!
//! Types that all SDK crates re-export from the same runtime are imported from `aws_config` and `aws_sdk_sts`.

pub mod athena;
mod call;
mod caller;
mod classify;
mod client_options;
mod config;
mod denial;
mod endpoints;
mod error;
pub mod region;
pub mod s3;
mod service;
pub mod sts;

pub use call::{Signer, call};
pub use caller::{AwsCaller, Identity, Renew, Signing};
pub use client_options::{AwsOptions, http_client};
pub use config::AwsConfig;
pub use denial::Denial;
pub use endpoints::Endpoints;
pub use error::{AwsError, AwsErrorKind, Operation, Resource};
pub use service::{BreakerRule, Service};
