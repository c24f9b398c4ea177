//! The rows of a manifest, and what of them is hashed.

use super::ManifestError;
use crate::json::{Object, Value};
use crate::{LogicalKey, PhysicalKey, json};

/// One line of a manifest.
#[derive(Debug, Clone)]
pub enum Row {
    /// The first line.
    Header(Header),
    /// Metadata of a directory.
    Directory(Directory),
    /// A file.
    Entry(Entry),
}

/// The package itself: message, metadata, workflow, and every field that another program added.
#[derive(Debug, Clone)]
pub struct Header {
    /// All fields in their order but for the obsolete `top_hash`. All are hashed, so that an absent, a null and an empty
    /// `user_meta` make three revisions.
    pub fields: Object,
}

impl Header {
    /// The header of a new package. quilt3 writes `message` always, and puts the rest before it.
    #[must_use]
    pub fn new(user_meta: Option<Value>, workflow: Option<Value>, message: Option<&str>) -> Self {
        let mut fields = Object::new();
        fields.set("version", "v0".into());
        if let Some(user_meta) = user_meta {
            fields.set("user_meta", user_meta);
        }
        if let Some(workflow) = workflow {
            fields.set("workflow", workflow);
        }
        fields.set("message", message.map_or(Value::Null, Value::from));
        Self { fields }
    }

    /// The message; none if it is null, absent or no text.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.fields.get("message")?.as_str()
    }

    /// The package's metadata, if the field is there; it may be null.
    #[must_use]
    pub fn user_meta(&self) -> Option<&Value> {
        self.fields.get("user_meta")
    }

    /// The workflow that the package passed, if its bucket has any: `{id, config, schemas?}`.
    #[must_use]
    pub fn workflow(&self) -> Option<&Value> {
        self.fields.get("workflow")
    }

    pub(super) fn write_canonical(&self, out: &mut Vec<u8>) {
        Value::Object(self.fields.clone()).write_canonical(out);
    }
}

/// Metadata of a directory. It is not part of the top hash (`Package._get_top_hash_parts`).
#[derive(Debug, Clone)]
pub struct Directory {
    /// The directory, without a slash at the end.
    pub path: LogicalKey,
    /// Its metadata.
    pub meta: Value,
}

/// A file of a package.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Where it stands in the package.
    pub logical_key: LogicalKey,
    /// Where its bytes lie. Not part of the top hash.
    pub physical_key: PhysicalKey,
    /// How many bytes it has.
    pub size: u64,
    /// Its checksum, `{type, value}`; [`crate::checksum::ObjectHash`] reads it. Hashed whole, whatever stands there.
    pub hash: Value,
    /// Its metadata; what the user gave is under `user_meta`, beside fields of quilt3 itself.
    pub meta: Value,
}

impl Entry {
    /// How many bytes its names have: the one in the package, and that of the object.
    #[must_use]
    pub fn names(&self) -> usize {
        let place = match &self.physical_key {
            PhysicalKey::File { path } => path.len(),
            PhysicalKey::S3 {
                bucket,
                key,
                version_id,
            } => bucket.len() + key.len() + version_id.as_ref().map_or(0, String::len),
        };
        self.logical_key.as_str().len() + place
    }

    /// The user's metadata, if there is any (`PackageEntry.meta`).
    #[must_use]
    pub fn user_meta(&self) -> Option<&Value> {
        self.meta.as_object()?.get("user_meta")
    }

    /// Whether quilt3 takes it for unchanged: size, checksum and metadata count, where the bytes lie does not
    /// (`PackageEntry.__eq__`).
    #[must_use]
    pub fn same_content(&self, other: &Self) -> bool {
        self.size == other.size && self.hash == other.hash && self.meta == other.meta
    }

    /// `Package._get_top_hash_parts`: the four fields, in the order of their names.
    pub(super) fn write_canonical(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"hash\":");
        self.hash.write_canonical(out);
        out.extend_from_slice(b",\"logical_key\":");
        json::write_canonical_str(self.logical_key.as_str().as_bytes(), out);
        out.extend_from_slice(b",\"meta\":");
        self.meta.write_canonical(out);
        out.extend_from_slice(b",\"size\":");
        json::write_integer(self.size, out);
        out.push(b'}');
    }
}

/// Reads a line. The first one is the header.
pub(super) fn parse(line: u64, bytes: &[u8]) -> Result<Row, ManifestError> {
    let text = std::str::from_utf8(bytes).map_err(|_| ManifestError::NotUtf8 { line })?;
    let value = json::parse(text).map_err(|problem| ManifestError::NotJson { line, problem })?;
    let Value::Object(mut fields) = value else {
        return Err(ManifestError::Row {
            line,
            problem: "expected an object",
        });
    };
    if line == 1 {
        fields.remove("top_hash");
        return Ok(Row::Header(Header { fields }));
    }
    row(line, fields)
}

fn row(line: u64, fields: Object) -> Result<Row, ManifestError> {
    let wrong = |problem| ManifestError::Row { line, problem };
    let (mut logical_key, mut physical_keys, mut size, mut hash, mut meta) = (None, None, None, None, None);
    for (key, value) in fields.into_pairs() {
        match key.bytes() {
            b"logical_key" => logical_key = Some(value),
            b"physical_keys" => physical_keys = Some(value),
            b"size" => size = Some(value),
            b"hash" => hash = Some(value),
            b"meta" => meta = Some(value),
            // quilt3 drops what it does not know of an entry.
            _ => {}
        }
    }
    let Some(Value::String(logical_key)) = logical_key else {
        return Err(wrong("the row has no logical_key that is a string"));
    };
    let logical_key = logical_key
        .into_string()
        .ok_or_else(|| wrong("the logical_key holds half of a surrogate pair"))?;
    let meta = meta.ok_or_else(|| wrong("the row has no meta; it may be empty, but must be there"))?;
    let Some(physical_keys) = physical_keys.filter(Value::is_truthy) else {
        let (path, _) = logical_key.rsplit_once('/').ok_or_else(|| {
            wrong("the row has no physical_keys and its logical_key no `/`: it is neither an entry nor a directory")
        })?;
        return Ok(Row::Directory(Directory {
            path: LogicalKey::found(path.to_owned()),
            meta,
        }));
    };
    let physical_key = physical_keys
        .as_array()
        .and_then(<[Value]>::first)
        .and_then(Value::as_str)
        .ok_or_else(|| wrong("the physical_keys are not a list of strings"))?
        .parse()
        .map_err(|problem| ManifestError::PhysicalKey { line, problem })?;
    let size = size
        .as_ref()
        .and_then(Value::as_u64)
        .ok_or_else(|| wrong("the entry has no size that is an integer from 0 to 2^64 - 1"))?;
    let hash = hash
        .filter(|hash| !matches!(hash, Value::Null))
        .ok_or_else(|| wrong("the entry has no hash; the package has to be built before it can be used"))?;
    let meta = if meta.is_truthy() {
        meta
    } else {
        Value::Object(Object::new())
    };
    Ok(Row::Entry(Entry {
        logical_key: LogicalKey::found(logical_key),
        physical_key,
        size,
        hash,
        meta,
    }))
}
