//! `quilt-mcp manifest`: top hashes of local manifests.

use std::fs::File;
use std::io::{Read, Seek as _, Write as _};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use quilt_format::TopHash;
use quilt_format::manifest::{Hashed, MAX_RECORD, ManifestError, ManifestHasher};

use super::progress::Progress;

/// Arguments of `manifest`.
#[derive(Debug, Args)]
pub struct ManifestArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print the top hash
    Hash(Source),
    /// Compare the top hash with an expected one; exits with 0 if they are equal, else with 1
    Verify {
        #[command(flatten)]
        source: Source,
        /// The expected top hash
        #[arg(long, value_name = "HASH")]
        top_hash: TopHash,
    },
}

#[derive(Debug, Args)]
struct Source {
    /// The manifest file, or `-` for standard input
    file: String,
    /// Maximum bytes of one record, for manifests written with a raised `QUILT_MANIFEST_MAX_RECORD_SIZE`
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
            writeln!(
                std::io::stdout(),
                "{top_hash} matches: {} entries, {} bytes",
                hashed.entries,
                hashed.total_bytes
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
                // A pipe cannot be rewound and has to be given as standard input.
                file.rewind()
                    .with_context(|| format!("{} is out of order and cannot be read twice", self.file))?;
                Ok(self.pass(ManifestHasher::sorting(), &mut file, None)??)
            }
            done => Ok(done?),
        }
    }

    /// Hashes standard input. It cannot be read twice, so a copy is written to disk, in case the entries have to be sorted.
    /// If no temporary file can be created, sorted manifests can still be hashed.
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

    /// Reads `input` to its end or to the first error of the manifest, copying it to `copy` if given.
    fn pass(
        &self,
        hasher: ManifestHasher,
        input: &mut dyn Read,
        mut copy: Option<&mut File>,
    ) -> anyhow::Result<Result<Hashed, ManifestError>> {
        let mut hasher = hasher.max_record(self.max_record);
        let mut piece = vec![0; 256 * 1024];
        let mut progress = Progress::new();
        let mut bytes_read = 0_u64;
        loop {
            let read = match input.read(&mut piece) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                read => read.with_context(|| format!("{} cannot be read", self.file))?,
            };
            let bytes = piece.get(..read).unwrap_or_default();
            if bytes.is_empty() {
                return Ok(hasher.finish());
            }
            bytes_read += bytes.len() as u64;
            progress.show(|| format!("{}: {bytes_read} bytes read", self.file));
            if let Some(copy) = &mut copy {
                copy.write_all(bytes)
                    .context("standard input cannot be copied to a temporary file; pass a file instead")?;
            }
            if let Err(error) = hasher.push(bytes) {
                return Ok(Err(error));
            }
        }
    }
}
