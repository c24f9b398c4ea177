//! Selection of the keys of a JSON Web Key Set that may verify signatures.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};

/// A key that verifies signatures of one algorithm.
#[derive(Clone)]
pub struct UsableKey {
    pub id: Option<String>,
    pub algorithm: Algorithm,
    pub key: DecodingKey,
}

/// Returns the usable keys of a set. A key is omitted if its type, curve, use, operations or algorithm do not fit one of the
/// accepted algorithms, or if another key has the same id.
pub fn usable(keys: &[Jwk]) -> Vec<UsableKey> {
    let is_unique =
        |id: &Option<String>| id.is_none() || keys.iter().filter(|other| other.common.key_id == *id).count() == 1;
    keys.iter()
        .filter(|jwk| is_unique(&jwk.common.key_id))
        .filter_map(|jwk| {
            let algorithm = algorithm(jwk)?;
            Some(UsableKey {
                id: jwk.common.key_id.clone(),
                algorithm,
                key: DecodingKey::from_jwk(jwk).ok()?,
            })
        })
        .collect()
}

fn algorithm(jwk: &Jwk) -> Option<Algorithm> {
    let (algorithm, name) = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
        }
        _ => return None,
    };
    let common = &jwk.common;
    let is_for_signatures = common
        .public_key_use
        .as_ref()
        .is_none_or(|of| *of == PublicKeyUse::Signature)
        && common
            .key_operations
            .as_ref()
            .is_none_or(|operations| operations.contains(&KeyOperations::Verify));
    let is_for_algorithm = common.key_algorithm.as_ref().is_none_or(|of| *of == name);
    (is_for_signatures && is_for_algorithm).then_some(algorithm)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// The curve's base point and any modulus: nothing is signed here.
    fn count(keys: &[Value]) -> usize {
        let keys: Vec<Jwk> = keys
            .iter()
            .map(|key| serde_json::from_value(key.clone()).unwrap())
            .collect();
        usable(&keys).len()
    }

    fn rsa(more: &Value) -> Value {
        let mut key = json!({ "kty": "RSA", "kid": "1", "n": "sXch", "e": "AQAB" });
        key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        key
    }

    #[test]
    fn a_key_serves_what_it_says_it_is_for() {
        assert_eq!(count(&[rsa(&json!({}))]), 1);
        assert_eq!(
            count(&[rsa(&json!({ "use": "sig", "alg": "RS256", "key_ops": ["verify"] }))]),
            1
        );
        for other in [
            json!({ "use": "enc" }),
            json!({ "alg": "RS512" }),
            json!({ "alg": "HS256" }),
            json!({ "key_ops": ["encrypt"] }),
            json!({ "key_ops": ["sign"] }),
        ] {
            assert_eq!(count(&[rsa(&other)]), 0, "{other}");
        }
        assert_eq!(
            count(&[json!({ "kty": "oct", "kid": "1", "k": "c2VjcmV0" })]),
            0,
            "no shared secret from a key set"
        );
        let p384 = json!({ "kty": "EC", "kid": "1", "crv": "P-384", "x": "AA", "y": "AA" });
        assert_eq!(count(&[p384]), 0);
        let edwards = |curve: &str| json!({ "kty": "OKP", "kid": "1", "crv": curve, "x": "AA" });
        assert_eq!((count(&[edwards("Ed25519")]), count(&[edwards("P-256")])), (1, 0));
    }

    #[test]
    fn keys_with_the_same_id_are_not_usable() {
        assert_eq!(count(&[rsa(&json!({})), rsa(&json!({}))]), 0);
        assert_eq!(count(&[rsa(&json!({})), rsa(&json!({ "kid": "2" }))]), 2);
    }
}
