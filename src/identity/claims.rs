//! The claims of a verified JWT that this server understands.
//!
//! Spellings and meanings are those of the Python server and of Quilt's registry, whose own tokens carry only `id`,
//! `uuid` and `exp`. A claim is data from the token's issuer: it is used only after the signature was verified.

mod check;
mod claim_error;
mod embedded;
mod numeric_date;

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

pub use self::claim_error::ClaimError;
use self::claim_error::{Found, present, text, texts};
pub use self::embedded::EmbeddedCredentials;
use super::{BearerToken, shown};
use crate::json::deserialize_value;

/// Spellings of the claim for a role.
const ROLE_ARN: [&str; 4] = ["role_arn", "aws_role_arn", "roleArn", "awsRoleArn"];
/// What session tags may be.
const TAGS: &str = "an object of strings or an array of objects with Key and Value";

/// Claims of a token.
///
/// A claim that describes the user and has another type than expected counts as absent. A claim that chooses a credential
/// source never does: what cannot be read is a [`ClaimError`]. Secret claims are removed from the open map when the token is
/// decoded.
#[derive(Clone)]
pub struct Claims {
    open: Map<String, Value>,
    embedded: Result<Option<EmbeddedCredentials>, ClaimError>,
    catalog_token: Result<Option<BearerToken>, ClaimError>,
}

impl Default for Claims {
    fn default() -> Self {
        Self {
            open: Map::new(),
            embedded: Ok(None),
            catalog_token: Ok(None),
        }
    }
}

impl From<Map<String, Value>> for Claims {
    fn from(mut open: Map<String, Value>) -> Self {
        let embedded = present(&open, &EmbeddedCredentials::CLAIM)
            .and_then(|found| found.map(EmbeddedCredentials::from_claim).transpose());
        let names = ["catalog_token", "catalogToken"];
        let catalog_token = text(&open, &names).and_then(|token| match token.map(BearerToken::parse) {
            None => Ok(None),
            Some(Ok(token)) => Ok(Some(token)),
            Some(Err(_)) => Err(ClaimError::Malformed {
                claim: "catalog_token".to_owned(),
                problem: "is no token",
            }),
        });
        for name in EmbeddedCredentials::CLAIM.into_iter().chain(names) {
            open.remove(name);
        }
        Self {
            open,
            embedded,
            catalog_token,
        }
    }
}

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserialize_value(deserializer)? {
            Value::Object(claims) => Ok(claims.into()),
            _ => Err(D::Error::custom("expected an object")),
        }
    }
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Claims(subject: {:?})", self.subject())
    }
}

impl Claims {
    /// Returns the user of the token: `sub`, else the registry's `id` or `uuid`.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.text(&["sub", "id", "uuid", "user_id"])
    }

    /// Returns the claim of this name if it is a string. Claims that are secret have no name here.
    #[must_use]
    pub fn named_text(&self, name: &str) -> Option<&str> {
        self.text(&[name])
    }

    /// Returns the display name of the user.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.text(&["name", "username"])
    }

    /// Returns the mail address of the user.
    #[must_use]
    pub fn email(&self) -> Option<&str> {
        self.text(&["email"])
    }

    /// Returns the role that the token names: in a claim of its own, else the first role ARN among `roles`.
    pub fn role_arn(&self) -> Result<Option<&str>, ClaimError> {
        if let Some(role) = text(&self.open, &ROLE_ARN)? {
            return Ok(Some(role));
        }
        let roles = texts(&self.open, &["roles"])?;
        let is_role = |role: &str| role.starts_with("arn:aws") && role.contains(":role/");
        if let Some(role) = roles.iter().find(|role| is_role(role)) {
            return Ok(Some(role));
        }
        // Others than of AWS are roles in the issuer's own terms.
        if roles.iter().any(|role| is_role(&role.trim().to_lowercase())) {
            return Err(ClaimError::Malformed {
                claim: "roles".to_owned(),
                problem: "has an ARN with white space around it or in capitals",
            });
        }
        Ok(None)
    }

    /// Returns the tags for the session of an assumed role, from an object or an array of `Key` and `Value`. Other issuers
    /// have a claim `tags` for their own purposes, so that without a role an unreadable one is absent.
    pub fn session_tags(&self) -> Result<Vec<(String, String)>, ClaimError> {
        let names_role = matches!(self.role_arn(), Ok(Some(_)));
        let own = present(&self.open, &["session_tags", "sessionTags"])?;
        let found = match own {
            Some(found) if !names_role => Some(found),
            _ => present(&self.open, &["session_tags", "sessionTags", "tags"])?,
        };
        match found.map_or_else(|| Ok(Vec::new()), read_tags) {
            Err(_) if own.is_none() && !names_role => Ok(Vec::new()),
            tags => tags,
        }
    }

    /// Returns the keys of the session tags that persist when the session assumes further roles.
    pub fn transitive_tag_keys(&self) -> Result<Vec<String>, ClaimError> {
        let keys = texts(&self.open, &["transitive_tag_keys", "transitiveTagKeys"])?;
        Ok(keys.into_iter().map(str::to_owned).collect())
    }

    /// Returns the token for the registry that this token carries.
    pub fn catalog_token(&self) -> Result<Option<BearerToken>, ClaimError> {
        self.catalog_token.clone()
    }

    /// Returns the URL of the registry that the token names.
    pub fn registry_url(&self) -> Result<Option<&str>, ClaimError> {
        text(&self.open, &["registry_url", "registryUrl"])
    }

    /// Returns the URL of the catalog that the token names.
    pub fn catalog_url(&self) -> Result<Option<&str>, ClaimError> {
        text(&self.open, &["catalog_url", "catalogUrl"])
    }

    /// Returns the AWS credentials that the token carries.
    pub fn embedded_credentials(&self) -> Result<Option<EmbeddedCredentials>, ClaimError> {
        self.embedded.clone()
    }

    /// Returns the first of these claims that is present and not null.
    fn first(&self, names: &[&str]) -> Option<&Value> {
        names
            .iter()
            .filter_map(|name| self.open.get(*name))
            .find(|value| !value.is_null())
    }

    /// Returns the first of these claims that is a non-empty string.
    fn text(&self, names: &[&str]) -> Option<&str> {
        names
            .iter()
            .filter_map(|name| self.open.get(*name)?.as_str())
            .find(|text| !text.is_empty())
    }
}

fn read_tags(found: Found<'_>) -> Result<Vec<(String, String)>, ClaimError> {
    let text = |value: &Value| {
        let text = value.as_str().map(str::to_owned);
        text.ok_or_else(|| found.wrong_item(value, TAGS))
    };
    let pair = |tag: &Value| match (tag.get("Key"), tag.get("Value")) {
        (Some(Value::String(key)), Some(Value::String(value))) => Ok((key.clone(), value.clone())),
        _ => Err(found.wrong_item(tag, TAGS)),
    };
    match found.value {
        Value::Object(tags) => tags
            .iter()
            .map(|(key, value)| Ok((key.clone(), text(value)?)))
            .collect(),
        Value::Array(tags) => tags.iter().map(pair).collect(),
        other => Err(found.wrong_type(shown::kind(other), TAGS)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
            let claims: Claims = serde_json::from_value(claims).unwrap();
            claims.role_arn().map(|role| role.map(str::to_owned))
        };
        let found = Ok(Some(role.to_owned()));
        let others = ["admin", "arn:aws:iam::123456789012:user/u", "urn:other:role/r"];
        assert_eq!(named(json!({"roles": others})), Ok(None));
        assert_eq!(
            named(json!({"roles": [others[0], others[1], others[2], role, "arn:aws:iam::1:role/x"]})),
            found
        );
        assert_eq!(
            named(json!({"roles": ["arn:aws:iam::1:role/x"], "role_arn": role})),
            found
        );
        assert!(named(json!({"roles": role})).is_err(), "a string is not an array");
    }

    #[test]
    fn an_unreadable_claim_is_described_without_its_value() {
        let claims = |claims: Value| serde_json::from_value::<Claims>(claims).unwrap();
        let described = |error: Result<Option<&str>, ClaimError>| error.unwrap_err().to_string();
        assert_eq!(
            described(claims(json!({"roleArn": ["canary"]})).role_arn()),
            "the roleArn claim is an array; expected a string"
        );
        assert_eq!(
            described(claims(json!({"roles": ["canary", {}]})).role_arn()),
            "the roles claim is an array with an object; expected an array of strings"
        );
        assert_eq!(
            described(claims(json!({"registry_url": "canary-1", "registryUrl": "canary-2"})).registry_url()),
            "the claims registry_url and registryUrl, which mean the same, have different values; expected one of them"
        );
        let tags = claims(json!({"tags": ["canary"]}));
        assert_eq!(tags.session_tags(), Ok(Vec::new()), "another issuer's own claim");
        let tags = claims(json!({"tags": ["canary"], "role_arn": "arn:aws:iam::1:role/x"}));
        assert_eq!(
            tags.session_tags().unwrap_err().to_string(),
            format!("the tags claim is an array with a string; expected {TAGS}")
        );
    }
}
