//! Benchmark of hashing manifests: time as a ratio, and memory.
//!
//! - `cargo bench -p quilt-format --bench manifest`: compares with a bare SHA-256 over the same canonical bytes and reports
//!   the peak memory
//! - `… -- generate N`: writes a manifest of N entries, for `quilt-mcp manifest hash -`
//! - `… -- quilt3 PYTHON`: compares with quilt3 8.0.0, which this Python interpreter must have

#[path = "support/rows.rs"]
#[expect(dead_code, reason = "only entries with metadata are used")]
mod rows;

use std::io::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use quilt_format::manifest::ManifestHasher;
use rows::{HEADER, entry};
use sha2::{Digest as _, Sha256};

/// Number of rows that are generated and hashed at a time.
const BATCH: u64 = 1000;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => measure(),
        ["generate", entries] => generate(entries.parse()?),
        ["quilt3", python] => compare(python),
        other => anyhow::bail!("unknown arguments {other:?}"),
    }
}

struct Measured {
    ours: Duration,
    bare: Duration,
    canonical_bytes: usize,
    manifest_bytes: usize,
}

fn hash(entries: u64) -> anyhow::Result<Measured> {
    let mut hasher = ManifestHasher::streaming();
    let mut digest = Sha256::new();
    let mut measured = Measured {
        ours: Duration::ZERO,
        bare: Duration::ZERO,
        canonical_bytes: 0,
        manifest_bytes: 0,
    };
    let mut feed = |rows: &str, canonical: &str| -> anyhow::Result<()> {
        let start = Instant::now();
        hasher.push(rows.as_bytes())?;
        measured.ours += start.elapsed();
        let start = Instant::now();
        digest.update(canonical);
        measured.bare += start.elapsed();
        measured.canonical_bytes += canonical.len();
        measured.manifest_bytes += rows.len();
        Ok(())
    };
    feed(HEADER.0, HEADER.1)?;
    for batch in 0..entries.div_ceil(BATCH) {
        let (rows, canonical): (String, String) = (batch * BATCH..entries.min((batch + 1) * BATCH)).map(entry).unzip();
        feed(&rows, &canonical)?;
    }
    let start = Instant::now();
    let top_hash = hasher.finish()?.top_hash;
    measured.ours += start.elapsed();
    let bare: Vec<String> = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    anyhow::ensure!(
        top_hash.as_str() == bare.concat(),
        "the top hash is not that of the canonical bytes"
    );
    Ok(measured)
}

fn measure() -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    for entries in [100_000, 1_000_000] {
        let Measured {
            ours,
            bare,
            canonical_bytes,
            manifest_bytes,
        } = hash(entries)?;
        let ratio = ours.as_secs_f64() / bare.as_secs_f64();
        writeln!(
            out,
            "{entries} entries, {manifest_bytes} bytes: {ours:.2?}, {ratio:.1} times a bare SHA-256 over the \
             {canonical_bytes} canonical bytes ({bare:.2?}); {}",
            peak()
        )?;
    }
    Ok(())
}

/// Returns the peak memory of this process.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(
        || "peak memory unknown".to_owned(),
        |peak| format!("peak memory {}", peak.trim()),
    )
}

fn generate(entries: u64) -> anyhow::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    out.write_all(HEADER.0.as_bytes())?;
    for n in 0..entries {
        out.write_all(entry(n).0.as_bytes())?;
    }
    Ok(out.flush()?)
}

fn compare(python: &str) -> anyhow::Result<()> {
    const ENTRIES: u64 = 100_000;
    let mut file = tempfile::NamedTempFile::new()?;
    file.write_all(HEADER.0.as_bytes())?;
    for n in 0..ENTRIES {
        file.write_all(entry(n).0.as_bytes())?;
    }
    file.flush()?;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/peers/quilt3_time.py");
    let output = Command::new(python)
        .env("PYTHONUTF8", "1")
        .arg(script)
        .arg(file.path())
        .output()?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let output = String::from_utf8(output.stdout)?;
    let (top_hash, seconds) = output.trim().split_once(' ').context("unexpected output of quilt3")?;
    let theirs: f64 = seconds.parse()?;

    let bytes = std::fs::read(file.path())?;
    let start = Instant::now();
    let mut hasher = ManifestHasher::streaming();
    hasher.push(&bytes)?;
    let ours = hasher.finish()?.top_hash;
    let elapsed = start.elapsed().as_secs_f64();
    anyhow::ensure!(ours.as_str() == top_hash, "quilt3 computes another top hash");
    let ratio = theirs / elapsed;
    writeln!(
        std::io::stdout(),
        "{ENTRIES} entries: {elapsed:.3}s, quilt3 {theirs:.3}s, which is {ratio:.0} times as long"
    )?;
    Ok(())
}
