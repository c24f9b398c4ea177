//! Orders of hits, pages and cursors.
//!
//! A cursor contains the whole search and the position of the last hit of its page in the order of the hits, which is total.
//! So the hits that stay are neither lost nor repeated while others come and go.

use std::cmp::Ordering;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::documents::double;
use super::facets::{FacetType, facet_type};
use super::filter::{Arguments, InputError, Kind};
use super::hits::{Hit, Source};
use super::query::time_of;

const GRAMMAR: &str = "sys:{name|modified|size|entries|hash|workflow}:{asc|desc} or \
                       usr:{JSON pointer}:{number|datetime|keyword|text|boolean}:{asc|desc}";

/// An order of hits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    key: SortKey,
    is_descending: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum SortKey {
    Score,
    Modified,
    Name,
    Size,
    Entries,
    Hash,
    Workflow,
    Meta(String, FacetType),
}

/// The value by which a hit is sorted; hits without one are last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SortValue {
    Number(f64),
    Text(String),
    None,
}

/// A page of a search and where it ended.
#[derive(Serialize, Deserialize)]
pub struct Cursor {
    pub kind: Kind,
    pub arguments: Arguments,
    pub order: Order,
    pub after: (SortValue, String),
}

impl Cursor {
    pub fn encode(&self) -> Option<String> {
        serde_json::to_vec(self)
            .ok()
            .map(|json| BASE64_URL_SAFE_NO_PAD.encode(json))
    }

    pub fn decode(text: &str) -> Option<Self> {
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()
    }
}

impl Order {
    /// Returns the order of a `SearchResultOrder`, by relevance if it is null.
    pub fn named(name: Option<&str>) -> Self {
        let (key, is_descending) = match name {
            Some("NEWEST") => (SortKey::Modified, true),
            Some("OLDEST") => (SortKey::Modified, false),
            Some("LEX_ASC") => (SortKey::Name, false),
            Some("LEX_DESC") => (SortKey::Name, true),
            _ => (SortKey::Score, true),
        };
        Self { key, is_descending }
    }

    /// Parses a `PackageOrdering` for these hits.
    pub fn parse(expression: &Value, hits: &[Hit<'_>]) -> Result<Self, InputError> {
        if expression.is_null() {
            return Ok(Self::named(None));
        }
        let error = |name, message| InputError {
            path: "ordering".to_owned(),
            name,
            message,
        };
        let text = expression.as_str().unwrap_or_default();
        let unparseable = || error("ordering", format!("`{text}` is not an ordering; expected {GRAMMAR}"));
        let (prefix, rest) = text.split_once(':').ok_or_else(unparseable)?;
        let (rest, direction) = rest.rsplit_once(':').ok_or_else(unparseable)?;
        let is_descending = match direction {
            "asc" => false,
            "desc" => true,
            _ => return Err(unparseable()),
        };
        let key = match (prefix, rest) {
            ("sys", "name") => SortKey::Name,
            ("sys", "modified") => SortKey::Modified,
            ("sys", "size") => SortKey::Size,
            ("sys", "entries") => SortKey::Entries,
            ("sys", "hash") => SortKey::Hash,
            ("sys", "workflow") => SortKey::Workflow,
            ("sys", "comment") => return Err(error("UnsupportedSort", "comment cannot be sorted".to_owned())),
            ("usr", rest) => {
                let (pointer, facet) = rest.rsplit_once(':').ok_or_else(unparseable)?;
                let facet = FacetType::parse(facet).ok_or_else(unparseable)?;
                let has_type = |hit: &Hit<'_>| {
                    hit.meta(pointer).and_then(facet_type).is_some_and(|found| {
                        found == facet || (facet == FacetType::Text && found == FacetType::Keyword)
                    })
                };
                if !pointer.starts_with('/') {
                    return Err(unparseable());
                }
                if !hits.iter().any(has_type) {
                    let message = format!("{pointer} has no values of the type {}", facet.name());
                    return Err(error("UnsupportedSort", message));
                }
                SortKey::Meta(pointer.to_owned(), facet)
            }
            _ => return Err(unparseable()),
        };
        Ok(Self { key, is_descending })
    }

    fn value(&self, hit: &Hit<'_>) -> SortValue {
        let package = match &hit.source {
            Source::Package { pointer, manifest, .. } => Some((pointer, manifest)),
            Source::Object(_) => None,
        };
        match &self.key {
            SortKey::Score => SortValue::Number(hit.score),
            SortKey::Modified => SortValue::Number(hit.modified.as_duration().as_secs_f64()),
            SortKey::Size => SortValue::Number(double(hit.size)),
            SortKey::Name => SortValue::Text(hit.name.to_owned()),
            SortKey::Entries => package.map_or(SortValue::None, |(_, it)| SortValue::Number(double(it.total_files))),
            SortKey::Hash => package.map_or(SortValue::None, |(it, _)| SortValue::Text(it.hash.to_string())),
            SortKey::Workflow => package
                .and_then(|(_, manifest)| manifest.workflow_id())
                .map_or(SortValue::None, |id| SortValue::Text(id.to_owned())),
            SortKey::Meta(pointer, _) => match hit.meta(pointer) {
                Some(Value::Number(number)) => number.as_f64().map_or(SortValue::None, SortValue::Number),
                Some(Value::Bool(value)) => SortValue::Number(f64::from(u8::from(*value))),
                Some(Value::String(text)) => time_of(text, false).map_or_else(
                    || SortValue::Text(text.clone()),
                    |time| SortValue::Number(time.as_duration().as_secs_f64()),
                ),
                _ => SortValue::None,
            },
        }
    }

    fn compare(&self, first: &(SortValue, String), second: &(SortValue, String)) -> Ordering {
        let by_value = match (&first.0, &second.0) {
            (SortValue::Number(first), SortValue::Number(second)) => first.total_cmp(second),
            (SortValue::Text(first), SortValue::Text(second)) => first.cmp(second),
            (first, second) => first.rank().cmp(&second.rank()),
        };
        let is_reversed = self.is_descending && first.0.rank() == second.0.rank();
        let by_value = if is_reversed { by_value.reverse() } else { by_value };
        by_value.then_with(|| first.1.cmp(&second.1))
    }

    /// Returns a page of hits, and the position of its last hit if there are more.
    pub fn page<'h, 'i>(
        &self,
        hits: &'h [Hit<'i>],
        after: Option<&(SortValue, String)>,
        size: usize,
    ) -> (Vec<&'h Hit<'i>>, Option<(SortValue, String)>) {
        let positions = hits.iter().map(|hit| ((self.value(hit), hit.place()), hit));
        let mut rest: Vec<_> = positions
            .filter(|(position, _)| after.is_none_or(|after| self.compare(position, after).is_gt()))
            .collect();
        rest.sort_by(|(first, _), (second, _)| self.compare(first, second));
        let has_more = rest.len() > size;
        rest.truncate(size);
        let last = rest.last().filter(|_| has_more).map(|(position, _)| position.clone());
        (rest.into_iter().map(|(_, hit)| hit).collect(), last)
    }
}

impl SortValue {
    fn rank(&self) -> u8 {
        match self {
            Self::Number(_) => 0,
            Self::Text(_) => 1,
            Self::None => 2,
        }
    }
}

impl Hit<'_> {
    /// Returns the value of a package's metadata at a JSON pointer.
    fn meta(&self, pointer: &str) -> Option<&Value> {
        match &self.source {
            Source::Package { manifest, .. } => manifest.meta.pointer(pointer),
            Source::Object(_) => None,
        }
    }
}
