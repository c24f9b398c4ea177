//! HS256 signatures of new tokens, as [`super::Hs256Verifier`] accepts them. The server never signs a token; the command
//! `token mint`, the development backend and tests do.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

/// Encodes and signs claims as an HS256 token.
pub fn sign_hs256(claims: &Value, secret: &SecretString) -> Result<String, jsonwebtoken::errors::Error> {
    let key = EncodingKey::from_secret(secret.expose_secret().as_bytes())?;
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &key)
}
