//! AWS credentials embedded in a token.

use std::fmt;

use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Map, Value};

use super::claim_error::{ClaimError, Found};
use super::numeric_date::numeric_date;
use crate::identity::shown;

/// AWS credentials that a token carries.
#[derive(Clone)]
pub struct EmbeddedCredentials {
    /// `ASIA…` or `AKIA…`.
    pub access_key_id: String,
    /// The secret half of the key.
    pub secret_access_key: SecretString,
    /// Present for temporary credentials.
    pub session_token: Option<SecretString>,
    /// When the credentials expire, where the token says so.
    pub expiration: Option<Timestamp>,
}

impl fmt::Debug for EmbeddedCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EmbeddedCredentials({})", crate::redact::key_id(&self.access_key_id))
    }
}

impl EmbeddedCredentials {
    /// The spellings of the claim.
    pub(super) const CLAIM: [&'static str; 2] = ["aws_credentials", "awsCredentials"];

    /// Reads the credentials from the claim that carries them.
    pub(super) fn from_claim(claim: Found<'_>) -> Result<Self, ClaimError> {
        let Value::Object(object) = claim.value else {
            return Err(claim.wrong_type(shown::kind(claim.value), "an object"));
        };
        let malformed = |problem| ClaimError::Malformed {
            claim: claim.name.to_owned(),
            problem,
        };
        let access_key_id = text(object, ["access_key_id", "accessKeyId", "AccessKeyId"]);
        let access_key_id = access_key_id
            .ok()
            .flatten()
            .ok_or_else(|| malformed("has no access_key_id that is a string"))?;
        let secret = text(object, ["secret_access_key", "secretAccessKey", "SecretAccessKey"]);
        let secret = secret
            .ok()
            .flatten()
            .ok_or_else(|| malformed("has no secret_access_key that is a string"))?;
        // Keys without their session token are other credentials.
        let session_token = text(object, ["session_token", "sessionToken", "SessionToken"])
            .map_err(|()| malformed("has a session_token that is not a string"))?;
        Ok(Self {
            access_key_id: access_key_id.to_owned(),
            secret_access_key: SecretString::from(secret),
            session_token: session_token.map(SecretString::from),
            expiration: expiration(object).map_err(malformed)?,
        })
    }
}

/// Returns the first of these members that is present; null and the empty string are absent. Fails if it is not a string.
fn text<'a>(object: &'a Map<String, Value>, names: [&str; 3]) -> Result<Option<&'a str>, ()> {
    let mut found = names.iter().filter_map(|name| object.get(*name));
    match found.find(|value| !value.is_null() && value.as_str() != Some("")) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(()),
    }
}

/// Returns the expiry of the credentials. An unreadable one is an error: it does not count as absent.
fn expiration(object: &Map<String, Value>) -> Result<Option<Timestamp>, &'static str> {
    let names = ["expiration", "expiresAt", "Expiration"];
    let parsed = match names.iter().find_map(|name| object.get(*name)) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.parse().ok(),
        Some(value) => numeric_date(value),
    };
    parsed.map(Some).ok_or("has an expiration that is not a time")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Claims;
    use super::*;

    fn embedded(claims: Value) -> Result<Option<EmbeddedCredentials>, ClaimError> {
        serde_json::from_value::<Claims>(claims).unwrap().embedded_credentials()
    }

    #[test]
    fn embedded_credentials_in_every_spelling() {
        for (id, secret, token) in [
            ("access_key_id", "secret_access_key", "session_token"),
            ("accessKeyId", "secretAccessKey", "sessionToken"),
        ] {
            for outer in ["aws_credentials", "awsCredentials"] {
                let found = embedded(json!({outer: {id: "ASIAX", secret: "s", token: "t"}}))
                    .unwrap()
                    .unwrap();
                assert_eq!(found.access_key_id, "ASIAX");
                assert!(found.session_token.is_some());
            }
        }
        assert!(embedded(json!({"aws_credentials": {"access_key_id": "A"}})).is_err());
        for absent in [json!(null), json!("")] {
            assert!(embedded(json!({ "aws_credentials": absent })).unwrap().is_none());
        }
        let odd = json!({"access_key_id": "A", "secret_access_key": "s", "session_token": 7});
        assert_eq!(
            embedded(json!({ "awsCredentials": odd })).unwrap_err().to_string(),
            "the awsCredentials claim has a session_token that is not a string"
        );
    }

    #[test]
    fn embedded_credentials_may_say_when_they_end() {
        let end = |expiration: Value| {
            let keys = json!({"access_key_id": "ASIAX", "secret_access_key": "s", "expiration": expiration});
            embedded(json!({ "aws_credentials": keys })).map(|keys| keys.unwrap().expiration)
        };
        let seconds = 1_800_000_000;
        let at = Some(Timestamp::from_second(seconds).unwrap());
        assert_eq!((end(json!(seconds)), end(json!(at))), (Ok(at), Ok(at)));
        assert_eq!(end(Value::Null), Ok(None));
        assert!(
            end(json!("soon")).is_err() && end(json!(true)).is_err(),
            "an unreadable expiry does not count as absent"
        );
    }

    #[test]
    fn debug_shows_no_secret() {
        let claims: Claims = serde_json::from_value(
            json!({"sub": "alice", "aws_credentials": {"access_key_id": "ASIAX", "secret_access_key": "canary-1", "session_token": "canary-2"}}),
        )
        .unwrap();
        let shown = format!("{claims:?} {:?}", claims.embedded_credentials());
        assert!(
            shown.contains("alice") && shown.contains("EmbeddedCredentials(…)"),
            "{shown}"
        );
        assert!(!shown.contains("canary"), "{shown}");
    }
}
