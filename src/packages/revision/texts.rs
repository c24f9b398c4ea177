//! Files of a package whose text the call has: the readme and the summary. Their objects lie below the package's own prefix.

use bytes::Bytes;
use quilt_format::checksum::{HashKind, ObjectHasher};
use quilt_format::json::{Object, Value};
use quilt_format::{Entry, LogicalKey, PhysicalKey, layout};

use super::context::Context;
use crate::aws::s3::Put;
use crate::packages::PackageError;
use crate::packages::objects::PlannedObject;

/// Which file a text becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextKind {
    /// `README.md`, which the catalog shows with the package.
    Readme,
    /// `quilt_summarize.json`, which says which files the catalog shows beside it.
    Summary,
}

/// A text that becomes an entry, which none of the plan's objects may be.
#[derive(Debug, Clone)]
pub struct TextFile {
    pub kind: TextKind,
    pub text: String,
}

/// The entry of a text, whose object is not written yet.
pub(super) struct TextEntry {
    kind: TextKind,
    text: Bytes,
    entry: Entry,
}

impl TextKind {
    /// Returns the logical key of the entry.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Readme => "README.md",
            Self::Summary => "quilt_summarize.json",
        }
    }

    /// Returns the name of the file in sentences.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Readme => "readme",
            Self::Summary => "summary",
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Readme => "text/markdown; charset=utf-8",
            Self::Summary => "application/json",
        }
    }

    /// Reports whether an entry at `other` would be this file, or make a folder of it.
    pub(super) fn taken_by(self, other: &LogicalKey) -> bool {
        let key = LogicalKey::from_manifest(self.key().to_owned());
        *other == key || key.is_ancestor_of(other)
    }
}

/// Makes the entries of texts, in tree order.
pub(super) fn text_entries(context: &Context, texts: Vec<TextFile>) -> Result<Vec<TextEntry>, PackageError> {
    let entries = texts.into_iter().map(|file| TextEntry::new(context, file));
    let mut entries = entries.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by(|a, b| a.entry.logical_key.cmp(&b.entry.logical_key));
    Ok(entries)
}

/// Refuses objects at the keys of texts.
pub(super) fn refuse_second(texts: &[TextFile], objects: &[PlannedObject]) -> Result<(), PackageError> {
    for text in texts {
        if let Some(other) = objects.iter().find(|other| text.kind.taken_by(&other.logical_key)) {
            return Err(PackageError::SecondText {
                text: text.kind.name(),
                object: other.object.clone(),
                key: other.logical_key.clone(),
            });
        }
    }
    Ok(())
}

/// Returns the entries, after their objects were written if `writes`.
pub(super) async fn written(
    context: &Context,
    texts: impl Iterator<Item = &TextEntry>,
    writes: bool,
) -> Result<Vec<Entry>, PackageError> {
    let mut entries = Vec::new();
    for text in texts {
        entries.push(if writes {
            text.write(context).await?
        } else {
            text.entry.clone()
        });
    }
    Ok(entries)
}

impl TextEntry {
    fn new(context: &Context, TextFile { kind, text }: TextFile) -> Result<Self, PackageError> {
        let text = Bytes::from(text);
        let size = text.len() as u64;
        let mut hasher = ObjectHasher::new(HashKind::Sha256Chunked, size);
        hasher.update(&text);
        let hash = hasher
            .finish()
            .map_err(|problem| PackageError::Invalid(problem.to_string()))?;
        let logical_key = LogicalKey::from_manifest(kind.key().to_owned());
        let physical_key = PhysicalKey::S3 {
            bucket: context.packages.bucket.to_string(),
            key: layout::data(&context.name, &logical_key),
            version_id: None,
        };
        let entry = Entry {
            logical_key,
            physical_key,
            size,
            hash: hash.to_value(),
            meta: Value::from(Object::new()),
        };
        Ok(Self { kind, text, entry })
    }

    pub(super) fn kind(&self) -> TextKind {
        self.kind
    }

    /// Returns the entry without the version that its object will have.
    pub(super) fn entry(&self) -> &Entry {
        &self.entry
    }

    /// Writes the object and returns the entry with the version that was written.
    async fn write(&self, context: &Context) -> Result<Entry, PackageError> {
        let packages = &context.packages;
        let object = packages.object(&layout::data(&context.name, &self.entry.logical_key))?;
        let put = Put {
            body: self.text.clone(),
            content_type: Some(self.kind.content_type().to_owned()),
            ..Put::default()
        };
        let written = packages.s3.put(&object, &put).await?;
        let mut entry = self.entry.clone();
        if let PhysicalKey::S3 { version_id, .. } = &mut entry.physical_key {
            *version_id = written.version_id;
        }
        Ok(entry)
    }
}
