//! Facets: which values the hits of a search have.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::documents::double;
use super::hits::{Hit, Source};
use super::index::extension;
use super::query::time_of;

/// Number of facets of metadata in `stats`; more are truncated.
const MAX_FACETS: usize = 100;
/// Number of values up to which a keyword is listed; with more it is shown as text.
const MAX_VALUES: usize = 1000;
/// Length up to which strings are keywords.
const MAX_KEYWORD_CHARS: usize = 256;

/// The type of a facet of metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FacetType {
    Number,
    Datetime,
    Keyword,
    Text,
    Boolean,
}

impl FacetType {
    const ALL: [Self; 5] = [Self::Number, Self::Datetime, Self::Keyword, Self::Text, Self::Boolean];

    pub fn name(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Datetime => "datetime",
            Self::Keyword => "keyword",
            Self::Text => "text",
            Self::Boolean => "boolean",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}

/// Returns the type as which a value of metadata is indexed. Lists are indexed if they are of strings.
pub fn facet_type(value: &Value) -> Option<FacetType> {
    match value {
        Value::Number(_) => Some(FacetType::Number),
        Value::Bool(_) => Some(FacetType::Boolean),
        Value::String(text) if time_of(text, false).is_some() => Some(FacetType::Datetime),
        Value::String(text) if text.chars().count() <= MAX_KEYWORD_CHARS => Some(FacetType::Keyword),
        Value::String(_) => Some(FacetType::Text),
        Value::Array(items) if items.iter().all(Value::is_string) => items.first().and_then(facet_type),
        Value::Array(_) | Value::Null | Value::Object(_) => None,
    }
}

/// Returns `ObjectsSearchStats` of all hits.
pub fn object_stats(hits: &[Hit<'_>], total: i64) -> Value {
    let extensions: BTreeSet<String> = hits
        .iter()
        .map(|hit| extension(hit.name))
        .filter(|it| !it.is_empty())
        .collect();
    json!({ "total": total, "modified": modified(hits), "size": sizes(hits), "ext": { "values": extensions } })
}

/// Returns `PackagesSearchStats` of all hits.
pub fn package_stats(hits: &[Hit<'_>], total: i64) -> Value {
    let manifests = hits.iter().filter_map(|hit| match &hit.source {
        Source::Package { manifest, .. } => Some(manifest),
        Source::Object(_) => None,
    });
    let workflows: BTreeSet<&str> = manifests
        .clone()
        .filter_map(|manifest| manifest.workflow_id())
        .collect();
    let entries = manifests.map(|manifest| double(manifest.total_files));
    let mut facets = meta_facets(hits);
    let is_truncated = facets.len() > MAX_FACETS;
    facets.truncate(MAX_FACETS);
    json!({
        "total": total, "modified": modified(hits), "size": sizes(hits), "entries": extents(entries),
        "workflow": { "values": workflows }, "userMeta": facets, "userMetaTruncated": is_truncated,
    })
}

/// Returns the facets of metadata whose path contains this text, of one type or of all.
pub fn filtered_facets(hits: &[Hit<'_>], path: &str, wanted: Option<&str>) -> Value {
    let is_wanted = |facet: &Value| {
        let text = |name: &str| facet.get(name).and_then(Value::as_str).unwrap_or_default();
        let type_name = text("__typename").trim_end_matches("PackageUserMetaFacet");
        text("path").contains(path) && wanted.is_none_or(|wanted| type_name.eq_ignore_ascii_case(wanted))
    };
    meta_facets(hits)
        .into_iter()
        .filter(is_wanted)
        .take(MAX_FACETS)
        .collect()
}

fn modified(hits: &[Hit<'_>]) -> Value {
    let times = || hits.iter().map(|hit| hit.modified);
    json!({ "min": times().min(), "max": times().max() })
}

fn sizes(hits: &[Hit<'_>]) -> Value {
    extents(hits.iter().map(|hit| double(hit.size)))
}

fn extents(numbers: impl Iterator<Item = f64> + Clone) -> Value {
    json!({ "min": numbers.clone().reduce(f64::min), "max": numbers.reduce(f64::max) })
}

/// Returns a facet for each path and type in the metadata of the hits, in the order of the paths.
fn meta_facets(hits: &[Hit<'_>]) -> Vec<Value> {
    let mut values: BTreeMap<(String, FacetType), Vec<&Value>> = BTreeMap::new();
    for hit in hits {
        if let Source::Package { manifest, .. } = &hit.source {
            collect(String::new(), &manifest.meta, &mut values);
        }
    }
    let facets = values.into_iter().map(|((path, facet), values)| {
        let (type_name, extents) = match facet {
            FacetType::Number => ("Number", extents(values.iter().filter_map(|value| value.as_f64()))),
            FacetType::Datetime => {
                let times: Vec<_> = strings(&values).filter_map(|text| time_of(text, false)).collect();
                (
                    "Datetime",
                    json!({ "min": times.iter().min(), "max": times.iter().max() }),
                )
            }
            FacetType::Keyword => {
                let distinct: BTreeSet<&str> = strings(&values).collect();
                if distinct.len() > MAX_VALUES {
                    ("Text", Value::Null)
                } else {
                    ("Keyword", json!({ "values": distinct }))
                }
            }
            FacetType::Text => ("Text", Value::Null),
            FacetType::Boolean => ("Boolean", Value::Null),
        };
        let type_name = format!("{type_name}PackageUserMetaFacet");
        json!({ "__typename": type_name, "path": path, "sortable": facet != FacetType::Text, "extents": extents })
    });
    facets.collect()
}

/// The strings among values and in lists.
fn strings<'v>(values: &[&'v Value]) -> impl Iterator<Item = &'v str> {
    let each = |value: &'v Value| match value {
        Value::Array(items) => items.iter().collect(),
        value => vec![value],
    };
    values
        .iter()
        .flat_map(move |value| each(value))
        .filter_map(Value::as_str)
}

fn collect<'v>(path: String, value: &'v Value, values: &mut BTreeMap<(String, FacetType), Vec<&'v Value>>) {
    if let Value::Object(fields) = value {
        for (name, inner) in fields {
            let name = name.replace('~', "~0").replace('/', "~1");
            collect(format!("{path}/{name}"), inner, values);
        }
    } else if let Some(facet) = facet_type(value) {
        values.entry((path, facet)).or_default().push(value);
    }
}
