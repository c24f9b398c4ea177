//! The arguments of a search, as they are in a request and in a cursor.

use jiff::Timestamp;
use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::query::{Query, QuerySyntaxError, time_of};

/// What is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Objects,
    Packages,
}

/// The arguments of a search.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Arguments {
    pub buckets: Option<Vec<String>>,
    pub search_string: Option<String>,
    filter: Option<Filters>,
    user_meta_filters: Option<Vec<MetaPredicate>>,
    pub latest_only: bool,
}

/// The filters of objects and packages; the schema says which of them each has.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Filters {
    modified: Option<Bounds<String>>,
    size: Option<Bounds<f64>>,
    entries: Option<Bounds<f64>>,
    ext: Option<Keyword>,
    key: Option<Keyword>,
    name: Option<Keyword>,
    hash: Option<Keyword>,
    workflow: Option<Keyword>,
    content: Option<Text>,
    comment: Option<Text>,
    deleted: Option<Boolean>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Bounds<T> {
    #[serde(default = "Option::default")]
    gte: Option<T>,
    #[serde(default = "Option::default")]
    lte: Option<T>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Keyword {
    #[serde(default)]
    terms: Option<Vec<String>>,
    #[serde(default)]
    wildcard: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Text {
    query_string: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Boolean {
    #[serde(default, rename = "true")]
    yes: Option<bool>,
    #[serde(default, rename = "false")]
    no: Option<bool>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct MetaPredicate {
    path: String,
    #[serde(default)]
    datetime: Option<Bounds<String>>,
    #[serde(default)]
    number: Option<Bounds<f64>>,
    #[serde(default)]
    text: Option<Text>,
    #[serde(default)]
    keyword: Option<Keyword>,
    #[serde(default)]
    boolean: Option<Boolean>,
}

/// An argument that is not valid: `InputError` of the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputError {
    pub path: String,
    pub name: &'static str,
    pub message: String,
}

impl InputError {
    fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            name: "InvalidInput",
            message: message.into(),
        }
    }

    fn syntax(path: impl Into<String>) -> impl Fn(QuerySyntaxError) -> Self {
        let path = path.into();
        move |error| Self {
            path: path.clone(),
            name: "QuerySyntaxError",
            message: error.to_string(),
        }
    }
}

/// A condition that the value of a field meets.
#[derive(Debug)]
pub enum Condition {
    Time(Timestamp, Timestamp),
    Number(f64, f64),
    Keyword(Option<Vec<String>>, Option<Regex>),
    Boolean(bool, bool),
    Text(Query),
}

/// The filters of a search, parsed: the fields or the paths in metadata, with their conditions.
#[derive(Debug)]
pub struct Filter {
    pub query: Query,
    pub fields: Vec<(&'static str, Condition)>,
    pub meta: Vec<(String, Condition)>,
}

impl Arguments {
    /// Parses the query string and the filters.
    pub fn parse(&self) -> Result<Filter, InputError> {
        let text = self.search_string.as_deref().unwrap_or_default();
        let query = Query::parse(text).map_err(InputError::syntax("search.query"))?;
        let fields = self
            .filter
            .as_ref()
            .map(Filters::parse)
            .transpose()?
            .unwrap_or_default();
        let predicates = self.user_meta_filters.iter().flatten();
        let meta = predicates.map(MetaPredicate::parse).collect::<Result<_, _>>()?;
        Ok(Filter { query, fields, meta })
    }
}

impl Filters {
    fn parse(&self) -> Result<Vec<(&'static str, Condition)>, InputError> {
        let mut fields = Vec::new();
        if let Some(bounds) = &self.modified {
            fields.push(("modified", bounds.condition("filter.modified")?));
        }
        for (name, bounds) in [("size", &self.size), ("entries", &self.entries)] {
            fields.extend(bounds.as_ref().map(|bounds| (name, bounds.condition())));
        }
        let keywords = [
            ("ext", &self.ext),
            ("key", &self.key),
            ("name", &self.name),
            ("hash", &self.hash),
            ("workflow", &self.workflow),
        ];
        for (name, keyword) in keywords {
            if let Some(keyword) = keyword {
                fields.push((name, keyword.condition(&format!("filter.{name}"))?));
            }
        }
        for (name, text) in [("content", &self.content), ("comment", &self.comment)] {
            if let Some(text) = text {
                fields.push((name, text.condition(&format!("filter.{name}"))?));
            }
        }
        fields.extend(self.deleted.as_ref().map(|deleted| ("deleted", deleted.condition())));
        Ok(fields)
    }
}

impl MetaPredicate {
    fn parse(&self) -> Result<(String, Condition), InputError> {
        let place = format!("userMetaFilters.{}", self.path);
        if !self.path.starts_with('/') {
            return Err(InputError::new(
                place,
                "The path must be a JSON pointer, such as /field",
            ));
        }
        let mut conditions = Vec::new();
        if let Some(bounds) = &self.datetime {
            conditions.push(bounds.condition(&place)?);
        }
        conditions.extend(self.number.as_ref().map(Bounds::<f64>::condition));
        if let Some(text) = &self.text {
            conditions.push(text.condition(&place)?);
        }
        if let Some(keyword) = &self.keyword {
            conditions.push(keyword.condition(&place)?);
        }
        conditions.extend(self.boolean.as_ref().map(Boolean::condition));
        match (conditions.pop(), conditions.is_empty()) {
            (Some(condition), true) => Ok((self.path.clone(), condition)),
            _ => Err(InputError::new(place, "Exactly one predicate must be given")),
        }
    }
}

impl Bounds<String> {
    fn condition(&self, path: &str) -> Result<Condition, InputError> {
        let bound = |text: &Option<String>, name: &str, is_end: bool, default: Timestamp| match text {
            None => Ok(default),
            Some(text) => time_of(text, is_end).ok_or_else(|| {
                InputError::new(format!("{path}.{name}"), format!("Invalid isoformat string: '{text}'"))
            }),
        };
        Ok(Condition::Time(
            bound(&self.gte, "gte", false, Timestamp::MIN)?,
            bound(&self.lte, "lte", true, Timestamp::MAX)?,
        ))
    }
}

impl Bounds<f64> {
    fn condition(&self) -> Condition {
        Condition::Number(self.gte.unwrap_or(f64::NEG_INFINITY), self.lte.unwrap_or(f64::INFINITY))
    }
}

impl Keyword {
    fn condition(&self, path: &str) -> Result<Condition, InputError> {
        let pattern = self.wildcard.as_deref().map(|wildcard| {
            Query::wildcard(wildcard).ok_or_else(|| InputError::new(path, "The wildcard is too large"))
        });
        Ok(Condition::Keyword(self.terms.clone(), pattern.transpose()?))
    }
}

impl Text {
    fn condition(&self, path: &str) -> Result<Condition, InputError> {
        let query = Query::parse(&self.query_string).map_err(InputError::syntax(format!("{path}.queryString")))?;
        Ok(Condition::Text(query))
    }
}

impl Boolean {
    fn condition(&self) -> Condition {
        Condition::Boolean(self.yes == Some(true), self.no == Some(true))
    }
}

impl Condition {
    pub fn takes_time(&self, time: Timestamp) -> bool {
        matches!(self, Self::Time(from, to) if (*from..=*to).contains(&time))
    }

    pub fn takes_number(&self, number: f64) -> bool {
        matches!(self, Self::Number(from, to) if (*from..=*to).contains(&number))
    }

    pub fn takes_keyword(&self, value: &str) -> bool {
        let Self::Keyword(terms, pattern) = self else {
            return false;
        };
        terms
            .as_ref()
            .is_none_or(|terms| terms.iter().any(|term| term == value))
            && pattern.as_ref().is_none_or(|pattern| pattern.is_match(value))
    }

    pub fn takes_bool(&self, value: bool) -> bool {
        match self {
            // Neither or both are no restriction.
            Self::Boolean(yes, no) => yes == no || *yes == value,
            _ => false,
        }
    }

    /// Whether a value of metadata meets the condition; of a list, one of its values.
    pub fn takes_meta(&self, value: &Value, matches_text: impl Fn(&Query, &str) -> bool + Copy) -> bool {
        match value {
            Value::Array(items) => items.iter().any(|item| self.takes_meta(item, matches_text)),
            Value::Bool(value) => self.takes_bool(*value),
            Value::Number(number) => number.as_f64().is_some_and(|number| self.takes_number(number)),
            Value::String(text) => match self {
                Self::Text(query) => matches_text(query, text),
                Self::Time(..) => time_of(text, false).is_some_and(|time| self.takes_time(time)),
                other => other.takes_keyword(text),
            },
            Value::Null | Value::Object(_) => false,
        }
    }
}
