//! Credentials as they leave the embedded AWS, and the random identifiers it hands out. A secret is never printed:
//! both secrets are `SecretString`, whose `Debug` is redacted.

use jiff::Timestamp;
use rand::seq::IndexedRandom;
use secrecy::SecretString;

/// Long-term credentials of a user.
#[derive(Debug, Clone)]
pub struct AccessKey {
    /// Begins with `AKIA`, unless the caller chose it.
    pub access_key_id: String,
    /// The signing secret.
    pub secret_access_key: SecretString,
}

/// Temporary credentials of a role session.
#[derive(Debug, Clone)]
pub struct SessionKeys {
    /// Begins with `ASIA`.
    pub access_key_id: String,
    /// The signing secret.
    pub secret_access_key: SecretString,
    /// Must accompany every request that `access_key_id` signs.
    pub session_token: SecretString,
    /// From here on every request answers `ExpiredToken`.
    pub expiration: Timestamp,
}

const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const MIXED: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

fn random(alphabet: &[u8], length: usize) -> String {
    let mut rng = rand::rng();
    (0..length)
        .filter_map(|_| alphabet.choose(&mut rng))
        .map(|byte| char::from(*byte))
        .collect()
}

/// An identifier of AWS's shape: a four-letter prefix that tells its kind, and sixteen characters.
pub(crate) fn unique_id(prefix: &str) -> String {
    format!("{prefix}{}", random(UPPER, 16))
}

/// A signing secret: forty characters.
pub(crate) fn secret() -> String {
    random(MIXED, 40)
}

/// A session token. It carries nothing: the embedded AWS looks it up.
pub(crate) fn session_token() -> String {
    format!("IQoJb3JpZ2luX2Vj{}", random(MIXED, 280))
}

/// A version id or upload id: opaque, and of the length AWS uses.
pub(crate) fn opaque_id() -> String {
    random(MIXED, 32)
}

/// A request id: sixteen characters.
pub(crate) fn request_id() -> String {
    format!("{:016X}", rand::random::<u64>())
}

/// The id of a request, as its answer carries it.
#[derive(Clone)]
pub(crate) struct RequestId(pub String);
