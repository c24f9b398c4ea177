//! The claims of a verified JWT that this server understands, and the checks of its time and audience.
//!
//! Spellings and meanings are those of the Python server and of Quilt's registry, whose own tokens carry only `id`,
//! `uuid` and `exp`. A claim is data from the token's issuer: it is used only after the signature was verified.

use std::fmt;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{BearerToken, Rejection};

/// How far two clocks may be apart, in seconds.
const LEEWAY_SECONDS: i64 = 30;

/// Claims of a token. A claim of another type than expected counts as absent, except for `exp` and `nbf`.
///
/// What is secret among them leaves the open map as soon as they are read.
#[derive(Clone, Default, Deserialize)]
#[serde(from = "Map<String, Value>")]
pub struct Claims {
    open: Map<String, Value>,
    embedded: Option<Result<EmbeddedCredentials, &'static str>>,
    catalog_token: Option<Result<BearerToken, Rejection>>,
}

impl From<Map<String, Value>> for Claims {
    fn from(mut open: Map<String, Value>) -> Self {
        let mut take = |names: [&str; 2]| {
            let found = names.map(|name| open.remove(name));
            found.into_iter().flatten().find(|value| !value.is_null())
        };
        let embedded = take(["aws_credentials", "awsCredentials"]).map(|claim| embedded(&claim));
        let catalog_token = take(["catalog_token", "catalogToken"]);
        let catalog_token = catalog_token
            .as_ref()
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty());
        Self {
            embedded,
            catalog_token: catalog_token.map(BearerToken::parse),
            open,
        }
    }
}

/// AWS credentials that a token carries.
#[derive(Clone)]
pub struct EmbeddedCredentials {
    /// `ASIA…` or `AKIA…`.
    pub access_key_id: String,
    /// The secret half.
    pub secret_access_key: SecretString,
    /// Present for temporary credentials.
    pub session_token: Option<SecretString>,
    /// When they end, where the token says so.
    pub expiration: Option<Timestamp>,
}

impl fmt::Debug for EmbeddedCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EmbeddedCredentials({})", crate::redact::key_id(&self.access_key_id))
    }
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Claims(subject: {:?})", self.subject())
    }
}

impl Claims {
    /// Whom the token speaks of: `sub`, else the registry's `id` or `uuid`.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.text(&["sub", "id", "uuid", "user_id"])
    }

    /// Display name, where the token has one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.text(&["name", "username"])
    }

    /// Mail address, where the token has one.
    #[must_use]
    pub fn email(&self) -> Option<&str> {
        self.text(&["email"])
    }

    /// The role that the token asks to act in: a claim of its own, else the first role ARN among `roles`.
    #[must_use]
    pub fn role_arn(&self) -> Option<&str> {
        self.text(&["role_arn", "aws_role_arn", "roleArn", "awsRoleArn"])
            .or_else(|| {
                let roles = self.open.get("roles")?.as_array()?;
                roles
                    .iter()
                    .filter_map(Value::as_str)
                    .find(|role| role.starts_with("arn:aws") && role.contains(":role/"))
            })
    }

    /// Tags for the session of an assumed role, as an object or as a list of `Key` and `Value`.
    pub fn session_tags(&self) -> Result<Vec<(String, String)>, &'static str> {
        let bad = "the session_tags claim is neither an object of texts nor a list of Key and Value";
        let text = |value: &Value| value.as_str().map(str::to_owned).ok_or(bad);
        match self.first(&["session_tags", "sessionTags", "tags"]) {
            None => Ok(Vec::new()),
            Some(Value::Object(tags)) => tags
                .iter()
                .map(|(key, value)| Ok((key.clone(), text(value)?)))
                .collect(),
            Some(Value::Array(tags)) => tags
                .iter()
                .map(|tag| Ok((text(tag.get("Key").ok_or(bad)?)?, text(tag.get("Value").ok_or(bad)?)?)))
                .collect(),
            Some(_) => Err(bad),
        }
    }

    /// Keys of the session tags that stay on when the session assumes further roles.
    pub fn transitive_tag_keys(&self) -> Result<Vec<String>, &'static str> {
        let bad = "the transitive_tag_keys claim is not a list of texts";
        match self.first(&["transitive_tag_keys", "transitiveTagKeys"]) {
            None => Ok(Vec::new()),
            Some(Value::Array(keys)) => keys
                .iter()
                .map(|key| key.as_str().map(str::to_owned).ok_or(bad))
                .collect(),
            Some(_) => Err(bad),
        }
    }

    /// Another token, for the registry, that this one carries.
    #[must_use]
    pub fn catalog_token(&self) -> Option<Result<BearerToken, Rejection>> {
        self.catalog_token.clone()
    }

    /// The registry that this token belongs to.
    #[must_use]
    pub fn registry_url(&self) -> Option<&str> {
        self.text(&["registry_url", "registryUrl"])
    }

    /// The catalog that this token belongs to.
    #[must_use]
    pub fn catalog_url(&self) -> Option<&str> {
        self.text(&["catalog_url", "catalogUrl"])
    }

    /// AWS credentials inside the token: `None` if it has none, an error text if they are not usable.
    #[must_use]
    pub fn embedded_credentials(&self) -> Option<Result<EmbeddedCredentials, &'static str>> {
        self.embedded.clone()
    }

    /// Checks `exp` (required), `nbf`, and, where configured, `iss` and `aud` (then required). Answers the expiry.
    pub fn check(&self, now: Timestamp, issuer: Option<&str>, audience: Option<&str>) -> Result<Timestamp, Rejection> {
        let expires_at = match self.first(&["exp"]) {
            None => return Err(invalid("it has no exp claim")),
            Some(value) => numeric_date(value).ok_or_else(|| invalid("its exp claim is not a time"))?,
        };
        if expires_at.as_second().saturating_add(LEEWAY_SECONDS) <= now.as_second() {
            return Err(Rejection::Expired { at: expires_at });
        }
        if let Some(value) = self.first(&["nbf"]) {
            let not_before = numeric_date(value).ok_or_else(|| invalid("its nbf claim is not a time"))?;
            if not_before.as_second().saturating_sub(LEEWAY_SECONDS) > now.as_second() {
                return Err(invalid("it is not valid yet"));
            }
        }
        if issuer.is_some_and(|wanted| self.text(&["iss"]) != Some(wanted)) {
            return Err(invalid("its issuer is not the one this server trusts"));
        }
        if audience.is_some_and(|wanted| !self.is_for(wanted)) {
            return Err(invalid("it was issued for another audience than this server"));
        }
        Ok(expires_at)
    }

    fn is_for(&self, audience: &str) -> bool {
        match self.open.get("aud") {
            Some(Value::String(one)) => one == audience,
            Some(Value::Array(many)) => many.iter().any(|one| one.as_str() == Some(audience)),
            _ => false,
        }
    }

    /// The first of these claims that is present and not null.
    fn first(&self, names: &[&str]) -> Option<&Value> {
        names
            .iter()
            .filter_map(|name| self.open.get(*name))
            .find(|value| !value.is_null())
    }

    /// The first of these claims that is a text with something in it.
    fn text(&self, names: &[&str]) -> Option<&str> {
        names
            .iter()
            .filter_map(|name| self.open.get(*name)?.as_str())
            .find(|text| !text.is_empty())
    }
}

/// AWS credentials out of the claim that holds them.
fn embedded(claim: &Value) -> Result<EmbeddedCredentials, &'static str> {
    let Value::Object(object) = claim else {
        return Err("the aws_credentials claim is not an object");
    };
    let get = |names: [&str; 3]| {
        names
            .iter()
            .find_map(|name| object.get(*name).and_then(Value::as_str))
            .filter(|text| !text.is_empty())
    };
    let Some(access_key_id) = get(["access_key_id", "accessKeyId", "AccessKeyId"]) else {
        return Err("the aws_credentials claim has no access_key_id");
    };
    let Some(secret) = get(["secret_access_key", "secretAccessKey", "SecretAccessKey"]) else {
        return Err("the aws_credentials claim has no secret_access_key");
    };
    let names = ["expiration", "expiresAt", "Expiration"];
    let expiration = match names
        .iter()
        .find_map(|name| object.get(*name))
        .filter(|value| !value.is_null())
    {
        None => None,
        Some(Value::String(text)) => Some(text.parse().ok()),
        Some(value) => Some(numeric_date(value)),
    };
    if expiration == Some(None) {
        return Err("the aws_credentials claim has an expiration that is not a time");
    }
    Ok(EmbeddedCredentials {
        access_key_id: access_key_id.to_owned(),
        secret_access_key: SecretString::from(secret),
        session_token: get(["session_token", "sessionToken", "SessionToken"]).map(SecretString::from),
        expiration: expiration.flatten(),
    })
}

fn invalid(detail: &str) -> Rejection {
    Rejection::Invalid {
        detail: detail.to_owned(),
    }
}

/// A `NumericDate` (RFC 7519): seconds since 1970, whole or not.
fn numeric_date(value: &Value) -> Option<Timestamp> {
    if let Some(seconds) = value.as_i64() {
        return Timestamp::from_second(seconds).ok();
    }
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked on the same line")]
    value
        .as_f64()
        .filter(|s| s.abs() < 1e11)
        .and_then(|s| Timestamp::from_second(s.floor() as i64).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn check(claims: Value, issuer: Option<&str>, audience: Option<&str>) -> Result<Timestamp, Rejection> {
        let claims: Claims = serde_json::from_value(claims).unwrap();
        claims.check(Timestamp::from_second(NOW).unwrap(), issuer, audience)
    }

    #[test]
    fn exp_is_required_and_has_thirty_seconds_of_grace() {
        assert!(matches!(check(json!({}), None, None), Err(Rejection::Invalid { .. })));
        assert!(matches!(
            check(json!({"exp": null}), None, None),
            Err(Rejection::Invalid { .. })
        ));
        assert!(matches!(
            check(json!({"exp": "soon"}), None, None),
            Err(Rejection::Invalid { .. })
        ));
        assert!(check(json!({"exp": NOW - 29}), None, None).is_ok());
        assert!(check(json!({"exp": NOW + 60}), None, None).is_ok());
        assert!(check(json!({"exp": 1_800_000_060.5}), None, None).is_ok());
        let at = Timestamp::from_second(NOW - 30).unwrap();
        assert_eq!(
            check(json!({"exp": NOW - 30}), None, None),
            Err(Rejection::Expired { at })
        );
    }

    #[test]
    fn nbf_has_the_same_grace() {
        assert!(check(json!({"exp": NOW + 60, "nbf": NOW + 30}), None, None).is_ok());
        assert!(check(json!({"exp": NOW + 60, "nbf": NOW + 31}), None, None).is_err());
        assert!(check(json!({"exp": NOW + 60, "nbf": "x"}), None, None).is_err());
    }

    #[test]
    fn a_configured_issuer_and_audience_are_required_and_exact() {
        let good = json!({"exp": NOW + 60, "iss": "https://i", "aud": ["a", "b"]});
        assert!(check(good.clone(), Some("https://i"), Some("b")).is_ok());
        assert!(check(json!({"exp": NOW + 60, "aud": "b"}), None, Some("b")).is_ok());
        for (issuer, audience) in [(Some("https://i/"), None), (Some("https://I"), None), (None, Some("c"))] {
            assert!(
                check(good.clone(), issuer, audience).is_err(),
                "{issuer:?} {audience:?}"
            );
        }
        let bare = json!({"exp": NOW + 60});
        assert!(
            check(bare.clone(), Some("https://i"), None).is_err(),
            "an absent iss is not a match"
        );
        assert!(check(bare, None, Some("b")).is_err(), "an absent aud is not a match");
    }

    #[test]
    fn embedded_credentials_in_every_spelling() {
        for (id, secret, token) in [
            ("access_key_id", "secret_access_key", "session_token"),
            ("accessKeyId", "secretAccessKey", "sessionToken"),
        ] {
            for outer in ["aws_credentials", "awsCredentials"] {
                let claims: Claims =
                    serde_json::from_value(json!({outer: {id: "ASIAX", secret: "s", token: "t"}})).unwrap();
                let embedded = claims.embedded_credentials().unwrap().unwrap();
                assert_eq!(embedded.access_key_id, "ASIAX");
                assert!(embedded.session_token.is_some());
            }
        }
        let half: Claims = serde_json::from_value(json!({"aws_credentials": {"access_key_id": "A"}})).unwrap();
        assert!(half.embedded_credentials().unwrap().is_err());
        let none: Claims = serde_json::from_value(json!({"aws_credentials": null})).unwrap();
        assert!(none.embedded_credentials().is_none());
    }

    #[test]
    fn claims_that_mean_the_same_may_stand_side_by_side() {
        let claims = json!({"sub": "", "id": "u-1", "uuid": "u-2", "name": "Alice", "username": "alice", "email": 7});
        let claims: Claims = serde_json::from_value(claims).unwrap();
        assert_eq!(
            (claims.subject(), claims.name(), claims.email()),
            (Some("u-1"), Some("Alice"), None)
        );
        let claims: Claims = serde_json::from_value(json!({"email": "alice@example.com"})).unwrap();
        assert_eq!(claims.email(), Some("alice@example.com"));
    }

    #[test]
    fn the_first_role_among_roles_is_one_of_aws() {
        let role = "arn:aws:iam::123456789012:role/r";
        let named = |claims: Value| {
            serde_json::from_value::<Claims>(claims)
                .unwrap()
                .role_arn()
                .map(str::to_owned)
        };
        let others = ["admin", "arn:aws:iam::123456789012:user/u", "urn:other:role/r"];
        assert_eq!(named(json!({"roles": others})), None);
        assert_eq!(
            named(json!({"roles": [others[0], others[1], others[2], role, "arn:aws:iam::1:role/x"]})),
            Some(role.into())
        );
        assert_eq!(
            named(json!({"roles": ["arn:aws:iam::1:role/x"], "role_arn": role})),
            Some(role.into())
        );
        assert_eq!(named(json!({"roles": role})), None, "a text is no list");
    }

    #[test]
    fn embedded_credentials_may_say_when_they_end() {
        let end = |expiration: Value| {
            let keys = json!({"access_key_id": "ASIAX", "secret_access_key": "s", "expiration": expiration});
            let claims: Claims = serde_json::from_value(json!({"aws_credentials": keys})).unwrap();
            claims.embedded_credentials().unwrap().map(|keys| keys.expiration)
        };
        let at = Some(Timestamp::from_second(NOW).unwrap());
        assert_eq!((end(json!(NOW)), end(json!(at))), (Ok(at), Ok(at)));
        assert_eq!(end(Value::Null), Ok(None));
        assert!(
            end(json!("soon")).is_err() && end(json!(true)).is_err(),
            "an end that nobody can read is not no end"
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

    proptest! {
        #[test]
        fn no_time_claim_panics(exp in proptest::num::f64::ANY, nbf in any::<i64>()) {
            let _ = check(json!({"exp": exp, "nbf": nbf}), None, None);
            let _ = check(json!({"exp": nbf, "nbf": exp}), None, None);
        }
    }
}
