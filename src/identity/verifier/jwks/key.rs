//! Keys of a JSON Web Key Set (RFC 7517): which are usable, and which may have signed a token.
//!
//! Each key is read on its own, so that one that cannot be read does not lose the others. A key is selected by its fitness
//! before its name: what cannot verify the token's algorithm is no candidate, whatever its `kid`.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Map, Value};

use crate::identity::{Rejection, shown};

/// Maximum number of keys that are tried for one token, so that no token makes the server check any number of signatures.
const MAX_CANDIDATES: usize = 64;
/// Maximum number of reasons in a message.
const MAX_REASONS: usize = 6;
/// Bits of an RSA modulus that can verify a signature.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
/// Bytes of a coordinate of P-256 and of an Ed25519 key.
const COORDINATE_BYTES: usize = 32;
/// Some providers pad the members of keys.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// The remedy for a key that is not in the set.
const COMPARE_KEY_SETS: &str = "Log in again and send the new token; if that does not help, compare MCP_JWT_JWKS_URL with the \
                                jwks_uri of the token's issuer.";
/// The remedy for a token that names no key.
const NAME_THE_KEY: &str =
    "Configure its issuer to give each key a name of its own (kid), in its key set and in the header of its tokens.";

/// A key that verifies signatures of one algorithm.
pub struct UsableKey {
    id: Option<String>,
    pub algorithm: Algorithm,
    pub key: DecodingKey,
    /// The public key, by which equal keys are recognised.
    material: Vec<u8>,
}

/// The header members that select a key.
pub struct Wanted<'a> {
    pub id: Option<&'a str>,
    pub algorithm: Algorithm,
}

/// The keys that may have signed a token.
pub struct Candidates {
    pub keys: Vec<Arc<UsableKey>>,
    /// Number of different keys that fit, of which a bounded number is tried.
    fitting: usize,
}

/// Reads the keys of a set. Fails with a description of them if none is usable.
pub fn usable(keys: &[Value]) -> Result<Vec<Arc<UsableKey>>, String> {
    let (mut usable, mut unfit) = (Vec::new(), Vec::new());
    for key in keys {
        match read(key) {
            Ok(key) => usable.push(Arc::new(key)),
            Err(reason) => unfit.push(reason),
        }
    }
    let reasons = summary(unfit);
    match keys.len() {
        _ if !usable.is_empty() => {
            if !reasons.is_empty() {
                tracing::debug!(%reasons, "keys of the issuer are not used");
            }
            Ok(usable)
        }
        0 => Err("it has no keys".to_owned()),
        1 => Err(format!(
            "its only key verifies no RS256, ES256 or EdDSA signatures ({reasons})"
        )),
        count => Err(format!(
            "none of its {count} keys verifies RS256, ES256 or EdDSA signatures ({reasons})"
        )),
    }
}

/// Counts equal reasons, the most frequent first.
fn summary(reasons: Vec<String>) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for reason in reasons {
        *counts.entry(reason).or_default() += 1;
    }
    let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let mut shown: Vec<String> = counts
        .iter()
        .take(MAX_REASONS)
        .map(|(reason, count)| format!("{count}: {reason}"))
        .collect();
    if counts.len() > MAX_REASONS {
        shown.push("…".to_owned());
    }
    shown.join("; ")
}

/// Selects the keys that may have signed a token. A key without a name is a candidate for every name, and every key for a
/// token that names none.
pub fn candidates(keys: &[Arc<UsableKey>], wanted: &Wanted<'_>) -> Candidates {
    let fits = |key: &&Arc<UsableKey>| key.algorithm == wanted.algorithm;
    let is_named = |key: &&Arc<UsableKey>| wanted.id.is_some() && key.id.as_deref() == wanted.id;
    let is_open = |key: &&Arc<UsableKey>| wanted.id.is_none() || key.id.is_none();
    let named = keys.iter().filter(fits).filter(is_named);
    let open = keys.iter().filter(fits).filter(is_open);
    let mut materials = HashSet::new();
    let mut found: Vec<Arc<UsableKey>> = named
        .chain(open)
        .filter(|key| materials.insert(key.material.as_slice()))
        .cloned()
        .collect();
    let fitting = found.len();
    found.truncate(MAX_CANDIDATES);
    Candidates { keys: found, fitting }
}

impl Candidates {
    /// No key fits.
    pub fn none() -> Self {
        Self {
            keys: Vec::new(),
            fitting: 0,
        }
    }

    /// Rejects a token that none of these keys verifies.
    pub fn rejection(&self, wanted: &Wanted<'_>) -> Rejection {
        let algorithm = wanted.algorithm;
        if self.keys.is_empty() {
            let which = wanted
                .id
                .map_or_else(String::new, |id| format!(" named {}", shown::quoted(id)));
            return Rejection::invalid_with(
                format!(
                    "it was signed with a key that its issuer does not publish: the set has no {algorithm:?} key{which}"
                ),
                COMPARE_KEY_SETS,
            );
        }
        if self.fitting > self.keys.len() {
            let which = match wanted.id {
                Some(id) => format!("of the name {} or without one", shown::quoted(id)),
                None => "and its header does not say which (kid)".to_owned(),
            };
            let detail = format!(
                "its issuer publishes {} keys for {algorithm:?} that may have signed it, {which}; none of the first {} verifies \
                 its signature",
                self.fitting,
                self.keys.len()
            );
            return Rejection::invalid_with(detail, NAME_THE_KEY);
        }
        Rejection::invalid_with(
            "its signature does not verify with the keys of its issuer",
            COMPARE_KEY_SETS,
        )
    }
}

/// Reads a key, or says why it verifies no signature of an accepted algorithm.
fn read(key: &Value) -> Result<UsableKey, String> {
    let Value::Object(members) = key else {
        return Err(format!("the key is {}", shown::kind(key)));
    };
    let curve = || text(members, "crv").map(Option::unwrap_or_default);
    let (algorithm, names): (_, &[&str]) = match text(members, "kty")? {
        Some("RSA") => (Algorithm::RS256, &["RS256"]),
        Some("EC") => match curve()? {
            "P-256" => (Algorithm::ES256, &["ES256"]),
            other => return Err(format!("EC curve {}", named(other))),
        },
        Some("OKP") => match curve()? {
            "Ed25519" => (Algorithm::EdDSA, &["EdDSA", "Ed25519"]),
            other => return Err(format!("OKP curve {}", named(other))),
        },
        Some(other) => return Err(format!("kty is {}", named(other))),
        None => return Err("it has no kty".to_owned()),
    };
    check_purpose(members)?;
    if let Some(other) = text(members, "alg")?.filter(|alg| !names.contains(alg)) {
        return Err(format!("alg is {}", named(other)));
    }
    // A name of another type names nothing.
    let id = text(members, "kid").ok().flatten().map(str::to_owned);
    let (key, material) = public_key(algorithm, members)?;
    Ok(UsableKey {
        id,
        algorithm,
        key,
        material,
    })
}

/// Checks that the key is for signatures. An empty `key_ops` says nothing: some providers write it into each key.
fn check_purpose(members: &Map<String, Value>) -> Result<(), String> {
    if let Some(other) = text(members, "use")?.filter(|purpose| *purpose != "sig") {
        return Err(format!("use is {}", named(other)));
    }
    match members.get("key_ops") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::Array(operations)) if operations.is_empty() || operations.iter().any(|one| one == "verify") => {
            Ok(())
        }
        Some(Value::Array(_)) => Err("key_ops does not contain verify".to_owned()),
        Some(other) => Err(format!("key_ops is {}", shown::kind(other))),
    }
}

fn public_key(algorithm: Algorithm, members: &Map<String, Value>) -> Result<(DecodingKey, Vec<u8>), String> {
    let coordinate = |name: &str| {
        let bytes = bytes(members, name)?;
        if bytes.len() == COORDINATE_BYTES {
            Ok(bytes)
        } else {
            Err(format!("{name} has {} bytes; expected {COORDINATE_BYTES}", bytes.len()))
        }
    };
    match algorithm {
        Algorithm::ES256 => {
            // The uncompressed form of a point (SEC 1, section 2.3.3).
            let point = [&[4], coordinate("x")?.as_slice(), coordinate("y")?.as_slice()].concat();
            Ok((DecodingKey::from_ec_der(&point), point))
        }
        Algorithm::EdDSA => {
            let point = coordinate("x")?;
            Ok((DecodingKey::from_ed_der(&point), point))
        }
        _ => {
            let (modulus, exponent) = (without_zeros(bytes(members, "n")?), without_zeros(bytes(members, "e")?));
            let top = modulus.first().map_or(0, |first| first.leading_zeros() as usize);
            let bits = modulus.len() * 8 - top;
            if !RSA_BITS.contains(&bits) {
                return Err(format!(
                    "RSA key of {bits} bits; expected {} to {}",
                    RSA_BITS.start(),
                    RSA_BITS.end()
                ));
            }
            let material = [modulus.as_slice(), &[0], exponent.as_slice()].concat();
            Ok((DecodingKey::from_rsa_raw_components(&modulus, &exponent), material))
        }
    }
}

/// Removes the leading zeros that some providers write before an integer.
fn without_zeros(bytes: Vec<u8>) -> Vec<u8> {
    bytes.into_iter().skip_while(|byte| *byte == 0).collect()
}

/// Returns a member that is a string. Absent, null and empty are the same.
fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, String> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
        Some(other) => Err(format!("{name} is {}", shown::kind(other))),
    }
}

fn bytes(members: &Map<String, Value>, name: &str) -> Result<Vec<u8>, String> {
    match members.get(name) {
        None => Err(format!("it has no {name}")),
        Some(Value::String(text)) if text.is_empty() => Err(format!("{name} is empty")),
        Some(Value::String(text)) => BASE64.decode(text).map_err(|_| format!("{name} is not base64url")),
        Some(other) => Err(format!("{name} is {}", shown::kind(other))),
    }
}

/// Returns the name of an algorithm, curve or use in a message. Longer text is no such name, and is not shown.
fn named(text: &str) -> String {
    if (1..=24).contains(&text.len()) {
        shown::bare(text)
    } else {
        "unknown".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use serde_json::json;

    use super::*;

    fn modulus(last: u8) -> String {
        BASE64_URL_SAFE_NO_PAD.encode([vec![0x80; 255], vec![last]].concat())
    }

    fn rsa(more: &Value) -> Value {
        let mut key = json!({ "kty": "RSA", "kid": "1", "n": modulus(1), "e": "AQAB" });
        key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        key
    }

    fn selected(keys: &[Value], id: Option<&str>) -> (usize, usize) {
        let wanted = Wanted {
            id,
            algorithm: Algorithm::RS256,
        };
        let found = candidates(&usable(keys).unwrap_or_default(), &wanted);
        (found.keys.len(), found.fitting)
    }

    #[test]
    fn a_key_is_usable_for_what_it_says_it_is_for() {
        for fit in [
            json!({}),
            json!({ "use": "sig", "alg": "RS256", "key_ops": ["verify"] }),
            json!({ "use": null, "alg": "", "key_ops": [] }),
            json!({ "n": format!("{}==", modulus(1)), "e": "AAEAAQ" }),
        ] {
            assert!(read(&rsa(&fit)).is_ok(), "{fit}");
        }
        for (unfit, reason) in [
            (json!({ "use": "enc" }), "use is enc"),
            (json!({ "alg": "RS512" }), "alg is RS512"),
            (json!({ "alg": "HS256" }), "alg is HS256"),
            (json!({ "key_ops": ["encrypt"] }), "key_ops does not contain verify"),
            (json!({ "key_ops": ["sign"] }), "key_ops does not contain verify"),
            (json!({ "key_ops": "verify" }), "key_ops is a string"),
            (json!({ "n": "sXch" }), "RSA key of 24 bits; expected 2048 to 8192"),
            (json!({ "kty": "oct", "k": "c2VjcmV0" }), "kty is oct"),
            (json!({ "kty": "EC", "crv": "P-384" }), "EC curve P-384"),
            (json!({ "kty": "OKP", "crv": "P-256" }), "OKP curve P-256"),
            (
                json!({ "kty": "OKP", "crv": "Ed25519", "x": "AA" }),
                "x has 1 bytes; expected 32",
            ),
            (json!({ "use": "x".repeat(200) }), "use is unknown"),
        ] {
            assert_eq!(read(&rsa(&unfit)).err().as_deref(), Some(reason), "{unfit}");
        }
    }

    #[test]
    fn names_select_among_the_keys_that_fit() {
        let (a, b) = (rsa(&json!({})), rsa(&json!({ "n": modulus(3) })));
        let unnamed = rsa(&json!({ "kid": null, "n": modulus(5) }));
        assert_eq!(
            selected(&[a.clone(), a.clone()], Some("1")),
            (1, 1),
            "equal keys are one"
        );
        assert_eq!(
            selected(&[a.clone(), b.clone()], Some("1")),
            (2, 2),
            "the signature decides"
        );
        assert_eq!(selected(&[a.clone(), unnamed.clone()], Some("1")), (2, 2));
        assert_eq!(selected(&[a.clone(), unnamed.clone()], Some("2")), (1, 1));
        assert_eq!(selected(&[a.clone(), b, unnamed], None), (3, 3));
        assert_eq!(
            selected(&[a, rsa(&json!({ "kid": "2" }))], None),
            (1, 1),
            "equal but for the name"
        );
        let many: Vec<Value> = (0..80).map(|n| rsa(&json!({ "n": modulus(2 * n + 1) }))).collect();
        assert_eq!(selected(&many, Some("1")), (64, 80));
    }

    #[test]
    fn a_set_without_a_usable_key_is_described() {
        let described = |keys: &[Value]| usable(keys).err();
        assert_eq!(described(&[]).as_deref(), Some("it has no keys"));
        let enc = rsa(&json!({ "use": "enc" }));
        assert_eq!(
            described(&[rsa(&json!({ "alg": "RS512" })), enc.clone(), enc]).as_deref(),
            Some("none of its 3 keys verifies RS256, ES256 or EdDSA signatures (2: use is enc; 1: alg is RS512)")
        );
        assert_eq!(described(&[rsa(&json!({})), json!(7)]), None);
    }
}
