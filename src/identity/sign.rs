//! Makes HS256 tokens: the other half of what [`super::Hs256`] verifies. The server itself never signs one; the command
//! `token mint`, the development backend and tests do.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

/// Signs claims as an HS256 token.
pub fn sign(claims: &Value, secret: &SecretString) -> Result<String, jsonwebtoken::errors::Error> {
    let key = EncodingKey::from_secret(secret.expose_secret().as_bytes())?;
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &key)
}
