//! The fields that query strings name, of objects, pointers, manifests and entries.

use std::borrow::Cow;

use quilt_format::PhysicalKey;

use super::index::{ObjectDoc, PointerDoc, extension};
use super::package::{Entry, Manifest};
use super::query::{Document, FieldValue};

pub struct ObjectFields<'i> {
    pub key: &'i str,
    pub doc: &'i ObjectDoc,
}

pub struct PointerFields<'i> {
    pub name: &'i str,
    pub tag: &'i str,
    pub doc: &'i PointerDoc,
}

pub struct ManifestFields<'i> {
    pub hash: &'i str,
    pub manifest: &'i Manifest,
}

/// A text by itself: every field is this text.
pub struct OneText<'t>(pub &'t str);

fn keyword(text: &str) -> FieldValue<'_> {
    FieldValue::Keyword(Cow::Borrowed(text))
}

fn text(text: &str) -> FieldValue<'_> {
    FieldValue::Text(Cow::Borrowed(text))
}

/// Sizes and counts are doubles in the schema.
#[expect(clippy::cast_precision_loss, reason = "a double is what the schema has")]
pub fn double(number: u64) -> f64 {
    number as f64
}

impl Document for ObjectFields<'_> {
    fn default_fields(&self) -> &[&'static str] {
        &["key", "key_text", "ext", "content"]
    }

    fn field(&self, name: &str) -> Option<FieldValue<'_>> {
        Some(match name {
            "key" => keyword(self.key),
            "key_text" => text(self.key),
            "ext" => FieldValue::Keyword(extension(self.key).into()),
            "size" => FieldValue::Number(double(self.doc.size)),
            "content" if self.doc.content.is_empty() => return None,
            "content" => FieldValue::Text(String::from_utf8_lossy(&self.doc.content)),
            "last_modified" => FieldValue::Date(self.doc.modified),
            "version_id" => keyword(self.doc.version.as_deref().unwrap_or("null")),
            _ => return None,
        })
    }
}

impl Document for PointerFields<'_> {
    fn default_fields(&self) -> &[&'static str] {
        &["ptr_name", "ptr_name.text"]
    }

    fn field(&self, name: &str) -> Option<FieldValue<'_>> {
        Some(match name {
            "ptr_name" => keyword(self.name),
            "ptr_name.text" => text(self.name),
            "ptr_tag" => keyword(self.tag),
            "ptr_last_modified" => FieldValue::Date(self.doc.modified),
            _ => return None,
        })
    }
}

impl Document for ManifestFields<'_> {
    fn default_fields(&self) -> &[&'static str] {
        &["mnfst_hash", "mnfst_message", "mnfst_metadata", "mnfst_workflow.id"]
    }

    fn field(&self, name: &str) -> Option<FieldValue<'_>> {
        let manifest = self.manifest;
        Some(match name {
            "mnfst_hash" => keyword(self.hash),
            "mnfst_message" => text(manifest.comment.as_deref()?),
            "mnfst_metadata" => text(manifest.meta_text.as_deref()?),
            "mnfst_workflow.id" => keyword(manifest.workflow_id()?),
            "mnfst_stats.total_bytes" => FieldValue::Number(double(manifest.total_bytes)),
            "mnfst_stats.total_files" => FieldValue::Number(double(manifest.total_files)),
            _ => return None,
        })
    }
}

impl Document for Entry {
    fn default_fields(&self) -> &[&'static str] {
        &[
            "entry_lk",
            "entry_lk.text",
            "entry_pk",
            "entry_pk.text",
            "entry_metadata",
        ]
    }

    fn field(&self, name: &str) -> Option<FieldValue<'_>> {
        Some(match name {
            "entry_lk" => keyword(&self.logical_key),
            "entry_lk.text" => text(&self.logical_key),
            "entry_pk" => keyword(&self.physical_key),
            "entry_pk.text" => text(&self.physical_key),
            "entry_size" => FieldValue::Number(double(self.size)),
            "entry_hash.type" => keyword(&self.hash_type),
            "entry_hash.value" => keyword(&self.hash_value),
            "entry_metadata" => text(self.meta.as_deref()?),
            _ => {
                let PhysicalKey::S3 {
                    bucket,
                    key,
                    version_id,
                } = self.physical_key.parse().ok()?
                else {
                    return None;
                };
                match name.strip_prefix("entry_pk_parsed.s3.")? {
                    "bucket" => FieldValue::Keyword(bucket.into()),
                    "key" => FieldValue::Keyword(key.into()),
                    "key.text" => FieldValue::Text(key.into()),
                    "version_id" => FieldValue::Keyword(version_id?.into()),
                    _ => return None,
                }
            }
        })
    }
}

impl Document for OneText<'_> {
    fn default_fields(&self) -> &[&'static str] {
        &["text"]
    }

    fn field(&self, name: &str) -> Option<FieldValue<'_>> {
        (name == "text").then(|| text(self.0))
    }
}
