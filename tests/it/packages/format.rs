//! The package format against quilt3's own vectors, and against the real quilt3.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use quilt_format::checksum::{HashKind, ObjectHasher};
use quilt_format::manifest::{Hashed, ManifestHasher};
use quilt_format::{Manifest, ManifestError};
use serde_json::{Value, json};

use crate::support::manifests::{Generator, hand_picked};
use crate::support::tools;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/quilt3")
}

/// The vectors that quilt3 8.0.0 made: name, manifest, top hash.
fn vectors() -> Vec<(String, Vec<u8>, String)> {
    let index: Value = serde_json::from_slice(&fs::read(fixtures().join("index.json")).unwrap()).unwrap();
    let names = index["fixtures"].as_object().unwrap().keys();
    names
        .map(|name| {
            let place = fixtures().join(name);
            let top_hash = fs::read_to_string(place.join("top_hash.txt")).unwrap();
            (name.clone(), fs::read(place.join("manifest.jsonl")).unwrap(), top_hash)
        })
        .collect()
}

/// Returns the real quilt3's answer to each case.
pub fn ask_quilt3(cases: &[Value]) -> anyhow::Result<Vec<Value>> {
    let mut text = String::new();
    for case in cases {
        writeln!(text, "{case}")?;
    }
    let file = tempfile::NamedTempFile::new()?;
    fs::write(file.path(), text)?;
    let said = tools::run(tools::python_script("quilt3_oracle.py")?.arg(file.path()))?;
    let answers: Vec<Value> = said.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    anyhow::ensure!(
        answers.len() == cases.len(),
        "{} answers to {} cases",
        answers.len(),
        cases.len()
    );
    Ok(answers)
}

fn case(manifest: &[u8]) -> Value {
    json!({ "manifest": BASE64_STANDARD.encode(manifest) })
}

fn hash(manifest: &[u8]) -> Result<Hashed, ManifestError> {
    let pass = |mut hasher: ManifestHasher| {
        // Pieces of an odd length: how bytes come in makes no difference.
        for piece in manifest.chunks(1009) {
            hasher.push(piece)?;
        }
        hasher.finish()
    };
    match pass(ManifestHasher::streaming()) {
        Err(ManifestError::OutOfOrder { .. }) => pass(ManifestHasher::sorting()),
        done => done,
    }
}

#[test]
fn every_vector_has_its_hash() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 25);
    for (name, manifest, top_hash) in vectors {
        assert_eq!(hash(&manifest).unwrap().top_hash.as_str(), top_hash, "{name}");
        assert_eq!(
            Manifest::read(&manifest).unwrap().top_hash().unwrap().as_str(),
            top_hash,
            "{name}"
        );
    }
}

#[test]
fn quilt3_reads_back_what_is_written_with_the_same_hash() -> anyhow::Result<()> {
    let mut written = Vec::new();
    for (name, manifest, top_hash) in vectors() {
        // It holds a number that is infinite, which quilt3 cannot write either.
        if name == "number_spellings" {
            assert!(Manifest::read(&manifest)?.write().is_err());
            continue;
        }
        let (bytes, hash) = Manifest::read(&manifest)?.write()?;
        assert_eq!(hash.as_str(), top_hash, "{name}");
        // These two were written by hand, all others by quilt3.
        if !["unknown_fields", "duplicate_keys_escapes"].contains(&name.as_str()) {
            assert_eq!(
                String::from_utf8(bytes.clone())?,
                String::from_utf8(manifest)?,
                "{name}"
            );
        }
        written.push((name, bytes, top_hash));
    }
    let cases: Vec<Value> = written.iter().map(|(_, bytes, _)| case(bytes)).collect();
    for ((name, _, top_hash), answer) in written.iter().zip(ask_quilt3(&cases)?) {
        assert_eq!(answer["top_hash"], **top_hash, "{name}: {answer}");
    }
    Ok(())
}

#[test]
fn checksums_are_those_of_the_vectors() {
    let index: Value = serde_json::from_slice(&fs::read(fixtures().join("index.json")).unwrap()).unwrap();
    let sizes = index["fixtures"]["chunk_sizes"]["sizes"].as_object().unwrap();
    let manifest = Manifest::read(&fs::read(fixtures().join("chunk_sizes/manifest.jsonl")).unwrap()).unwrap();
    assert_eq!(manifest.entries().len(), sizes.len());
    let block: Vec<u8> = (0..=255u8).cycle().take(1 << 20).collect();
    for entry in manifest.entries() {
        let mut hasher = ObjectHasher::new(HashKind::Sha256Chunked, entry.size);
        let mut left = usize::try_from(entry.size).unwrap();
        while left > 0 {
            let now = left.min(block.len());
            hasher.update(&block[..now]);
            left -= now;
        }
        assert_eq!(hasher.finish().unwrap().to_value(), entry.hash, "{}", entry.logical_key);
    }
}

/// Reasons for which this implementation may refuse a manifest that quilt3 accepts; all others must be accepted.
fn deliberate(error: &ManifestError) -> Option<&'static str> {
    match error {
        ManifestError::FileAndDirectory { .. } => Some("quilt3 lets a directory's row change an entry of its name"),
        ManifestError::PhysicalKey { problem, .. } => {
            let problem = problem.to_string();
            if problem.contains("does not decode") {
                Some("quilt3 reads a physical key that is not UTF-8 as the name of another object")
            } else if problem.contains("no bucket has such a name") {
                Some("quilt3 takes any text for a bucket")
            } else {
                None
            }
        }
        ManifestError::Row { problem, .. } => {
            let reasons = [
                (
                    "neither an entry nor a directory",
                    "quilt3 lets the row change the metadata of the whole package",
                ),
                (
                    "no logical_key that is a string",
                    "quilt3 takes a list of segments for a logical key",
                ),
                ("half of a surrogate pair", "quilt3 takes a key that no object can have"),
            ];
            reasons
                .into_iter()
                .find(|(part, _)| problem.contains(part))
                .map(|(_, reason)| reason)
        }
        ManifestError::Entry { problem, .. } if problem.contains("not an integer") => {
            Some("quilt3 hashes a size that is not one")
        }
        _ => None,
    }
}

/// Compares with quilt3's answers: the same hash, or both refuse, or a difference that is meant.
fn compare(manifests: &[Vec<u8>]) -> anyhow::Result<Counts> {
    let cases: Vec<Value> = manifests.iter().map(|manifest| case(manifest)).collect();
    let mut counts = Counts::default();
    for (manifest, answer) in manifests.iter().zip(ask_quilt3(&cases)?) {
        let shown = String::from_utf8_lossy(manifest);
        match (hash(manifest), answer["top_hash"].as_str()) {
            (Ok(hashed), Some(top_hash)) => {
                let canonical = BASE64_STANDARD.decode(answer["canonical"].as_str().unwrap())?;
                let canonical = String::from_utf8_lossy(&canonical);
                assert_eq!(hashed.top_hash.as_str(), top_hash, "{shown}\nquilt3 hashes {canonical}");
                let dump = answer["dump"]
                    .as_str()
                    .map(|dump| BASE64_STANDARD.decode(dump))
                    .transpose()?;
                let written = Manifest::read(manifest)?.write().ok().map(|(bytes, _)| bytes);
                assert_eq!(
                    written.as_deref().map(String::from_utf8_lossy),
                    dump.as_deref().map(String::from_utf8_lossy),
                    "{shown}"
                );
                counts.agreed += 1;
                counts.written += usize::from(dump.is_some());
            }
            (Err(_), None) => counts.refused += 1,
            (Err(error), Some(_)) => {
                let reason = deliberate(&error).unwrap_or_else(|| panic!("quilt3 accepts it, here: {error}\n{shown}"));
                *counts.deliberate.entry(reason).or_default() += 1;
            }
            (Ok(_), None)
                if answer["error"]
                    .as_str()
                    .is_some_and(|error| error.contains("KeyError: 'meta'")) =>
            {
                let reason = "quilt-rs reads rows without meta, and hashes them as if it were empty";
                *counts.deliberate.entry(reason).or_default() += 1;
            }
            (Ok(_), None) => panic!("quilt3 refuses it: {}\n{shown}", answer["error"]),
        }
    }
    Ok(counts)
}

#[derive(Debug, Default)]
struct Counts {
    agreed: usize,
    written: usize,
    refused: usize,
    deliberate: BTreeMap<&'static str, usize>,
}

#[test]
fn generated_manifests_have_the_hash_and_the_bytes_that_quilt3_gives_them() -> anyhow::Result<()> {
    let mut generator = Generator::new(8);
    let manifests: Vec<Vec<u8>> = (0..2500).map(|_| generator.manifest()).collect();
    let counts = compare(&manifests)?;
    assert!(counts.agreed >= 2000 && counts.written >= 1000, "{counts:?}");
    Ok(())
}

#[test]
fn mangled_manifests_are_accepted_or_refused_as_quilt3_does() -> anyhow::Result<()> {
    let mut generator = Generator::new(5);
    let mut manifests: Vec<Vec<u8>> = (0..1500).map(|_| generator.mangled()).collect();
    manifests.extend(hand_picked());
    let counts = compare(&manifests)?;
    assert!(counts.agreed >= 200 && counts.refused >= 500, "{counts:?}");
    Ok(())
}

/// The command on a file and on standard input, in order and out of order, right and wrong.
#[test]
fn the_command_hashes_and_verifies() -> anyhow::Result<()> {
    let run = |args: &[&str], input: &[u8]| -> anyhow::Result<Output> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quilt-mcp"));
        command
            .arg("manifest")
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn()?;
        child.stdin.take().unwrap().write_all(input)?;
        Ok(child.wait_with_output()?)
    };
    let place = fixtures().join("tree_order/manifest.jsonl");
    let (manifest, top_hash) = (
        fs::read_to_string(&place)?,
        fs::read_to_string(place.with_file_name("top_hash.txt"))?,
    );
    let mut lines: Vec<&str> = manifest.lines().collect();
    lines[1..].reverse();
    let turned = tempfile::NamedTempFile::new()?;
    fs::write(turned.path(), lines.join("\n"))?;
    let (place, turned) = (place.to_str().unwrap(), turned.path().to_str().unwrap());
    let inputs = [
        (place, ""),
        (turned, ""),
        ("-", &*manifest),
        ("-", &*fs::read_to_string(turned)?),
    ];
    for (file, input) in inputs {
        let output = run(&["hash", file], input.as_bytes())?;
        assert_eq!(String::from_utf8(output.stdout)?, format!("{top_hash}\n"), "{file}");
        let output = run(&["verify", file, "--top-hash", &top_hash], input.as_bytes())?;
        assert!(
            output.status.success(),
            "{file}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let output = run(&["verify", file, "--top-hash", &"0".repeat(64)], input.as_bytes())?;
        assert_eq!(output.status.code(), Some(1), "{file}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(&top_hash), "{file}");
    }
    for (args, input, part) in [
        (vec!["hash", "-"], "{}\nx", "line 2"),
        (vec!["hash", "/nowhere"], "", "/nowhere cannot be opened"),
        (vec!["hash", "-", "--max-record", "1"], "{}", "more than 1 bytes"),
        (vec!["verify", "-", "--top-hash", "abc"], "", "64 of 0-9 a-f"),
    ] {
        let output = run(&args, input.as_bytes())?;
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && message.contains(part),
            "{args:?}: {message}"
        );
    }
    Ok(())
}
