//! Typed access to the configuration's YAML document, with errors that report the location.

use super::yaml::Yaml;

/// An error in a bucket's workflow configuration, `.quilt/workflows/config.yml`, which the bucket's owner must correct.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Occurs when the document is not YAML.
    #[error("the workflows config is not YAML: {0}")]
    NotYaml(String),
    /// Occurs when a value is missing, unknown or of the wrong type.
    #[error("the workflows config is not valid at `{place}`: {problem}")]
    Invalid {
        /// The location, as a path of keys.
        place: String,
        /// The problem.
        problem: String,
    },
    /// Occurs when the configuration has a newer version than is supported.
    #[error("version '{0}' of the workflows config is not supported; supported is up to 1.1.0")]
    UnsupportedVersion(String),
    /// Occurs when a workflow refers to a schema that is not defined.
    #[error("there is no '{0}' in the schemas of the workflows config")]
    NoSuchSchema(String),
    /// Occurs when the URL of a schema is not an `s3://` URL.
    #[error("the workflows config has a URL for the schema '{id}' that cannot be read: {problem}")]
    SchemaUrl {
        /// The schema's ID.
        id: String,
        /// The problem.
        problem: String,
    },
    /// Occurs when a `handle_pattern` is not a regular expression of Python.
    #[error("the handle_pattern of the workflow '{workflow}' is not a valid regular expression: {problem}")]
    Pattern {
        /// The workflow's ID.
        workflow: String,
        /// The problem.
        problem: String,
    },
}

/// A value of the document with its location.
pub(super) struct Node<'a> {
    value: &'a Yaml,
    place: String,
}

impl<'a> Node<'a> {
    pub(super) fn root(value: &'a Yaml) -> Self {
        Self {
            value,
            place: String::new(),
        }
    }

    pub(super) fn wrong(&self, problem: impl Into<String>) -> ConfigError {
        let place = if self.place.is_empty() { "." } else { &self.place };
        ConfigError::Invalid {
            place: place.to_owned(),
            problem: problem.into(),
        }
    }

    fn unexpected(&self, expected: &str) -> ConfigError {
        self.wrong(format!("expected {expected}, found {}", self.value.kind()))
    }

    pub(super) fn is_string(&self) -> bool {
        matches!(self.value, Yaml::String(_))
    }

    pub(super) fn string(&self) -> Result<String, ConfigError> {
        match self.value {
            Yaml::String(text) => Ok(text.clone()),
            _ => Err(self.unexpected("a string (in quotes, if it looks like something else)")),
        }
    }

    pub(super) fn text(&self) -> Result<String, ConfigError> {
        let text = self.string()?;
        if text.is_empty() {
            Err(self.wrong("it is empty"))
        } else {
            Ok(text)
        }
    }

    pub(super) fn boolean(&self) -> Result<bool, ConfigError> {
        match self.value {
            Yaml::Bool(value) => Ok(*value),
            _ => Err(self.unexpected("a boolean")),
        }
    }

    fn pairs(&self) -> Result<&'a [(Yaml, Yaml)], ConfigError> {
        match self.value {
            Yaml::Mapping(pairs) => Ok(pairs),
            _ => Err(self.unexpected("an object")),
        }
    }

    /// Returns the members of an object with arbitrary keys, which must not be empty.
    pub(super) fn members(&self) -> Result<Vec<(String, Node<'a>)>, ConfigError> {
        let pairs = self.pairs()?;
        if pairs.is_empty() {
            return Err(self.wrong("it is empty"));
        }
        pairs
            .iter()
            .map(|(key, value)| match key {
                Yaml::String(key) => Ok((key.clone(), self.below(key, value))),
                other => Err(self.wrong(format!(
                    "a key is {} and not a string; write it in quotes",
                    other.kind()
                ))),
            })
            .collect()
    }

    /// Returns an optional field of an object.
    pub(super) fn field(&self, name: &str) -> Result<Option<Node<'a>>, ConfigError> {
        let found = self
            .pairs()?
            .iter()
            .find(|(key, _)| matches!(key, Yaml::String(key) if key == name));
        Ok(found.map(|(_, value)| self.below(name, value)))
    }

    pub(super) fn required(&self, name: &str) -> Result<Node<'a>, ConfigError> {
        self.field(name)?
            .ok_or_else(|| self.wrong(format!("`{name}` is required")))
    }

    /// Returns an error if an object has fields other than these.
    pub(super) fn only(&self, names: &[&str]) -> Result<(), ConfigError> {
        for (key, _) in self.pairs()? {
            match key {
                Yaml::String(key) if names.contains(&key.as_str()) => {}
                Yaml::String(key) => {
                    return Err(self.wrong(format!("`{key}` is not known here; known are {}", names.join(", "))));
                }
                other => return Err(self.wrong(format!("a key is {} and not a string", other.kind()))),
            }
        }
        Ok(())
    }

    fn below(&self, key: &str, value: &'a Yaml) -> Self {
        let place = if self.place.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.place)
        };
        Self { value, place }
    }
}
