//! What the tests stand on: S3 backends with users, a registry that behaves as told, and servers over real sockets.

pub mod breaks;
pub mod chaos;
pub mod confined;
pub mod faults;
pub mod gate;
pub mod graphql;
pub mod image;
pub mod issuer;
pub mod manifests;
pub mod moto;
pub mod otlp;
pub mod package_stage;
pub mod program;
pub mod quilt3;
pub mod registry;
pub mod rights;
pub mod scene;
pub mod seaweedfs;
pub mod server;
pub mod stage;
pub mod suite;
pub mod tools;
pub mod traps;

use serde_json::{Value, json};

/// Secret of the tests' tokens.
pub const SECRET: &str = "the-secret-of-the-tests-has-40-characters";

/// A token with these claims, good for an hour.
pub fn token(claims: Value) -> String {
    token_signed_with(claims, SECRET)
}

/// The same, signed with another secret.
#[expect(clippy::needless_pass_by_value, reason = "callers write the claims in place")]
pub fn token_signed_with(claims: Value, secret: &str) -> String {
    let mut all = json!({ "exp": now() + 3600 });
    all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    quilt_mcp::dev::sign(&all, &secret.into()).unwrap()
}

/// Seconds since 1970.
pub fn now() -> i64 {
    quilt_mcp::clock::Clock::system().now().as_second()
}
