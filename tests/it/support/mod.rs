//! Test support: backends, servers, callers, peers and faults, and the words that name them.
//!
//! # Backends
//!
//! - A **stage** ([`stage::Stage`]) is an S3 and STS that enforce rights, in one of two [kinds](stage::Kind): the embedded
//!   one of this repository, or a SeaweedFS, so that ours is not its own judge. It has the buckets `SHARED` and `PRIVATE`, the
//!   roles `reader` and `writer` (of `SHARED`; no role may use `PRIVATE`) and those of [`rights`], and an administrator,
//!   with whose [`Keys`](stage::Keys) a test prepares and inspects buckets. [`moto`] is a third backend, for roles that change.
//! - A **registry** ([`registry::FakeRegistry`]) vends credentials and answers GraphQL, for each bearer token as the test
//!   says ([`Vends`](registry::Vends), [`Speaks`](registry::Speaks)); a token it does not know gets 401.
//! - An **issuer** ([`issuer::Issuer`]) is an identity provider with a key set.
//!
//! # Callers
//!
//! - A **token** ([`token`]) is a JWT of a caller, signed with [`SECRET`] as the server expects. A caller has the rights of
//!   the keys that the registry vends for this token, or of the role that its claims name. `reader` and `writer` are
//!   tokens whose callers have the stage's role of that name.
//!
//! # Servers
//!
//! - A **server** ([`server::Server`]) is the product in this process behind a real socket, and an HTTP client for it. A test
//!   sends `post`, `rpc` or `call`, and asks the [`Answer`](server::Answer) for `success()`, `failure(code)` or `refused()`,
//!   which panic with the whole body if it is something else.
//! - A **program** ([`program::Program`]) is the binary as a process of its own, with its log, signals and, on demand, a limit of
//!   memory ([`confined::Confinement`]). Its `server` is the client for it.
//! - A **scene** ([`scene::Scene`]) is a stage, a registry, a server and the tokens of a reader and a writer: the most that tests
//!   of objects and packages need. Test files with other needs have a `Scene` of their own.
//!
//! # Ways to run a test
//!
//! - [`on_both::on_both!`] runs it on both kinds of stage.
//! - [`faults`] are proxies that make an upstream fail; the server gets the URL of the proxy instead of the upstream's.
//! - Peers are programs of others (SDKs, quilt3, SeaweedFS, a browser), installed by [`tools`] when the first test needs
//!   them, pinned in `tests/peers`. A peer that cannot be installed fails the test.
//! - [`programs`] of the system, such as a proxy, are asked for first: without them a test names itself and ends.
//! - [`checks`] test the backends themselves.

pub mod athena;
mod checks;
pub mod confined;
pub mod conformance_suite;
pub mod faults;
pub mod graphql;
pub mod image;
pub mod issuer;
pub mod manifests;
pub mod moto;
pub mod on_both;
pub mod on_dev;
pub mod otlp;
pub mod package_stage;
pub mod parquet_bombs;
pub mod program;
pub mod programs;
pub mod quilt3;
pub mod registry;
pub mod rights;
pub mod scene;
pub mod seaweedfs;
pub mod server;
pub mod stage;
pub mod tools;

use serde_json::{Value, json};

/// The secret that signs the tests' tokens.
pub const SECRET: &str = "the-secret-of-the-tests-has-40-characters";

/// Returns a token with these claims that is valid for an hour.
pub fn token(claims: Value) -> String {
    token_signed_with(claims, SECRET)
}

/// Returns the same, signed with another secret.
#[expect(clippy::needless_pass_by_value, reason = "callers write the claims in place")]
pub fn token_signed_with(claims: Value, secret: &str) -> String {
    let mut all = json!({ "exp": now() + 3600 });
    all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    quilt_mcp::dev::sign_hs256(&all, &secret.into()).unwrap()
}

/// Returns a token whose claims are this text, signed as [`token`] signs.
pub fn token_of_text(claims: &str) -> String {
    use base64::Engine as _;
    let encode = |text: &str| base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(text);
    let message = format!("{}.{}", encode(r#"{"alg":"HS256","typ":"JWT"}"#), encode(claims));
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes()).unwrap();
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, jsonwebtoken::Algorithm::HS256).unwrap();
    format!("{message}.{signature}")
}

/// Returns the seconds since 1970.
pub fn now() -> i64 {
    quilt_mcp::clock::Clock::system().now().as_second()
}
