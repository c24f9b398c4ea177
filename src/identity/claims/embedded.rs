//! AWS credentials embedded in a token.

use std::fmt;

use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Map, Value};

use super::numeric_date::numeric_date;

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
    /// Reads the credentials from the claim that carries them.
    pub(super) fn from_claim(claim: &Value) -> Result<Self, &'static str> {
        let Value::Object(object) = claim else {
            return Err("the aws_credentials claim is not an object");
        };
        let Some(access_key_id) = text(object, ["access_key_id", "accessKeyId", "AccessKeyId"]) else {
            return Err("the aws_credentials claim has no access_key_id");
        };
        let Some(secret) = text(object, ["secret_access_key", "secretAccessKey", "SecretAccessKey"]) else {
            return Err("the aws_credentials claim has no secret_access_key");
        };
        Ok(Self {
            access_key_id: access_key_id.to_owned(),
            secret_access_key: SecretString::from(secret),
            session_token: text(object, ["session_token", "sessionToken", "SessionToken"]).map(SecretString::from),
            expiration: expiration(object)?,
        })
    }
}

/// Returns the first of these members that is present, if it is a non-empty string.
fn text<'a>(object: &'a Map<String, Value>, names: [&str; 3]) -> Option<&'a str> {
    names
        .iter()
        .find_map(|name| object.get(*name).and_then(Value::as_str))
        .filter(|text| !text.is_empty())
}

/// Returns the expiry of the credentials. An unreadable one is an error: it does not count as absent.
fn expiration(object: &Map<String, Value>) -> Result<Option<Timestamp>, &'static str> {
    let names = ["expiration", "expiresAt", "Expiration"];
    let parsed = match names.iter().find_map(|name| object.get(*name)) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.parse().ok(),
        Some(value) => numeric_date(value),
    };
    parsed
        .map(Some)
        .ok_or("the aws_credentials claim has an expiration that is not a time")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Claims;
    use super::*;

    fn embedded(claims: Value) -> Option<Result<EmbeddedCredentials, &'static str>> {
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
        assert!(
            embedded(json!({"aws_credentials": {"access_key_id": "A"}}))
                .unwrap()
                .is_err()
        );
        assert!(embedded(json!({"aws_credentials": null})).is_none());
    }

    #[test]
    fn embedded_credentials_may_say_when_they_end() {
        let end = |expiration: Value| {
            let keys = json!({"access_key_id": "ASIAX", "secret_access_key": "s", "expiration": expiration});
            embedded(json!({ "aws_credentials": keys }))
                .unwrap()
                .map(|keys| keys.expiration)
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
