//! Writing of manifests in quilt3's format (`Package._dump`), with the top hash computed in the same pass.

use super::{Directory, Entry, Header, MAX_RECORD, ManifestError, TopHasher};
use crate::TopHash;
use crate::json::{self, NotWritable, Value};

/// An error of writing a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// Occurs when a row is longer than [`MAX_RECORD`], which quilt3 refuses to write, too.
    #[error(
        "the manifest record of {what} has {bytes} bytes; at most {limit} are allowed, so keep less metadata in it"
    )]
    TooLarge {
        /// The row.
        what: String,
        /// The size of the record.
        bytes: usize,
        /// The maximum size.
        limit: usize,
    },
    /// Occurs when the metadata contains a value that JSON in UTF-8 cannot represent.
    #[error("the metadata of {what} cannot be written: {problem}")]
    NotWritable {
        /// The row.
        what: String,
        /// The problem.
        problem: NotWritable,
    },
    /// Occurs when rows are not added in order: directories first, then entries by their logical keys, without duplicates.
    /// Line numbers are those of the output.
    #[error(transparent)]
    Order(#[from] ManifestError),
}

/// Writes a manifest and computes its top hash. Finished bytes can be taken at any time.
#[derive(Debug)]
pub struct ManifestWriter {
    out: Vec<u8>,
    line: u64,
    hasher: TopHasher,
}

impl ManifestWriter {
    /// Creates a writer and writes the header.
    pub fn new(header: &Header) -> Result<Self, WriteError> {
        let mut writer = Self {
            out: Vec::new(),
            line: 1,
            hasher: TopHasher::new(header),
        };
        let fields = Value::Object(header.fields.clone());
        writer.record(|out| fields.write_manifest(out), || "the package itself".to_owned())?;
        Ok(writer)
    }

    /// Writes the metadata of a directory. Like quilt3, skips empty metadata.
    pub fn directory(&mut self, directory: &Directory) -> Result<(), WriteError> {
        if !directory.meta.is_truthy() {
            return Ok(());
        }
        self.line += 1;
        self.hasher.directory(directory, self.line)?;
        let key = format!("{}/", directory.path);
        self.record(
            |out| {
                out.extend_from_slice(b"{\"logical_key\": ");
                Value::from(key.as_str()).write_manifest(out)?;
                out.extend_from_slice(b", \"meta\": ");
                directory.meta.write_manifest(out)?;
                out.push(b'}');
                Ok(())
            },
            || format!("the directory `{}`", directory.path),
        )
    }

    /// Writes an entry. Entries must be added in the order of their keys.
    pub fn entry(&mut self, entry: &Entry) -> Result<(), WriteError> {
        self.line += 1;
        self.hasher.entry(entry, self.line)?;
        self.record(
            |out| {
                out.extend_from_slice(b"{\"logical_key\": ");
                Value::from(entry.logical_key.as_str()).write_manifest(out)?;
                out.extend_from_slice(b", \"physical_keys\": [");
                Value::from(entry.physical_key.to_string()).write_manifest(out)?;
                out.extend_from_slice(b"], \"size\": ");
                json::write_integer(entry.size, out);
                out.extend_from_slice(b", \"hash\": ");
                entry.hash.write_manifest(out)?;
                out.extend_from_slice(b", \"meta\": ");
                entry.meta.write_manifest(out)?;
                out.push(b'}');
                Ok(())
            },
            || format!("the entry `{}`", entry.logical_key),
        )
    }

    /// Returns the number of bytes that were not taken yet.
    #[must_use]
    pub fn pending_bytes(&self) -> usize {
        self.out.len()
    }

    /// Takes the bytes written since the last call.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// Returns the bytes that were not taken yet, and the top hash of the manifest.
    #[must_use]
    pub fn finish(self) -> (Vec<u8>, TopHash) {
        (self.out, self.hasher.finish())
    }

    fn record(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), NotWritable>,
        what: impl Fn() -> String,
    ) -> Result<(), WriteError> {
        let start = self.out.len();
        let written = write(&mut self.out).map_err(|problem| WriteError::NotWritable { what: what(), problem });
        let bytes = self.out.len() - start;
        let checked = written.and_then(|()| {
            let limit = MAX_RECORD;
            if bytes > limit {
                Err(WriteError::TooLarge {
                    what: what(),
                    bytes,
                    limit,
                })
            } else {
                Ok(())
            }
        });
        match checked {
            Ok(()) => self.out.push(b'\n'),
            Err(_) => self.out.truncate(start),
        }
        checked
    }
}
