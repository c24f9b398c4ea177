//! The claims of a verified JWT that this server understands.
//!
//! Spellings and meanings are those of the Python server and of Quilt's registry, whose own tokens carry only `id`,
//! `uuid` and `exp`. A claim is data from the token's issuer: it is used only after the signature was verified.

mod check;
mod embedded;
mod numeric_date;

use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value};

pub use self::embedded::EmbeddedCredentials;
use super::{BearerToken, Rejection};

/// Claims of a token. A claim of another type than expected counts as absent, except for `exp` and `nbf`.
///
/// Secret claims are removed from the open map when the token is decoded.
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
        let embedded = take(["aws_credentials", "awsCredentials"]).map(|claim| EmbeddedCredentials::from_claim(&claim));
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

    /// Returns the tags for the session of an assumed role, from an object or an array of `Key` and `Value`.
    pub fn session_tags(&self) -> Result<Vec<(String, String)>, &'static str> {
        let bad = "the session_tags claim is neither an object of strings nor an array of Key and Value";
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

    /// Returns the keys of the session tags that persist when the session assumes further roles.
    pub fn transitive_tag_keys(&self) -> Result<Vec<String>, &'static str> {
        let bad = "the transitive_tag_keys claim is not an array of strings";
        match self.first(&["transitive_tag_keys", "transitiveTagKeys"]) {
            None => Ok(Vec::new()),
            Some(Value::Array(keys)) => keys
                .iter()
                .map(|key| key.as_str().map(str::to_owned).ok_or(bad))
                .collect(),
            Some(_) => Err(bad),
        }
    }

    /// Returns the token for the registry that this token carries.
    #[must_use]
    pub fn catalog_token(&self) -> Option<Result<BearerToken, Rejection>> {
        self.catalog_token.clone()
    }

    /// Returns the URL of the registry that the token names.
    #[must_use]
    pub fn registry_url(&self) -> Option<&str> {
        self.text(&["registry_url", "registryUrl"])
    }

    /// Returns the URL of the catalog that the token names.
    #[must_use]
    pub fn catalog_url(&self) -> Option<&str> {
        self.text(&["catalog_url", "catalogUrl"])
    }

    /// Returns the AWS credentials that the token carries, or why they cannot be used.
    #[must_use]
    pub fn embedded_credentials(&self) -> Option<Result<EmbeddedCredentials, &'static str>> {
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
        assert_eq!(named(json!({"roles": role})), None, "a string is not an array");
    }
}
