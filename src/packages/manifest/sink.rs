//! Writer of a manifest of any size: in memory while it is small, then in parts to a provisional key.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use quilt_format::manifest::{Directory, ManifestWriter};
use quilt_format::{Entry, Header};
use tokio::task::JoinHandle;

use super::build::{BuiltManifest, ManifestContent};
use super::staged::{Cleanup, StagedManifest};
use crate::aws::AwsError;
use crate::aws::s3::{CopySource, ObjectUri, PutOutcome, WriteCondition};
use crate::packages::upload::OpenUpload;
use crate::packages::{PackageBucket, PackageError};
use crate::telemetry::in_call_scope;

/// Largest manifest that is written.
pub(in crate::packages) const MAX_MANIFEST_BYTES: u64 = 1024 * 1024 * 1024;
/// Most entries of a manifest that is written.
pub(in crate::packages) const MAX_MANIFEST_ENTRIES: u64 = 2_000_000;
/// Bytes of a part; S3 takes no smaller ones than 5 MiB.
const PART_BYTES: usize = 8 * 1024 * 1024;
/// Parts at which a manifest no longer stays in memory.
const MAX_PARTS_IN_MEMORY: usize = 2;
/// Memory of a sink: the parts in memory, the one that grows, and the one that is sent.
pub(in crate::packages) const SINK_BYTES: usize = (MAX_PARTS_IN_MEMORY + 3) * PART_BYTES;

/// Writer of a manifest whose entries come in tree order.
pub(in crate::packages) struct ManifestSink {
    packages: PackageBucket,
    writer: ManifestWriter,
    state: State,
    entries: u64,
    bytes: u64,
    total_bytes: u128,
}

enum State {
    Memory(Vec<Bytes>),
    Staging(Box<Staging>),
    /// A large manifest of which only the hash is wanted.
    Discarding,
}

struct Staging {
    object: ObjectUri,
    /// The upload of the part after those that have arrived. Ends before the upload as a whole is aborted.
    sending: Option<Sending>,
    upload: OpenUpload,
    arrived: Vec<PutOutcome>,
    /// Parts that are not sent yet.
    waiting: VecDeque<Bytes>,
}

/// The upload of a part, which ends when it is dropped.
struct Sending(JoinHandle<Result<PutOutcome, AwsError>>);

impl Drop for Sending {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl ManifestSink {
    /// Begins a manifest. Unless it `is_real`, nothing is sent to S3, and the bytes of a large one are discarded.
    pub(in crate::packages) fn new(
        packages: &PackageBucket,
        header: &Header,
        directories: impl Iterator<Item = Directory>,
        is_real: bool,
    ) -> Result<Self, PackageError> {
        let mut writer = ManifestWriter::new(header)?;
        for directory in directories {
            writer.directory(&directory)?;
        }
        Ok(Self {
            packages: packages.clone(),
            writer,
            state: if is_real {
                State::Memory(Vec::new())
            } else {
                State::Discarding
            },
            entries: 0,
            bytes: 0,
            total_bytes: 0,
        })
    }

    /// Returns how many entries were written.
    pub(in crate::packages) fn entries(&self) -> u64 {
        self.entries
    }

    /// Appends an entry, which must follow the one before in tree order. If the future is dropped, the entry has been appended.
    pub(in crate::packages) async fn push(&mut self, entry: &Entry) -> Result<(), PackageError> {
        self.writer.entry(entry)?;
        self.entries += 1;
        self.total_bytes += u128::from(entry.size);
        let length = self.bytes + self.writer.pending_bytes() as u64;
        if length > MAX_MANIFEST_BYTES || self.entries > MAX_MANIFEST_ENTRIES {
            let message = format!(
                "the manifest would have more than {MAX_MANIFEST_ENTRIES} entries or {MAX_MANIFEST_BYTES} bytes, and no \
                 larger one is written here"
            );
            return Err(PackageError::TooLarge(message));
        }
        if self.writer.pending_bytes() >= PART_BYTES {
            self.flush().await?;
        }
        Ok(())
    }

    /// Moves the bytes of the writer to where the manifest is kept.
    async fn flush(&mut self) -> Result<(), PackageError> {
        let mut part = self.writer.take();
        part.shrink_to_fit();
        self.bytes += part.len() as u64;
        match &mut self.state {
            State::Discarding => {}
            State::Staging(staging) => {
                staging.waiting.push_back(part.into());
                staging.send(&self.packages).await?;
            }
            State::Memory(parts) => {
                parts.push(part.into());
                if parts.len() >= MAX_PARTS_IN_MEMORY {
                    let mut staging = Staging::begin(&self.packages).await?;
                    staging.waiting.extend(std::mem::take(parts));
                    self.state = State::Staging(Box::new(staging));
                }
            }
        }
        Ok(())
    }

    /// Ends the manifest.
    pub(in crate::packages) async fn finish(self) -> Result<BuiltManifest, PackageError> {
        let Self {
            packages,
            writer,
            state,
            entries,
            mut bytes,
            total_bytes,
        } = self;
        let (tail, top_hash) = writer.finish();
        bytes += tail.len() as u64;
        let content = match state {
            State::Discarding => ManifestContent::Discarded,
            State::Memory(mut parts) => {
                parts.push(tail.into());
                ManifestContent::Memory(parts.concat().into())
            }
            State::Staging(staging) => ManifestContent::Staged(staging.finish(&packages, tail.into(), bytes).await?),
        };
        Ok(BuiltManifest {
            content,
            top_hash,
            entries,
            total_bytes,
        })
    }
}

impl Staging {
    async fn begin(packages: &PackageBucket) -> Result<Self, PackageError> {
        let id: u128 = rand::random();
        let object = packages.object(&quilt_format::layout::staged_manifest(&format!("{id:032x}")))?;
        let upload = OpenUpload::begin(&packages.s3, &packages.tasks, &object, None, &BTreeMap::new()).await?;
        Ok(Self {
            object,
            sending: None,
            upload,
            arrived: Vec::new(),
            waiting: VecDeque::new(),
        })
    }

    /// Sends the parts that wait, one at a time; the last one arrives in the background. No part is lost if the future is
    /// dropped.
    async fn send(&mut self, packages: &PackageBucket) -> Result<(), PackageError> {
        while !self.waiting.is_empty() {
            self.arrive().await?;
            let Some(part) = self.waiting.pop_front() else { break };
            let number = i32::try_from(self.arrived.len() + 1).unwrap_or(i32::MAX);
            let sending = self.upload.upload_part(number, part);
            self.sending = Some(Sending(packages.tasks.spawn(in_call_scope(sending))));
        }
        Ok(())
    }

    /// Waits for the part that is being sent.
    async fn arrive(&mut self) -> Result<(), PackageError> {
        let Some(Sending(sending)) = &mut self.sending else {
            return Ok(());
        };
        let arrived = sending.await;
        self.sending = None;
        match arrived {
            Ok(part) => {
                self.arrived.push(part?);
                Ok(())
            }
            // Only a dropped sink cancels the task, so it panicked.
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    }

    async fn finish(
        mut self,
        packages: &PackageBucket,
        tail: Bytes,
        size: u64,
    ) -> Result<StagedManifest, PackageError> {
        if !tail.is_empty() {
            self.waiting.push_back(tail);
        }
        self.send(packages).await?;
        self.arrive().await?;
        // S3 may make the object also if the call ends before its answer.
        let cleanup = Cleanup::new(packages.s3.clone(), packages.tasks.clone(), self.object.clone());
        let completed = self.upload.complete(&self.arrived, &WriteCondition::None).await?;
        let source = CopySource {
            object: self.object,
            etag: completed.etag,
        };
        Ok(StagedManifest::new(cleanup, source, size))
    }
}
