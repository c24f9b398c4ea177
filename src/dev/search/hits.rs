//! Matching documents, and how they are shown.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::documents::{ManifestFields, ObjectFields, OneText, PointerFields, double};
use super::filter::{Arguments, Condition, Filter, InputError, Kind};
use super::index::{BucketIndex, Index, ObjectDoc, PointerDoc, extension};
use super::package::{Entry, Manifest};
use super::query::{Document, Query};
use super::settings::Generation;

/// Number of matching entries that a package shows.
const MAX_ENTRIES: usize = 10;

/// A document that matches.
pub struct Hit<'i> {
    pub bucket: &'i str,
    /// The key, or the name of the package.
    pub name: &'i str,
    pub score: f64,
    pub modified: Timestamp,
    pub size: u64,
    pub source: Source<'i>,
}

pub enum Source<'i> {
    Object(&'i ObjectDoc),
    Package {
        tag: &'i str,
        pointer: &'i PointerDoc,
        manifest: &'i Manifest,
    },
}

/// Returns what a search finds in those of its buckets that the caller may read.
pub fn find<'i>(
    index: &'i Index,
    kind: Kind,
    arguments: &Arguments,
    readable: &[&str],
) -> Result<(Vec<Hit<'i>>, Filter), InputError> {
    let filter = arguments.parse()?;
    let mut hits = Vec::new();
    let asked = arguments.buckets.as_deref().filter(|buckets| !buckets.is_empty());
    let is_asked = |name: &&String| readable.contains(&name.as_str()) && asked.is_none_or(|asked| asked.contains(name));
    for (bucket, documents) in index.0.iter().filter(|(name, _)| is_asked(name)) {
        match kind {
            Kind::Objects => objects(bucket, documents, &filter, &mut hits),
            Kind::Packages => packages(bucket, documents, &filter, arguments.latest_only, &mut hits),
        }
    }
    Ok((hits, filter))
}

fn objects<'i>(bucket: &'i str, documents: &'i BucketIndex, filter: &Filter, hits: &mut Vec<Hit<'i>>) {
    for (key, doc) in &documents.objects {
        let fields = ObjectFields { key, doc };
        let is_taken = filter.fields.iter().all(|(name, condition)| match *name {
            "modified" => condition.takes_time(doc.modified),
            "size" => condition.takes_number(double(doc.size)),
            "ext" => condition.takes_keyword(&extension(key)),
            "key" => condition.takes_keyword(key),
            "deleted" => condition.takes_bool(doc.is_deleted),
            "content" => matches!(condition, Condition::Text(query) if matches_text(query, &String::from_utf8_lossy(&doc.content))),
            _ => false,
        });
        let score = if is_taken { filter.query.score(&fields) } else { None };
        hits.extend(score.map(|score| Hit {
            bucket,
            name: key,
            score,
            modified: doc.modified,
            size: doc.size,
            source: Source::Object(doc),
        }));
    }
}

fn packages<'i>(
    bucket: &'i str,
    documents: &'i BucketIndex,
    filter: &Filter,
    latest_only: bool,
    hits: &mut Vec<Hit<'i>>,
) {
    for ((name, tag), pointer) in &documents.pointers {
        let Some(manifest) = documents.manifests.get(&pointer.hash) else {
            continue;
        };
        let is_taken = filter.fields.iter().all(|(field, condition)| match *field {
            "modified" => condition.takes_time(pointer.modified),
            "size" => condition.takes_number(double(manifest.total_bytes)),
            "entries" => condition.takes_number(double(manifest.total_files)),
            "name" => condition.takes_keyword(name),
            "hash" => condition.takes_keyword(&pointer.hash),
            "workflow" => manifest.workflow_id().is_some_and(|id| condition.takes_keyword(id)),
            "comment" => matches!(condition, Condition::Text(query) if matches_text(query, manifest.comment.as_deref().unwrap_or_default())),
            _ => false,
        });
        let meets = |(path, condition): &(String, Condition)| {
            manifest
                .meta
                .pointer(path)
                .is_some_and(|value| condition.takes_meta(value, matches_text))
        };
        if (latest_only && tag != "latest") || !is_taken || !filter.meta.iter().all(meets) {
            continue;
        }
        // A package is found by its pointer, its manifest or one of its entries, each by itself.
        let pointer_fields = PointerFields {
            name,
            tag,
            doc: pointer,
        };
        let manifest_fields = ManifestFields {
            hash: &pointer.hash,
            manifest,
        };
        let entries = manifest.entries.iter().filter_map(|entry| filter.query.score(entry));
        let scores = [
            filter.query.score(&pointer_fields),
            filter.query.score(&manifest_fields),
        ];
        let score = scores.into_iter().flatten().chain(entries).reduce(f64::max);
        hits.extend(score.map(|score| Hit {
            bucket,
            name,
            score,
            modified: pointer.modified,
            size: manifest.total_bytes,
            source: Source::Package { tag, pointer, manifest },
        }));
    }
}

fn matches_text(query: &Query, text: &str) -> bool {
    query.score(&OneText(text)).is_some()
}

impl Hit<'_> {
    /// Returns what is unique among the hits of a search, and stays when an object is overwritten.
    pub fn place(&self) -> String {
        match &self.source {
            Source::Object(_) => format!("{}/{}", self.bucket, self.name),
            Source::Package { tag, .. } => format!("{}/{}:{tag}", self.bucket, self.name),
        }
    }

    /// Returns the fields of the hit.
    pub fn show(&self, query: &Query, generation: Generation) -> Value {
        let mut fields = json!({
            "id": self.place(), "bucket": self.bucket, "score": self.score, "size": double(self.size), "modified": self.modified,
        });
        let more = match &self.source {
            Source::Object(doc) => json!({
                "key": self.name, "version": version(doc), "deleted": doc.is_deleted,
                "indexedContent": (!doc.content.is_empty()).then(|| String::from_utf8_lossy(&doc.content)),
            }),
            Source::Package { tag, pointer, manifest } => {
                let document = ManifestFields {
                    hash: &pointer.hash,
                    manifest,
                };
                let name = PointerFields {
                    name: self.name,
                    tag,
                    doc: pointer,
                };
                let entries = manifest.entries.iter().filter(|entry| is_found(query, entry));
                let entries: Vec<Value> = entries
                    .take(MAX_ENTRIES)
                    .map(|entry| show_entry(query, entry))
                    .collect();
                json!({
                    "name": self.name, "pointer": tag, "hash": pointer.hash, "comment": manifest.comment,
                    "meta": match generation {
                        Generation::October2023 => manifest.meta.clone(),
                        _ => json!(manifest.meta_text),
                    },
                    "workflow": manifest.workflow,
                    "totalEntriesCount": manifest.total_files,
                    "matchLocations": {
                        "name": query.touches(&name, "ptr_name") || query.touches(&name, "ptr_name.text"),
                        "comment": query.touches(&document, "mnfst_message"),
                        "meta": query.touches(&document, "mnfst_metadata"),
                        "workflow": query.touches(&document, "mnfst_workflow.id"),
                    },
                    "matchingEntries": entries,
                })
            }
        };
        if let (Some(fields), Value::Object(more)) = (fields.as_object_mut(), more) {
            fields.extend(more);
        }
        fields
    }
}

fn version(doc: &ObjectDoc) -> &str {
    doc.version.as_deref().unwrap_or("null")
}

/// Whether a query finds an entry. Without a query, no entry is shown as a match.
fn is_found(query: &Query, entry: &Entry) -> bool {
    !matches!(query, Query::All) && query.score(entry).is_some()
}

fn show_entry(query: &Query, entry: &Entry) -> Value {
    let touches = |field: &str, text: &str| query.touches(entry, field) || query.touches(entry, text);
    json!({
        "logicalKey": entry.logical_key, "physicalKey": entry.physical_key, "size": double(entry.size), "meta": entry.meta,
        "matchLocations": {
            "logicalKey": touches("entry_lk", "entry_lk.text"),
            "physicalKey": touches("entry_pk", "entry_pk.text"),
            "meta": query.touches(entry, "entry_metadata"),
            "contents": false,
        },
    })
}

impl<T: Document> Document for &T {
    fn default_fields(&self) -> &[&'static str] {
        (**self).default_fields()
    }

    fn field(&self, name: &str) -> Option<super::query::FieldValue<'_>> {
        (**self).field(name)
    }
}
