//! `quilt-mcp manifest`: top hashes of manifests that lie on this machine.

use std::fs::File;
use std::io::{Read, Seek as _, Write as _};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use quilt_format::TopHash;
use quilt_format::manifest::{Hashed, MAX_RECORD, ManifestError, ManifestHasher};

/// What to do with a manifest.
#[derive(Debug, Args)]
pub struct ManifestArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print the top hash
    Hash(Source),
    /// Compare the top hash with an expected one; exit 0 or 1
    Verify {
        #[command(flatten)]
        source: Source,
        /// The top hash that the manifest should have
        #[arg(long, value_name = "HASH")]
        top_hash: TopHash,
    },
}

#[derive(Debug, Args)]
struct Source {
    /// The manifest, `-` for standard input
    file: String,
    /// Most bytes of one record, for manifests written with a raised `QUILT_MANIFEST_MAX_RECORD_SIZE`
    #[arg(long, value_name = "BYTES", default_value_t = MAX_RECORD)]
    max_record: usize,
}

pub(super) fn run(args: ManifestArgs) -> anyhow::Result<()> {
    match args.action {
        Action::Hash(source) => writeln!(std::io::stdout(), "{}", source.hash()?.top_hash)?,
        Action::Verify { source, top_hash } => {
            let hashed = source.hash()?;
            anyhow::ensure!(
                hashed.top_hash == top_hash,
                "{} has the top hash {}, expected {top_hash}",
                source.file,
                hashed.top_hash
            );
            let (entries, bytes) = (hashed.entries, hashed.total_bytes);
            writeln!(
                std::io::stdout(),
                "{top_hash} is right: {entries} entries, {bytes} bytes"
            )?;
        }
    }
    Ok(())
}

impl Source {
    fn hash(&self) -> anyhow::Result<Hashed> {
        if self.file == "-" {
            return self.hash_once_or_from_copy(&mut std::io::stdin().lock());
        }
        let mut file = File::open(&self.file).with_context(|| format!("{} cannot be opened", self.file))?;
        match self.pass(ManifestHasher::streaming(), &mut file, None)? {
            Err(ManifestError::OutOfOrder { .. }) => {
                // What has no beginning to go back to, such as a pipe, has to be given as standard input.
                file.rewind()
                    .with_context(|| format!("{} is out of order and cannot be read twice", self.file))?;
                Ok(self.pass(ManifestHasher::sorting(), &mut file, None)??)
            }
            done => Ok(done?),
        }
    }

    /// Standard input cannot be read twice, so a copy of it goes to the disk, not into memory, in case that the entries
    /// have to be sorted. Without a place for the copy manifests in order can still be hashed.
    fn hash_once_or_from_copy(&self, input: &mut dyn Read) -> anyhow::Result<Hashed> {
        let mut copy = tempfile::tempfile().ok();
        match self.pass(ManifestHasher::streaming(), input, copy.as_mut())? {
            Err(error @ ManifestError::OutOfOrder { .. }) => {
                let mut copy = copy.ok_or(error)?;
                std::io::copy(input, &mut copy)?;
                copy.rewind()?;
                Ok(self.pass(ManifestHasher::sorting(), &mut copy, None)??)
            }
            done => Ok(done?),
        }
    }

    /// Reads to the end, or to the first error of the manifest.
    fn pass(
        &self,
        hasher: ManifestHasher,
        input: &mut dyn Read,
        mut copy: Option<&mut File>,
    ) -> anyhow::Result<Result<Hashed, ManifestError>> {
        let mut hasher = hasher.max_record(self.max_record);
        let mut piece = vec![0; 256 * 1024];
        loop {
            let read = match input.read(&mut piece) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                read => read.with_context(|| format!("{} cannot be read", self.file))?,
            };
            let bytes = piece.get(..read).unwrap_or_default();
            if bytes.is_empty() {
                return Ok(hasher.finish());
            }
            if let Some(copy) = &mut copy {
                copy.write_all(bytes)
                    .context("there is no room for a copy of standard input; give a file instead")?;
            }
            if let Err(error) = hasher.push(bytes) {
                return Ok(Err(error));
            }
        }
    }
}
