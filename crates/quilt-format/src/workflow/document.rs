//! Walks a configuration's document and says where it is wrong.

use super::yaml::Yaml;

/// Why a bucket's workflow configuration cannot be used. Its owner has to repair `.quilt/workflows/config.yml`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Repair its syntax.
    #[error("the workflows config is not YAML: {0}")]
    NotYaml(String),
    /// Repair the place.
    #[error("the workflows config is not valid at `{place}`: {problem}")]
    Invalid {
        /// Where, as a path of keys.
        place: String,
        /// What is wrong there.
        problem: String,
    },
    /// Use a newer program.
    #[error("version '{0}' of the workflows config is not supported; supported is up to 1.1.0")]
    UnsupportedVersion(String),
    /// Define the schema, or name another.
    #[error("there is no '{0}' in the schemas of the workflows config")]
    NoSuchSchema(String),
    /// Give an `s3://` URL.
    #[error("the workflows config names the schema '{id}' at a place that cannot be read: {problem}")]
    SchemaUrl {
        /// The schema.
        id: String,
        /// Why.
        problem: String,
    },
    /// Repair the pattern.
    #[error("the handle_pattern of the workflow '{workflow}' is not a pattern: {problem}")]
    Pattern {
        /// The workflow.
        workflow: String,
        /// Why.
        problem: String,
    },
}

/// A value of the document, and where it stands.
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

    /// The members of an object whose keys are free; there has to be one.
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

    /// A field of an object.
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

    /// Refuses fields other than these.
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
