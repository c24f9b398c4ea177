//! Credentials that the account issues, and its random identifiers. Secrets are `SecretString`, whose `Debug` is redacted.

use jiff::Timestamp;
use rand::seq::IndexedRandom;
use secrecy::SecretString;

/// The long-term credentials of a user.
#[derive(Debug, Clone)]
pub struct AccessKey {
    /// Begins with `AKIA`, unless it was chosen in [`create_user_with_key`](crate::EmbeddedAws::create_user_with_key).
    pub access_key_id: String,
    /// The secret from which signing keys are derived.
    pub secret_access_key: SecretString,
}

/// The temporary credentials of a role session.
#[derive(Debug, Clone)]
pub struct SessionKeys {
    /// Begins with `ASIA`.
    pub access_key_id: String,
    /// The secret from which signing keys are derived.
    pub secret_access_key: SecretString,
    /// Must be sent with every request that is signed with `access_key_id`.
    pub session_token: SecretString,
    /// From this time on, requests are answered with `ExpiredToken`.
    pub expiration: Timestamp,
}

const BASE32_ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

fn random(alphabet: &[u8], length: usize) -> String {
    let mut rng = rand::rng();
    (0..length)
        .filter_map(|_| alphabet.choose(&mut rng))
        .map(|byte| char::from(*byte))
        .collect()
}

/// Returns an identifier in AWS's form: a four-letter prefix for its kind, and sixteen random characters.
pub(crate) fn unique_id(prefix: &str) -> String {
    format!("{prefix}{}", random(BASE32_ALPHABET, 16))
}

/// Returns a secret access key of forty random characters.
pub(crate) fn secret_access_key() -> String {
    random(ALPHANUMERIC, 40)
}

/// Returns a session token. It encodes nothing: the account looks it up.
pub(crate) fn session_token() -> String {
    format!("IQoJb3JpZ2luX2Vj{}", random(ALPHANUMERIC, 280))
}

/// Returns an opaque version ID or upload ID of the length that AWS uses.
pub(crate) fn opaque_id() -> String {
    random(ALPHANUMERIC, 32)
}

/// Returns a request ID of sixteen hexadecimal digits.
pub(crate) fn request_id() -> String {
    format!("{:016X}", rand::random::<u64>())
}

/// Returns a random UUID.
pub(crate) fn uuid() -> String {
    let random = rand::random::<u128>() & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{random:032x}");
    let parts = [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)].map(|(from, to)| hex.get(from..to).unwrap_or_default());
    parts.join("-")
}

/// The ID of a request, carried in its extensions and repeated in its response.
#[derive(Clone)]
pub(crate) struct RequestId(pub String);
