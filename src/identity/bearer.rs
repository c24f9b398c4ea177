//! Extraction of the bearer token from a request (RFC 6750), before its verification.

use std::fmt;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue, Uri};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use self::mistake::{is_bearer, is_other_scheme, is_placeholder, mistake, of_other_scheme, placeholder};
use super::Rejection;

mod mistake;

/// Maximum length of a token. Quilt's own tokens have a few hundred bytes; those with embedded credentials a few thousand.
const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// Query parameters in which clients send tokens. They are rejected, because URLs are logged.
const TOKEN_PARAMETERS: [&str; 9] = [
    "access_token",
    "access-token",
    "api_key",
    "apikey",
    "authorization",
    "bearer_token",
    "id_token",
    "jwt",
    "token",
];

/// A bearer token, not yet verified. `Debug` shows its hash only.
#[derive(Clone)]
pub struct BearerToken(SecretString);

/// The SHA-256 of a bearer token, which identifies it in cache keys and, truncated, in logs.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl BearerToken {
    /// Parses a token of the form that RFC 6750 allows (`b64token`), within the length limit. A rejection says which mistake
    /// the text is, and shows no part of it.
    pub fn parse(text: &str) -> Result<Self, Rejection> {
        match mistake(text) {
            None => Ok(Self(SecretString::from(text))),
            Some(rejection) => Err(rejection),
        }
    }

    /// Whether this is a Quilt API key, which is opaque: only the registry can verify it.
    #[must_use]
    pub fn is_api_key(&self) -> bool {
        self.0.expose_secret().starts_with("qk_")
    }

    /// Returns the hash that identifies the token in caches and logs.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint(Sha256::digest(self.0.expose_secret().as_bytes()).into())
    }

    /// Returns the token itself. Only the verifier and the credential sources may use it.
    pub(crate) fn secret(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BearerToken({})", self.fingerprint())
    }
}

impl Fingerprint {
    /// Returns all 32 bytes, for cache keys.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    /// Writes the first six bytes in hexadecimal, which are enough to tell callers apart in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(6).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Extracts the bearer token of a request. The scheme is case-insensitive (RFC 9110 section 11.1).
pub fn extract(headers: &HeaderMap, uri: &Uri) -> Result<Option<BearerToken>, Rejection> {
    if uri.query().is_some_and(holds_token) {
        return Err(Rejection::Malformed {
            detail: "a token must not be part of the URL; send it as `Authorization: Bearer <token>`",
        });
    }
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(first) = values.next() else {
        return Ok(None);
    };
    let token = parse_header(first);
    for other in values.filter(|other| *other != first) {
        let is_same = match (&token, parse_header(other)) {
            (Ok(token), Ok(other)) => token.fingerprint() == other.fingerprint(),
            _ => false,
        };
        if !is_same {
            return Err(Rejection::Malformed {
                detail: "the request has two different Authorization headers; send one",
            });
        }
    }
    token.map(Some)
}

fn parse_header(value: &HeaderValue) -> Result<BearerToken, Rejection> {
    let text = value.to_str().map_err(|_| {
        let detail = "the Authorization header has characters that are not ASCII";
        Rejection::invalid_with(detail, "Send the token itself, as its issuer returned it.")
    })?;
    bearer(text.trim())
}

/// Parses the value of an `Authorization` header.
fn bearer(value: &str) -> Result<BearerToken, Rejection> {
    let names_scheme = |line: &str| {
        let scheme = line.trim().split_once([' ', '\t']).map(|(scheme, _)| scheme);
        scheme.is_some_and(|scheme| is_bearer(scheme) || is_other_scheme(scheme))
    };
    let is_other = |line: &str| line.trim().split([' ', '\t']).next().is_some_and(is_other_scheme);
    if value.contains(',') && value.split(',').all(names_scheme) && value.split(',').any(is_other) {
        return Err(Rejection::Malformed {
            detail: "the Authorization header has two different credentials, joined by a comma; send one",
        });
    }
    let (scheme, text) = value.split_once([' ', '\t']).unwrap_or((value, ""));
    if !is_bearer(scheme) {
        return Err(if is_placeholder(value) {
            placeholder()
        } else {
            of_other_scheme(value, scheme)
        });
    }
    let text = text.trim();
    let (first, others) = text.split_once(',').unwrap_or((text, ""));
    let first = first.trim();
    if others.is_empty() || mistake(first).is_some() {
        return BearerToken::parse(text);
    }
    // Proxies join two lines of a header with a comma (RFC 9110, section 5.3).
    let mut others = others.split(',').map(|line| {
        let line = line.trim();
        match line.split_once([' ', '\t']) {
            Some((scheme, token)) if is_bearer(scheme) => token.trim(),
            _ => line,
        }
    });
    if others.clone().all(|token| token == first) {
        return BearerToken::parse(first);
    }
    if others.all(|token| mistake(token).is_none()) {
        return Err(Rejection::Malformed {
            detail: "the Authorization header has two different tokens, joined by a comma; send one",
        });
    }
    BearerToken::parse(text)
}

fn holds_token(query: &str) -> bool {
    url::form_urlencoded::parse(query.as_bytes())
        .any(|(name, _)| TOKEN_PARAMETERS.contains(&name.to_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        values
            .iter()
            .map(|value| (AUTHORIZATION, value.parse().unwrap()))
            .collect()
    }

    fn extract_from(values: &[&str]) -> Result<Option<BearerToken>, Rejection> {
        extract(&headers(values), &Uri::from_static("/mcp"))
    }

    #[test]
    fn the_scheme_is_case_insensitive() {
        for value in ["Bearer abc.def", "bearer abc.def", "BEARER   abc.def"] {
            assert_eq!(extract_from(&[value]).unwrap().unwrap().secret(), "abc.def");
        }
        assert!(extract_from(&[]).unwrap().is_none());
    }

    #[test]
    fn another_scheme_is_never_taken_for_a_token() {
        // The Python server used the whole header value as the token here.
        assert!(matches!(extract_from(&["Basic abc"]), Err(Rejection::Missing { .. })));
        assert!(matches!(extract_from(&["abc.def.ghi"]), Err(Rejection::Missing { .. })));
        assert!(matches!(extract_from(&["Bearer "]), Err(Rejection::Missing { .. })));
        assert!(matches!(extract_from(&["Bearer a b"]), Err(Rejection::Invalid { .. })));
    }

    #[test]
    fn two_different_credentials_are_malformed_and_the_same_twice_is_not() {
        assert!(matches!(
            extract_from(&["Bearer a", "Bearer b"]),
            Err(Rejection::Malformed { .. })
        ));
        assert!(matches!(
            extract_from(&["Bearer a", "Basic b"]),
            Err(Rejection::Malformed { .. })
        ));
        assert!(extract_from(&["Bearer a", "Bearer a"]).unwrap().is_some());
    }

    #[test]
    fn a_token_in_the_url_is_malformed() {
        for uri in [
            "/mcp?access_token=x",
            "/mcp?a=b&Token=x",
            "/mcp?ID_TOKEN=x",
            "/mcp?authorization=Bearer%20x",
        ] {
            let result = extract(&HeaderMap::new(), &uri.parse().unwrap());
            assert!(matches!(result, Err(Rejection::Malformed { .. })), "{uri}");
        }
    }

    #[test]
    fn the_longest_token_is_taken_and_no_longer_one() {
        assert!(BearerToken::parse(&"x".repeat(16 * 1024)).is_ok());
        assert!(matches!(
            BearerToken::parse(&"x".repeat(16 * 1024 + 1)),
            Err(Rejection::Invalid { .. })
        ));
    }

    /// Logs tell callers apart by this text.
    #[test]
    fn a_token_is_shown_as_the_beginning_of_its_hash() {
        let token = BearerToken::parse("abc").unwrap();
        // SHA-256 of "abc" (FIPS 180-4).
        assert_eq!(
            format!("{} {:?}", token.fingerprint(), token.fingerprint()),
            "ba7816bf8f01 ba7816bf8f01"
        );
        assert_eq!(format!("{token:?}"), "BearerToken(ba7816bf8f01)");
    }

    proptest! {
        #[test]
        fn no_header_value_panics_or_shows_itself(value in "\\PC{0,200}") {
            if let Ok(header) = axum::http::HeaderValue::from_str(&value) {
                let headers: HeaderMap = [(AUTHORIZATION, header)].into_iter().collect();
                let shown = format!("{:?}", extract(&headers, &Uri::from_static("/mcp")));
                let token = value.split_once(' ').map_or("", |(_, token)| token.trim());
                prop_assert!(token.len() < 16 || !shown.contains(token));
            }
        }
    }
}
