//! Packages and objects that a search finds.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::json::deserialize_optional_value;

/// A package or an object.
#[derive(Debug, Clone)]
pub enum Hit {
    Package(Box<PackageHit>),
    Object(Box<ObjectHit>),
}

/// A revision of a package.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PackageHit {
    pub bucket: String,
    pub name: String,
    pub hash: String,
    /// `latest`, or the name of a pointer of the history; absent before 2025-07-18.
    #[serde(default)]
    pub pointer: Option<String>,
    #[serde(default)]
    pub score: Option<f64>,
    #[serde(default, deserialize_with = "whole")]
    pub size: Option<u64>,
    #[serde(default, deserialize_with = "time")]
    pub modified: Option<Timestamp>,
    #[serde(default, deserialize_with = "whole")]
    pub total_entries_count: Option<u64>,
    #[serde(default)]
    pub comment: Option<String>,
    /// JSON text; an object before 2025-07-18.
    #[serde(default, deserialize_with = "deserialize_optional_value")]
    pub meta: Option<Value>,
    #[serde(default, deserialize_with = "deserialize_optional_value")]
    pub workflow: Option<Value>,
    #[serde(default)]
    pub match_locations: PackageMatches,
    #[serde(default)]
    pub matching_entries: Vec<MatchingEntry>,
}

/// Which parts of a package match.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "the schema has these four")]
pub struct PackageMatches {
    pub name: bool,
    pub comment: bool,
    pub meta: bool,
    pub workflow: bool,
}

/// An entry of a package that matches.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MatchingEntry {
    pub logical_key: String,
    /// An S3 URI.
    pub physical_key: String,
    #[serde(default, deserialize_with = "whole")]
    pub size: Option<u64>,
    #[serde(default)]
    pub match_locations: EntryMatches,
}

/// Which parts of an entry match.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(clippy::struct_excessive_bools, reason = "the schema has these four")]
pub struct EntryMatches {
    pub logical_key: bool,
    pub physical_key: bool,
    pub meta: bool,
    pub contents: bool,
}

/// A version of an object.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectHit {
    pub bucket: String,
    pub key: String,
    #[serde(default)]
    pub version: Option<String>,
    #[serde(default)]
    pub score: Option<f64>,
    #[serde(default, deserialize_with = "whole")]
    pub size: Option<u64>,
    #[serde(default, deserialize_with = "time")]
    pub modified: Option<Timestamp>,
    /// Whether the version is a delete marker.
    #[serde(default)]
    pub deleted: bool,
    #[serde(default)]
    pub indexed_content: Option<String>,
}

/// Reads a count, which the schema has as a float because it may exceed 32 bits.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let number = Option::<f64>::deserialize(deserializer)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked: in range, and rounded"
    )]
    let whole = |number: f64| (0.0..9e18).contains(&number).then(|| number.round() as u64);
    Ok(number.and_then(whole))
}

/// Reads a time. One without an offset, as Python writes it, is UTC; one that cannot be read is absent.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.and_then(|text| parse_time(&text)))
}

fn parse_time(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| {
        let local: DateTime = text.parse().ok()?;
        Offset::UTC.to_timestamp(local).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_with_and_without_an_offset() {
        let noon: Timestamp = "2026-08-21T12:00:00Z".parse().unwrap();
        for text in [
            "2026-08-21T12:00:00Z",
            "2026-08-21T12:00:00.000000+00:00",
            "2026-08-21T12:00:00",
            "2026-08-21 14:00:00+02:00",
        ] {
            assert_eq!(parse_time(text), Some(noon), "{text}");
        }
        assert_eq!(parse_time("yesterday"), None);
    }
}
