//! Builder of a new manifest's bytes, which are held in memory because the top hash is known at their end only.

use bytes::Bytes;
use quilt_format::manifest::{Directory, ManifestWriter};
use quilt_format::{Entry, Header, TopHash};

use crate::packages::{PackageBucket, PackageError};

/// Largest manifest that is written, in bytes: some 300,000 entries.
const MAX_MANIFEST_BYTES: usize = 96 * 1024 * 1024;
/// Manifests of more entries are built away from the async workers.
const MAX_INLINE_ENTRIES: usize = 2000;

/// A manifest that is ready to be written.
#[derive(Debug, Clone)]
pub struct BuiltManifest {
    pub bytes: Bytes,
    pub top_hash: TopHash,
    /// The sum of the entries' sizes.
    pub total_bytes: u128,
}

impl PackageBucket {
    /// Builds the manifest of a package with these entries and returns them in tree order.
    pub(in crate::packages) async fn build_manifest(
        &self,
        header: Header,
        mut entries: Vec<Entry>,
    ) -> Result<(Vec<Entry>, BuiltManifest), PackageError> {
        let is_small = entries.len() <= MAX_INLINE_ENTRIES;
        let memory = self.memory.clone();
        let build = move || {
            let _memory = memory;
            entries.sort_by(|a, b| a.logical_key.cmp(&b.logical_key));
            let mut builder = ManifestBuilder::new(&header, std::iter::empty())?;
            for entry in &entries {
                builder.push(entry)?;
            }
            Ok((entries, builder.finish()))
        };
        if is_small {
            build()
        } else {
            self.cpu.run(move |_| build()).await?
        }
    }
}

/// Writes a manifest into bounded memory.
pub(in crate::packages) struct ManifestBuilder {
    writer: ManifestWriter,
    bytes: Vec<u8>,
    total_bytes: u128,
}

impl ManifestBuilder {
    pub(in crate::packages) fn new(
        header: &Header,
        directories: impl Iterator<Item = Directory>,
    ) -> Result<Self, PackageError> {
        let mut writer = ManifestWriter::new(header)?;
        for directory in directories {
            writer.directory(&directory)?;
        }
        Ok(Self {
            writer,
            bytes: Vec::new(),
            total_bytes: 0,
        })
    }

    /// Appends an entry, which must follow the one before in tree order.
    pub(in crate::packages) fn push(&mut self, entry: &Entry) -> Result<(), PackageError> {
        self.writer.entry(entry)?;
        self.bytes.append(&mut self.writer.take());
        self.total_bytes += u128::from(entry.size);
        if self.bytes.len() > MAX_MANIFEST_BYTES {
            let message = format!(
                "the manifest would have more than {MAX_MANIFEST_BYTES} bytes, and no larger one is written here"
            );
            return Err(PackageError::TooLarge(message));
        }
        Ok(())
    }

    pub(in crate::packages) fn finish(self) -> BuiltManifest {
        let Self {
            writer,
            mut bytes,
            total_bytes,
        } = self;
        let (mut tail, top_hash) = writer.finish();
        bytes.append(&mut tail);
        BuiltManifest {
            bytes: bytes.into(),
            top_hash,
            total_bytes,
        }
    }
}
