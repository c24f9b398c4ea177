//! Form parameters of an STS request, and their validation.

use std::collections::{BTreeMap, HashMap};

use url::form_urlencoded;

use super::xml::StsError;

/// The parameters of a request.
pub(crate) struct Form(HashMap<String, String>);

impl Form {
    pub(crate) fn parse(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Returns a parameter, or a validation error if it is missing or empty.
    pub(crate) fn required(&self, name: &str) -> Result<&str, StsError> {
        let field = lower_first(name);
        self.get(name).filter(|value| !value.is_empty()).ok_or_else(|| {
            StsError::validation(format!(
                "1 validation error detected: Value null at '{field}' failed to satisfy constraint: Member must not be null"
            ))
        })
    }

    /// Validates the name of a session or source identity.
    pub(crate) fn validate_name<'a>(field: &str, value: &'a str) -> Result<&'a str, StsError> {
        if (2..=64).contains(&value.len()) && value.bytes().all(is_name_byte) {
            return Ok(value);
        }
        Err(StsError::validation(format!(
            "1 validation error detected: Value '{value}' at '{}' failed to satisfy constraint: Member must satisfy \
             regular expression pattern: [\\w+=,.@-]*",
            lower_first(field)
        )))
    }

    /// Returns the session tags: `Tags.member.N.Key` and `.Value`.
    pub(crate) fn tags(&self) -> Result<BTreeMap<String, String>, StsError> {
        let mut tags = BTreeMap::new();
        for number in 1..=51 {
            let Some(key) = self.get(&format!("Tags.member.{number}.Key")) else {
                break;
            };
            let value = self.get(&format!("Tags.member.{number}.Value")).unwrap_or_default();
            if number > 50 || key.is_empty() || key.len() > 128 || value.len() > 256 {
                return Err(StsError::validation(
                    "1 validation error detected: the session tags exceed their limits",
                ));
            }
            let duplicate = tags.keys().any(|existing: &String| existing.eq_ignore_ascii_case(key));
            if duplicate {
                return Err(StsError::new(
                    400,
                    "InvalidParameterValue",
                    "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
                ));
            }
            tags.insert(key.to_owned(), value.to_owned());
        }
        Ok(tags)
    }

    /// Returns the keys of the transitive session tags: `TransitiveTagKeys.member.N`.
    pub(crate) fn transitive_keys(&self) -> Vec<String> {
        (1..=50)
            .map_while(|number| self.get(&format!("TransitiveTagKeys.member.{number}")))
            .map(str::to_owned)
            .collect()
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte)
}

fn lower_first(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_ascii_lowercase().to_string() + chars.as_str()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        for good in ["al", "a.b-c_d@e=f,g+h", "quilt-mcp"] {
            assert!(Form::validate_name("RoleSessionName", good).is_ok(), "{good}");
        }
        for bad in ["a", "a b", "a/b", "ü1", &"x".repeat(65)] {
            assert!(Form::validate_name("RoleSessionName", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn tags_are_read_in_full() {
        let form = Form::parse(
            b"Tags.member.1.Key=team&Tags.member.1.Value=a+b&Tags.member.2.Key=x&TransitiveTagKeys.member.1=team",
        );
        let tags = form.tags().unwrap();
        assert_eq!(tags.get("team").map(String::as_str), Some("a b"));
        assert_eq!((tags.len(), form.transitive_keys()), (2, vec!["team".to_owned()]));
        let twice = Form::parse(b"Tags.member.1.Key=Team&Tags.member.2.Key=team");
        assert_eq!(twice.tags().unwrap_err().code, "InvalidParameterValue");
    }
}
