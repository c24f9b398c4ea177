//! Builder of a new manifest's bytes, which are held in memory because the top hash is known at their end only.

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use quilt_format::manifest::{Directory, ManifestWriter};
use quilt_format::{Entry, Header, TopHash};

use super::file::{CHUNK_BYTES, ManifestFile, ranges, replaced};
use super::rows::Rows;
use super::staged::StagedManifest;
use crate::aws::s3::CopySource;
use crate::packages::{PackageBucket, PackageError};

/// Largest manifest that is built in memory, in bytes: some 300,000 entries.
const MAX_MANIFEST_BYTES: usize = 96 * 1024 * 1024;
/// Manifests of more entries are built away from the async workers.
const MAX_INLINE_ENTRIES: usize = 2000;

/// A manifest that is ready to be written.
#[derive(Debug, Clone)]
pub struct BuiltManifest {
    pub content: ManifestContent,
    pub top_hash: TopHash,
    pub entries: u64,
    /// The sum of the entries' sizes.
    pub total_bytes: u128,
}

/// Where the bytes of a new manifest are.
#[derive(Debug, Clone)]
pub enum ManifestContent {
    Memory(Bytes),
    Staged(StagedManifest),
    /// Nowhere: only its hash was wanted.
    Discarded,
}

impl ManifestContent {
    /// Returns the entries, in tree order.
    pub(in crate::packages) fn rows(&self, packages: &PackageBucket, hash: &TopHash) -> Rows {
        match self {
            Self::Memory(bytes) => Rows::from_start(hash.clone(), stream::iter([Ok(bytes.clone())])),
            Self::Staged(staged) => {
                let CopySource { object, etag } = staged.source().clone();
                let s3 = packages.s3.clone();
                let ranges = ranges(0, staged.size(), std::iter::repeat(CHUNK_BYTES));
                let chunks = stream::iter(ranges).map(move |range| {
                    let (s3, object, etag) = (s3.clone(), object.clone(), etag.clone());
                    async move {
                        let read = s3.read_range(&object, etag.as_deref(), range).await;
                        read.map_err(|error| replaced(error, &object))
                    }
                });
                Rows::from_start(hash.clone(), chunks.buffered(2))
            }
            Self::Discarded => Rows::from_start(hash.clone(), stream::iter([])),
        }
    }

    pub(in crate::packages) fn is_memory(&self) -> bool {
        matches!(self, Self::Memory(_))
    }

    /// Reports whether the manifest has these bytes, if that is known without reading it.
    pub(in crate::packages) async fn is_same_as(&self, file: &ManifestFile) -> Result<bool, PackageError> {
        match self {
            Self::Memory(bytes) => file.has_bytes(bytes).await,
            Self::Staged(_) | Self::Discarded => Ok(false),
        }
    }
}

impl PackageBucket {
    /// Builds the manifest of a package with these entries and this metadata of directories, and returns the entries in tree
    /// order.
    pub(in crate::packages) async fn build_manifest(
        &self,
        header: Header,
        directories: Vec<Directory>,
        mut entries: Vec<Entry>,
    ) -> Result<(Vec<Entry>, BuiltManifest), PackageError> {
        let is_small = entries.len() <= MAX_INLINE_ENTRIES;
        let memory = self.memory.clone();
        let build = move || {
            let _memory = memory;
            entries.sort_by(|a, b| a.logical_key.cmp(&b.logical_key));
            let mut builder = ManifestBuilder::new(&header)?;
            for directory in &directories {
                builder.writer.directory(directory)?;
            }
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
struct ManifestBuilder {
    writer: ManifestWriter,
    bytes: Vec<u8>,
    entries: u64,
    total_bytes: u128,
}

impl ManifestBuilder {
    fn new(header: &Header) -> Result<Self, PackageError> {
        Ok(Self {
            writer: ManifestWriter::new(header)?,
            bytes: Vec::new(),
            entries: 0,
            total_bytes: 0,
        })
    }

    /// Appends an entry, which must follow the one before in tree order.
    fn push(&mut self, entry: &Entry) -> Result<(), PackageError> {
        self.writer.entry(entry)?;
        self.bytes.append(&mut self.writer.take());
        self.entries += 1;
        self.total_bytes += u128::from(entry.size);
        if self.bytes.len() > MAX_MANIFEST_BYTES {
            let message = format!(
                "the manifest would have more than {MAX_MANIFEST_BYTES} bytes, and no larger one is written here"
            );
            return Err(PackageError::TooLarge(message));
        }
        Ok(())
    }

    fn finish(self) -> BuiltManifest {
        let Self {
            writer,
            mut bytes,
            entries,
            total_bytes,
        } = self;
        let (mut tail, top_hash) = writer.finish();
        bytes.append(&mut tail);
        BuiltManifest {
            content: ManifestContent::Memory(bytes.into()),
            top_hash,
            entries,
            total_bytes,
        }
    }
}
