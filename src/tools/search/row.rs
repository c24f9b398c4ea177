//! One result of a search, at a level of detail.

use jiff::Timestamp;
use quilt_format::{PackageName, QuiltUri, Revision, TopHash, json};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::aws::s3::ObjectUri;
use crate::catalog::{CatalogLinks, CatalogPage, Hit, MatchingEntry, ObjectHit, PackageHit};
use crate::json::Shape;
use crate::tools::ManifestJson;
use crate::tools::answer_size::beginning;

/// A package or an object.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Row {
    bucket: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_latest: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    s3_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    modified: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_entries: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<ManifestJson>,
    /// The metadata lacks members.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    metadata_cut: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    workflow_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    matched_in: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    entries: Vec<Entry>,
    /// More entries match.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    entries_cut: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    excerpt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    catalog_url: Option<String>,
}

/// An entry of a package that matches.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Entry {
    logical_key: String,
    s3_uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    matched_in: Vec<&'static str>,
}

/// How much of a hit is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Detail {
    /// Bytes of the metadata.
    metadata: usize,
    entries: usize,
    /// Characters of the excerpt of an object's text.
    excerpt: usize,
    /// Characters of the commit message.
    message: usize,
    has_links: bool,
}

impl Detail {
    /// From the whole to the names.
    pub(super) const LEVELS: [Self; 5] = [
        Self {
            metadata: 4096,
            entries: 20,
            excerpt: 300,
            message: 1000,
            has_links: true,
        },
        Self {
            metadata: 1024,
            entries: 5,
            excerpt: 200,
            message: 400,
            has_links: true,
        },
        Self {
            metadata: 256,
            entries: 2,
            excerpt: 100,
            message: 200,
            has_links: true,
        },
        Self {
            metadata: 0,
            entries: 0,
            excerpt: 0,
            message: 100,
            has_links: true,
        },
        Self {
            metadata: 0,
            entries: 0,
            excerpt: 0,
            message: 100,
            has_links: false,
        },
    ];
}

impl Row {
    /// Shows a hit. `words` are those of the query, for the excerpt.
    pub(super) fn of(hit: &Hit, detail: Detail, words: &[String], catalog: Option<&CatalogLinks>) -> Self {
        match hit {
            Hit::Package(hit) => Self::of_package(hit, detail, catalog.filter(|_| detail.has_links)),
            Hit::Object(hit) => Self::of_object(hit, detail, words, catalog.filter(|_| detail.has_links)),
        }
    }

    fn of_package(hit: &PackageHit, detail: Detail, catalog: Option<&CatalogLinks>) -> Self {
        let name = PackageName::from_listing(&hit.name).ok();
        let hash: Option<TopHash> = hit.hash.parse().ok();
        let uri = name.clone().filter(|_| detail.has_links).map(|name| {
            let uri = QuiltUri {
                bucket: hit.bucket.clone(),
                name,
                revision: Revision::Hash(hit.hash.clone()),
                path: None,
                catalog: None,
            };
            uri.to_string()
        });
        let page = || catalog?.url(&CatalogPage::revision(&hit.bucket, name.as_ref()?, hash.as_ref()?));
        let (metadata, metadata_cut) = metadata(hit.meta.as_ref(), detail.metadata);
        let matches = hit.match_locations;
        let shown = hit.matching_entries.iter().take(detail.entries);
        Self {
            bucket: hit.bucket.clone(),
            name: Some(hit.name.clone()),
            hash: Some(hit.hash.clone()),
            is_latest: hit.pointer.as_deref().map(|pointer| pointer == "latest"),
            modified: hit.modified,
            size: hit.size,
            total_entries: hit.total_entries_count,
            message: hit
                .comment
                .as_deref()
                .filter(|message| !message.is_empty())
                .map(|message| beginning(message, detail.message)),
            metadata,
            metadata_cut,
            workflow_id: hit
                .workflow
                .as_ref()
                .and_then(|workflow| workflow.get("id")?.as_str())
                .map(str::to_owned),
            score: hit.score.map(rounded),
            matched_in: named(&[
                ("name", matches.name),
                ("message", matches.comment),
                ("metadata", matches.meta),
                ("workflow", matches.workflow),
            ]),
            entries: shown.map(Entry::of).collect(),
            entries_cut: hit.matching_entries.len() > detail.entries,
            catalog_url: page(),
            uri,
            ..Self::default()
        }
    }

    fn of_object(hit: &ObjectHit, detail: Detail, words: &[String], catalog: Option<&CatalogLinks>) -> Self {
        let version = hit
            .version
            .as_deref()
            .filter(|version| !matches!(*version, "" | "null"));
        let text = hit.indexed_content.as_deref().filter(|_| detail.excerpt > 0);
        let uri = || {
            let mut uri = ObjectUri::latest(hit.bucket.parse().ok()?, hit.key.parse().ok()?);
            uri.version_id = version.map(str::to_owned);
            Some(uri.to_string())
        };
        Self {
            bucket: hit.bucket.clone(),
            key: Some(hit.key.clone()),
            version_id: version.map(str::to_owned),
            s3_uri: uri().filter(|_| detail.has_links),
            modified: hit.modified,
            size: hit.size,
            deleted: Some(hit.deleted),
            score: hit.score.map(rounded),
            excerpt: text.map(|text| excerpt(text, words, detail.excerpt)),
            catalog_url: catalog.and_then(|catalog| catalog.url(&CatalogPage::object(&hit.bucket, &hit.key, version))),
            ..Self::default()
        }
    }

    /// A package of which S3 listed the name.
    pub(super) fn of_name(bucket: &str, name: &PackageName, latest: Option<(String, Option<Timestamp>)>) -> Self {
        let (hash, modified) = latest.map_or((None, None), |(hash, modified)| (Some(hash), modified));
        Self {
            bucket: bucket.to_owned(),
            name: Some(name.to_string()),
            is_latest: hash.is_some().then_some(true),
            hash,
            modified,
            matched_in: vec!["name"],
            ..Self::default()
        }
    }

    /// An object of which S3 listed the key.
    pub(super) fn of_key(uri: &ObjectUri, size: u64, modified: Option<Timestamp>) -> Self {
        Self {
            bucket: uri.bucket.to_string(),
            key: Some(uri.key.to_string()),
            s3_uri: Some(uri.to_string()),
            size: Some(size),
            modified,
            matched_in: vec!["key"],
            ..Self::default()
        }
    }
}

impl Entry {
    fn of(entry: &MatchingEntry) -> Self {
        let matches = entry.match_locations;
        Self {
            logical_key: entry.logical_key.clone(),
            s3_uri: entry.physical_key.clone(),
            size: entry.size,
            matched_in: named(&[
                ("logical_key", matches.logical_key),
                ("physical_key", matches.physical_key),
                ("metadata", matches.meta),
                ("contents", matches.contents),
            ]),
        }
    }
}

fn named(places: &[(&'static str, bool)]) -> Vec<&'static str> {
    places.iter().filter(|(_, is)| *is).map(|(name, _)| *name).collect()
}

fn rounded(score: f64) -> f64 {
    (score * 1000.0).round() / 1000.0
}

/// Returns the metadata of a package, as much of it as `max` bytes hold, and whether any is missing. Members are shown whole or
/// not at all.
fn metadata(meta: Option<&Value>, max: usize) -> (Option<ManifestJson>, bool) {
    let value = match meta {
        None => return (None, false),
        Some(Value::String(text)) if Shape::measure(text.as_bytes()).is_ok() => match json::parse(text) {
            Ok(value) => value,
            Err(_) => return (None, true),
        },
        Some(Value::String(_)) => return (None, true),
        Some(value) => json::Value::from(value),
    };
    if matches!(value, json::Value::Null) {
        return (None, false);
    }
    ManifestJson::beginning_of(&value, max)
}

/// Returns up to `max` characters of an object's text, around the first of the words, on one line.
fn excerpt(text: &str, words: &[String], max: usize) -> String {
    let lower = text.to_lowercase();
    let found = words.iter().filter_map(|word| lower.find(word.as_str())).min();
    // Lower case may have other lengths; the place is then a little off.
    let before = max / 3;
    let skipped = found.map_or(0, |at| {
        let at = lower.get(..at).map_or(0, |begin| begin.chars().count());
        at.saturating_sub(before)
    });
    let part: String = text.chars().skip(skipped).take(max).collect();
    let part: Vec<&str> = part.split_whitespace().collect();
    part.join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn metadata_is_shown_by_whole_members() {
        let text = Value::from(r#"{"n":123456789012345678901,"long":"xxxxxxxxxxxxxxxxxxxx","z":1}"#);
        let shown = |max| {
            let (shown, is_cut) = metadata(Some(&text), max);
            (shown.map(|shown| serde_json::to_string(&shown).unwrap()), is_cut)
        };
        assert_eq!(shown(4096), (text.as_str().map(str::to_owned), false));
        assert_eq!(
            shown(40),
            (Some(r#"{"n":123456789012345678901,"z":1}"#.to_owned()), true)
        );
        assert_eq!(shown(0), (None, true));
        assert!(matches!(metadata(Some(&json!("{")), 99), (None, true)));
        assert!(matches!(metadata(Some(&json!("null")), 99), (None, false)));
        assert!(matches!(metadata(Some(&json!({ "a": 1 })), 99), (Some(_), false)));
        assert!(matches!(metadata(None, 99), (None, false)));
    }

    #[test]
    fn an_excerpt_is_around_what_was_searched_for() {
        let text = format!("{} The  Needle\nis here {}", "x ".repeat(400), "y ".repeat(400));
        let shown = excerpt(&text, &["needle".to_owned()], 60);
        assert!(
            shown.contains("The Needle is here") && shown.chars().count() <= 60,
            "{shown}"
        );
        assert_eq!(excerpt("a b", &["needle".to_owned()], 60), "a b");
    }
}
