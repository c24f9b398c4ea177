//! The parts of a signed token (RFC 7515) and its header, read before the signature is verified.
//!
//! Invariant: a header that demands what this server does not support is rejected, whatever the signature: `crit` with any
//! value (section 4.1.11), and a payload that is not base64url (`b64`, RFC 7797).

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::identity::shown;
use crate::identity::{BearerToken, Claims, Rejection};
use crate::json::{self, deserialize_present};

/// The remedy for tokens of a form that the issuer has to change.
const CONFIGURE_ISSUER: &str =
    "Configure its issuer to sign tokens as this server accepts them; a new login alone does not help.";
/// The remedy for text that is no JWT.
const SEND_A_JWT: &str = "Send the access token itself, complete, as the issuer returned it. Issuers return an opaque token, which \
                          is not a JWT, if the login does not ask for an audience (API).";

/// A token's parts.
pub(super) struct SignedToken<'a> {
    /// The signed text: header and payload, encoded.
    message: &'a str,
    payload: &'a str,
    signature: &'a str,
    /// The algorithm that the header names.
    algorithm: String,
    /// The key that the header names.
    pub key_id: Option<String>,
}

/// The members of the header that matter here. `serde_json::Value` would parse some keys of an unverified token a second
/// time, so the header is not decoded to one.
#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow, default)]
    alg: Option<&'a RawValue>,
    #[serde(borrow, default)]
    kid: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "deserialize_present")]
    crit: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "deserialize_present")]
    b64: Option<&'a RawValue>,
}

impl<'a> SignedToken<'a> {
    /// Splits a token and reads its header. Nothing is verified.
    pub(super) fn parse(token: &'a BearerToken) -> Result<Self, Rejection> {
        let text = token.secret();
        let parts: Vec<&str> = text.splitn(6, '.').collect();
        let &[encoded_header, payload, signature] = parts.as_slice() else {
            return Err(not_signed(parts.len()));
        };
        let unreadable = || {
            Rejection::invalid_with(
                "it is not a JWT: its header is not a JSON object in base64url",
                SEND_A_JWT,
            )
        };
        let json = BASE64_URL_SAFE_NO_PAD
            .decode(encoded_header)
            .map_err(|_| unreadable())?;
        let json = json.trim_ascii();
        // A derived struct is also read from an array.
        let header: Option<Header<'_>> = json
            .starts_with(b"{")
            .then(|| serde_json::from_slice(json).ok())
            .flatten();
        let header = header.ok_or_else(unreadable)?;
        if header.crit.is_some() {
            return Err(unsupported(
                "its header has a crit member, and this server supports no critical extension (RFC 7515, section 4.1.11)",
            ));
        }
        if header.b64.is_some_and(|value| value.get() != "true") {
            return Err(unsupported(
                "the b64 in its header is not true, and this server supports no unencoded payload (RFC 7797)",
            ));
        }
        let algorithm = text_of("alg", header.alg)?.ok_or_else(|| unsupported("its header has no alg"))?;
        Ok(Self {
            message: text.get(..encoded_header.len() + 1 + payload.len()).unwrap_or_default(),
            payload,
            signature,
            algorithm,
            key_id: text_of("kid", header.kid)?,
        })
    }

    /// Returns the algorithm if it is one of these. `Ed25519` (RFC 9864) is `EdDSA` with its only curve here.
    pub(super) fn algorithm(&self, accepted: &[(&str, Algorithm)]) -> Result<Algorithm, Rejection> {
        let is_it = |(name, _): &&(&str, Algorithm)| *name == self.algorithm;
        if let Some((_, algorithm)) = accepted.iter().find(is_it) {
            return Ok(*algorithm);
        }
        let names: Vec<&str> = accepted.iter().map(|(name, _)| *name).collect();
        let names = names.join(", ");
        Err(unsupported(&if self.algorithm.eq_ignore_ascii_case("none") {
            format!(
                "it is not signed (alg {}), and this server accepts {names}",
                shown::bare(&self.algorithm)
            )
        } else {
            format!(
                "its algorithm is {}, and this server accepts {names}",
                shown::bare(&self.algorithm)
            )
        }))
    }

    /// Whether the key verifies the signature. The algorithm is the key's, which was compared with that of the header.
    pub(super) fn is_signed_with(&self, key: &DecodingKey, algorithm: Algorithm) -> bool {
        jsonwebtoken::crypto::verify(self.signature, self.message.as_bytes(), key, algorithm).unwrap_or(false)
    }

    /// Returns the claims. Only for tokens whose signature was verified.
    pub(super) fn claims(&self) -> Result<Claims, Rejection> {
        let json = BASE64_URL_SAFE_NO_PAD.decode(self.payload).ok();
        let claims = json.and_then(|json| match json::parse_value(&json) {
            Ok(Value::Object(claims)) => Some(Claims::from(claims)),
            _ => None,
        });
        claims.ok_or_else(|| unsupported("its claims are not a JSON object in base64url"))
    }
}

/// Rejects a token that does not have the three parts of a signed one.
fn not_signed(parts: usize) -> Rejection {
    match parts {
        5 => unsupported(
            "it is an encrypted token (JWE), which this server cannot decrypt; it accepts signed tokens (JWS)",
        ),
        1 => Rejection::invalid_with(
            "it is not a JWT: it has 1 part, and a JWT has three, with dots between them",
            SEND_A_JWT,
        ),
        6.. => Rejection::invalid_with(
            "it is not a JWT: it has more than 5 parts, and a JWT has three",
            SEND_A_JWT,
        ),
        _ => Rejection::invalid_with(
            format!("it is not a JWT: it has {parts} parts, and a JWT has three, with dots between them"),
            SEND_A_JWT,
        ),
    }
}

/// Returns a member that must be a string; absent and null are the same.
fn text_of(name: &str, value: Option<&RawValue>) -> Result<Option<String>, Rejection> {
    let Some(value) = value else { return Ok(None) };
    serde_json::from_str(value.get()).map(Some).map_err(|_| {
        let kind = match value.get().as_bytes().first() {
            Some(b'"') => "an invalid string",
            Some(b'[') => shown::kind(&Value::Array(Vec::new())),
            Some(b'{') => shown::kind(&Value::Object(serde_json::Map::new())),
            Some(b't' | b'f') => shown::kind(&Value::Bool(true)),
            _ => shown::kind(&Value::from(0)),
        };
        unsupported(&format!(
            "the {name} in its header is {kind}; expected a string (RFC 7515)"
        ))
    })
}

fn unsupported(detail: &str) -> Rejection {
    Rejection::invalid_with(detail, CONFIGURE_ISSUER)
}
