//! Rows of a manifest, and the canonical form that is hashed.

use super::ManifestError;
use crate::json::{Object, Value};
use crate::{LogicalKey, PhysicalKey, json};

/// One line of a manifest.
#[derive(Debug, Clone)]
pub enum Row {
    /// The first line.
    Header(Header),
    /// A line with the metadata of a directory.
    Directory(Directory),
    /// A line with a file of the package.
    Entry(Entry),
}

/// The header of a package: message, metadata, workflow, and fields that other programs added.
#[derive(Debug, Clone)]
pub struct Header {
    /// All fields in their order, except for the obsolete `top_hash`. All of them are hashed, so that an absent, a null and an
    /// empty `user_meta` yield three different revisions.
    pub fields: Object,
}

impl Header {
    /// Creates the header of a new package. quilt3 always writes `message`, after the other fields.
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

    /// Returns the message, or `None` if it is absent or not a string.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.fields.get("message")?.as_str()
    }

    /// Returns the package's metadata, if the field is present; it may be null.
    #[must_use]
    pub fn user_meta(&self) -> Option<&Value> {
        self.fields.get("user_meta")
    }

    /// Returns the workflow against which the package was validated, if its bucket has any: `{id, config, schemas?}`.
    #[must_use]
    pub fn workflow(&self) -> Option<&Value> {
        self.fields.get("workflow")
    }

    pub(super) fn write_canonical(&self, out: &mut Vec<u8>) {
        Value::Object(self.fields.clone()).write_canonical(out);
    }
}

/// The metadata of a directory. It is not part of the top hash (`Package._get_top_hash_parts`).
#[derive(Debug, Clone)]
pub struct Directory {
    /// The path of the directory, without a trailing slash.
    pub path: LogicalKey,
    /// The metadata.
    pub meta: Value,
}

/// A file of a package.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The path of the file in the package.
    pub logical_key: LogicalKey,
    /// The location of the bytes. Not part of the top hash.
    pub physical_key: PhysicalKey,
    /// The size in bytes.
    pub size: u64,
    /// The checksum, `{type, value}`, which [`ObjectHash::read`](crate::checksum::ObjectHash::read) parses. Any value is
    /// included in the top hash. Null only if the entry was read by
    /// [`ManifestReader::tolerant`](super::ManifestReader::tolerant) and is not built.
    pub hash: Value,
    /// The metadata. The user's metadata is in the field `user_meta`, beside fields of quilt3.
    pub meta: Value,
}

impl Entry {
    /// Returns the total length in bytes of the logical and the physical key, for estimates of memory.
    #[must_use]
    pub fn name_bytes(&self) -> usize {
        let physical = match &self.physical_key {
            PhysicalKey::File { path } => path.len(),
            PhysicalKey::S3 {
                bucket,
                key,
                version_id,
            } => bucket.len() + key.len() + version_id.as_ref().map_or(0, String::len),
        };
        self.logical_key.as_str().len() + physical
    }

    /// Returns the size, unless the entry is not built and its size is not known.
    #[must_use]
    pub fn known_size(&self) -> Option<u64> {
        (self.size > 0 || self.is_built()).then_some(self.size)
    }

    /// Returns whether the entry has a hash and a size.
    #[must_use]
    pub fn is_built(&self) -> bool {
        !matches!(self.hash, Value::Null)
    }

    /// Returns the user's metadata, if there is any (`PackageEntry.meta`).
    #[must_use]
    pub fn user_meta(&self) -> Option<&Value> {
        self.meta.as_object()?.get("user_meta")
    }

    /// Returns whether quilt3 considers the entries equal: size, checksum and metadata are compared, the physical key is not
    /// (`PackageEntry.__eq__`).
    #[must_use]
    pub fn same_content(&self, other: &Self) -> bool {
        self.size == other.size && self.hash == other.hash && self.meta == other.meta
    }

    /// Appends the canonical form (`Package._get_top_hash_parts`): four fields in the order of their names.
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

/// A line that was parsed.
#[derive(Debug)]
pub(super) struct Parsed {
    pub row: Row,
    /// [`ManifestError::NotBuilt`], if the row is an entry without a hash or a size. Then its hash is null, and its size zero if
    /// it is not known.
    pub not_built: Option<ManifestError>,
}

/// Parses a line. The first one is the header.
pub(super) fn parse(line: u64, bytes: &[u8]) -> Result<Parsed, ManifestError> {
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
        return Ok(Row::Header(Header { fields }).into());
    }
    row(line, fields)
}

impl From<Row> for Parsed {
    fn from(row: Row) -> Self {
        Self { row, not_built: None }
    }
}

fn row(line: u64, fields: Object) -> Result<Parsed, ManifestError> {
    let wrong = |problem| ManifestError::Row { line, problem };
    let mut logical_key = None;
    let mut physical_keys = None;
    let mut size = None;
    let mut hash = None;
    let mut meta = None;
    for (key, value) in fields.into_pairs() {
        match key.bytes() {
            b"logical_key" => logical_key = Some(value),
            b"physical_keys" => physical_keys = Some(value),
            b"size" => size = Some(value),
            b"hash" => hash = Some(value),
            b"meta" => meta = Some(value),
            // quilt3 drops unknown fields of an entry.
            _ => {}
        }
    }
    let Some(Value::String(logical_key)) = logical_key else {
        return Err(wrong("the row has no logical_key that is a string"));
    };
    let logical_key = logical_key
        .into_string()
        .ok_or_else(|| wrong("the logical_key holds half of a surrogate pair"))?;
    // quilt3 requires it; quilt-rs writes rows without it, and hashes them as these.
    let meta = meta
        .filter(Value::is_truthy)
        .unwrap_or_else(|| Value::Object(Object::new()));
    let Some(physical_keys) = physical_keys.filter(Value::is_truthy) else {
        let (path, _) = logical_key.rsplit_once('/').ok_or_else(|| {
            wrong("the row has no physical_keys and its logical_key no `/`: it is neither an entry nor a directory")
        })?;
        return Ok(Row::Directory(Directory {
            path: LogicalKey::from_manifest(path.to_owned()),
            meta,
        })
        .into());
    };
    let wrong = |problem| ManifestError::Entry {
        line,
        key: logical_key.clone(),
        problem,
    };
    let physical_key = physical_keys
        .as_array()
        .and_then(<[Value]>::first)
        .and_then(Value::as_str)
        .ok_or_else(|| wrong("has physical_keys that are not an array of strings"))?
        .parse()
        .map_err(|problem| ManifestError::PhysicalKey { line, problem })?;
    let is_known = |value: &Value| !matches!(value, Value::Null);
    let size = size.filter(is_known).map(|size| {
        let wrong = || wrong("has a size that is not an integer from 0 to 2^64 - 1");
        size.as_u64().ok_or_else(wrong)
    });
    let (size, hash) = (size.transpose()?, hash.filter(is_known));
    let missing = match (&hash, size) {
        (Some(_), Some(_)) => None,
        (None, Some(_)) => Some("no hash"),
        (Some(_), None) => Some("no size"),
        (None, None) => Some("no hash and no size"),
    };
    let not_built = missing.map(|missing| ManifestError::NotBuilt {
        line,
        key: logical_key.clone(),
        missing,
    });
    let row = Row::Entry(Entry {
        logical_key: LogicalKey::from_manifest(logical_key),
        physical_key,
        size: size.unwrap_or_default(),
        hash: hash.filter(|_| not_built.is_none()).unwrap_or(Value::Null),
        meta,
    });
    Ok(Parsed { row, not_built })
}
