//! An identity provider: keys of the three accepted kinds, and a URL that publishes them and counts requests.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use base64::Engine as _;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

pub const ISSUER: &str = "https://login.example.com";
pub const AUDIENCE: &str = "quilt-mcp";

/// A key and its name.
pub struct SigningKey {
    pub id: &'static str,
    pub algorithm: Algorithm,
    key: EncodingKey,
    /// The public key as PEM, which a verifier with algorithm confusion would use as a shared secret.
    pub public: String,
}

impl SigningKey {
    pub fn new(id: &'static str, algorithm: Algorithm) -> Self {
        let key = match algorithm {
            Algorithm::RS256 => {
                let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
                let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).unwrap();
                let body = base64::prelude::BASE64_STANDARD.encode(der.as_ref());
                let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
                EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap()
            }
            Algorithm::ES256 => {
                let random = SystemRandom::new();
                let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
                EncodingKey::from_ec_der(der.as_ref())
            }
            Algorithm::EdDSA => {
                EncodingKey::from_ed_der(Ed25519KeyPair::generate().unwrap().to_pkcs8v1().unwrap().as_ref())
            }
            other => panic!("no key of {other:?}"),
        };
        let public = serde_json::to_value(Jwk::from_encoding_key(&key, algorithm).unwrap()).unwrap();
        Self {
            id,
            algorithm,
            key,
            public: public.to_string(),
        }
    }

    /// Returns the public key as a JWK.
    pub fn published(&self) -> Value {
        let mut key: Value = serde_json::from_str(&self.public).unwrap();
        key["kid"] = self.id.into();
        key["use"] = "sig".into();
        key
    }

    /// Returns the same with these members instead; a member that is null is left out.
    pub fn published_with(&self, members: &Value) -> Value {
        overridden(self.published(), members)
    }

    /// Returns a token with these claims, and a valid issuer, audience and expiry unless the claims have others. A claim that is
    /// null is left out.
    pub fn sign(&self, claims: &Value) -> String {
        self.sign_as(claims, Some(self.id))
    }

    pub fn sign_as(&self, claims: &Value, id: Option<&str>) -> String {
        let mut header = Header::new(self.algorithm);
        header.kid = id.map(str::to_owned);
        jsonwebtoken::encode(&header, &complete(claims), &self.key).unwrap()
    }
}

impl SigningKey {
    /// Returns a valid token, except that its header has this `crit`.
    pub fn sign_critical(&self, crit: &Value) -> String {
        let header = json!({ "alg": self.algorithm, "kid": self.id, "b64": true, "crit": crit });
        self.sign_parts(&header, &complete(&json!({})))
    }

    /// Returns a valid token whose header has these members instead; a member that is null is left out.
    pub fn sign_with_header(&self, members: &Value, claims: &Value) -> String {
        let header = json!({ "alg": self.algorithm, "typ": "JWT", "kid": self.id });
        self.sign_parts(&overridden(header, members), &complete(claims))
    }

    /// Returns a token of exactly this header and these claims.
    pub fn sign_parts(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }
}

pub fn complete(claims: &Value) -> Value {
    let valid = json!({ "sub": "alice", "iss": ISSUER, "aud": AUDIENCE, "exp": super::now() + 3600 });
    overridden(valid, claims)
}

/// Returns the object with these members instead, without those that are null.
pub fn overridden(mut object: Value, members: &Value) -> Value {
    let all = object.as_object_mut().unwrap();
    all.extend(members.as_object().unwrap().clone());
    all.retain(|_, value| !value.is_null());
    object
}

/// A URL that publishes keys.
pub struct Issuer {
    server: MockServer,
}

impl Issuer {
    pub async fn publishing(keys: &[Value]) -> Self {
        let issuer = Self {
            server: MockServer::start().await,
        };
        issuer.publish(keys).await;
        issuer
    }

    /// Publishes these keys.
    pub async fn publish(&self, keys: &[Value]) {
        self.answers(ResponseTemplate::new(200).set_body_json(json!({ "keys": keys })))
            .await;
    }

    /// Publishes this response instead of keys.
    pub async fn answers(&self, answer: ResponseTemplate) {
        self.server.reset().await;
        Mock::given(any()).respond_with(answer).mount(&self.server).await;
    }

    /// Returns the number of requests since the last change.
    pub async fn requests(&self) -> usize {
        self.server.received_requests().await.unwrap().len()
    }

    /// Returns the flags of a server that trusts this issuer.
    pub fn flags(&self) -> Vec<String> {
        self.flags_for(ISSUER, AUDIENCE)
    }

    /// Returns the flags of a server that fetches these keys and accepts these issuers and audiences.
    pub fn flags_for(&self, issuers: &str, audiences: &str) -> Vec<String> {
        vec![
            format!("--jwt-jwks-url={}/keys", self.server.uri()),
            format!("--jwt-issuer={issuers}"),
            format!("--jwt-audience={audiences}"),
        ]
    }
}
