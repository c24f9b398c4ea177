//! What single steps cost, each beside a base of the same run: proving a token, finding credentials in the cache, reading
//! and hashing a manifest, writing canonical JSON.
//!
//! - `cargo bench --bench micro`
//! - `… -- --smoke`: once each, to see that they run

#![expect(clippy::print_stdout, reason = "a bench prints")]

#[path = "support/median.rs"]
mod median;
#[path = "../crates/quilt-format/benches/support/rows.rs"]
mod rows;
#[path = "support/server.rs"]
#[expect(dead_code, reason = "only the tokens of it are used")]
mod server;

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use futures::FutureExt as _;
use median::median;
use quilt_format::json;
use quilt_format::manifest::{ManifestHasher, ManifestReader};
use quilt_mcp::catalog::{HostClient, HttpClients, RegistryDirectory, guarded_http_client, http_client};
use quilt_mcp::clock::Clock;
use quilt_mcp::credentials::{
    Ambient, AmbientPolicy, AmbientProvider, AssumeRole, CatalogCredentials, JwtExchange, Resolver,
};
use quilt_mcp::identity::{BearerToken, Hs256, Prover, Verifier};
use quilt_mcp::sts::StsOptions;
use quilt_mcp::telemetry::{self, Dependency, TelemetryConfig};
use quilt_mcp::upstream::{Breaker, Upstreams, Waits};
use sha2::{Digest as _, Sha256};

/// A row of a manifest by its number: as it is written, and as it is hashed.
type Shape = fn(u64) -> (String, String);

/// How long each thing is measured.
#[derive(Clone, Copy)]
struct Effort {
    rounds: usize,
    round: Duration,
}

fn main() -> anyhow::Result<()> {
    let effort = if std::env::args().any(|argument| argument == "--smoke") {
        Effort {
            rounds: 1,
            round: Duration::from_millis(1),
        }
    } else {
        Effort {
            rounds: 41,
            round: Duration::from_millis(20),
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(identity(effort))?;
    manifests(effort)
}

/// Nanoseconds of one call of each, in turns: the median of the rounds.
fn measure<const N: usize>(effort: Effort, mut subjects: [&mut dyn FnMut(); N]) -> [f64; N] {
    let mut took = [const { Vec::new() }; N];
    for _ in 0..effort.rounds {
        for (subject, took) in subjects.iter_mut().zip(&mut took) {
            subject();
            let (start, mut times) = (Instant::now(), 0_u32);
            while times == 0 || start.elapsed() < effort.round {
                subject();
                times += 1;
            }
            took.push(start.elapsed().as_secs_f64() * 1e9 / f64::from(times));
        }
    }
    took.map(median)
}

async fn identity(effort: Effort) -> anyhow::Result<()> {
    let clock = Clock::system();
    // The counters are on, as they are in a server.
    let quiet = TelemetryConfig {
        log: "off".to_owned(),
        ..TelemetryConfig::default()
    };
    let _exports = telemetry::init(&quiet, Some(([127, 0, 0, 1], 0).into()))?;
    let text = server::token("ASIAEXAMPLEEXAMPLE00", "secret/secret+secret/secret+secret/secre")?;
    let hs256 = Hs256::new(&[server::secret()], None, None, clock.clone());
    let verifier = Verifier::new(Prover::Hs256(hs256), None);
    let caller = verifier.verify(BearerToken::parse(&text)?).await?;

    let upstreams = Upstreams::new(clock.clone(), Waits::default());
    let http = HttpClients {
        trusting: HostClient::new(http_client(Duration::from_secs(1))?, upstreams.clone()),
        guarded: HostClient::new(guarded_http_client(Duration::from_secs(1))?, upstreams),
    };
    let registries = Arc::new(RegistryDirectory::new(None, None, Vec::new(), http, clock.clone()));
    let ambient = Ambient::new(AmbientProvider::None, "us-east-1", AmbientPolicy::Never, clock.clone()).await;
    let sts = StsOptions {
        region: "us-east-1".to_owned(),
        endpoint: None,
        initial_backoff: Duration::from_millis(1),
        connect_timeout: Duration::from_secs(1),
        breaker: Breaker::new(Dependency::Sts, clock.clone()),
    };
    let assume_role = AssumeRole::new(Vec::new(), None, &ambient, &sts, clock.clone());
    let exchange = JwtExchange::new(assume_role, clock.clone());
    let catalog = CatalogCredentials::new(registries, clock.clone());
    let resolver = Resolver::new(
        exchange,
        catalog,
        ambient,
        "https://registry.example.com".to_owned(),
        clock,
    );
    resolver.resolve(&caller).await?;

    let [verify, hit, hash] = measure(
        effort,
        [
            &mut || {
                let proved = BearerToken::parse(&text).map(|token| verifier.verify(token).now_or_never());
                black_box(proved).ok();
            },
            &mut || drop(black_box(resolver.resolve(&caller).now_or_never())),
            &mut || _ = black_box(Sha256::digest(&text)),
        ],
    );
    println!("SHA-256 of a token of {} bytes            {hash:7.0} ns", text.len());
    println!(
        "token proved (HS256)                       {verify:7.0} ns  {:5.1} times as long",
        verify / hash
    );
    println!(
        "credentials found in the cache             {hit:7.0} ns  {:5.1} times as long",
        hit / hash
    );
    Ok(())
}

/// Rows of one manifest, and what of them is hashed.
fn manifest(entry: fn(u64) -> (String, String)) -> (String, String) {
    let (rows, canonical): (String, String) = (0..10_000).map(entry).unzip();
    (
        rows::HEADER.0.to_owned() + &rows,
        rows::HEADER.1.to_owned() + &canonical,
    )
}

fn manifests(effort: Effort) -> anyhow::Result<()> {
    let shapes: [(&str, Shape); 2] = [("with metadata", rows::entry), ("without metadata", rows::bare_entry)];
    for (shape, entry) in shapes {
        let (manifest, canonical) = manifest(entry);
        let hashed = |bytes: &str| -> anyhow::Result<String> {
            let mut hasher = ManifestHasher::streaming();
            // As it comes from a file or from S3.
            bytes
                .as_bytes()
                .chunks(64 * 1024)
                .try_for_each(|piece| hasher.push(piece))?;
            Ok(hasher.finish()?.top_hash.to_string())
        };
        let bare = Sha256::digest(&canonical).iter().fold(String::new(), |mut hex, byte| {
            let _infallible = write!(hex, "{byte:02x}");
            hex
        });
        ensure!(
            hashed(&manifest)? == bare,
            "the top hash is not that of the canonical bytes"
        );
        let [sha, hash, parse] = measure(
            effort,
            [
                &mut || _ = black_box(Sha256::digest(&canonical)),
                &mut || drop(black_box(hashed(&manifest))),
                &mut || {
                    let mut reader = ManifestReader::new();
                    for piece in manifest.as_bytes().chunks(64 * 1024) {
                        reader.push(piece);
                        while let Ok(Some(row)) = reader.next_row() {
                            black_box(row);
                        }
                    }
                },
            ],
        );
        println!(
            "manifest {shape}, {} bytes, {} of them hashed",
            manifest.len(),
            canonical.len()
        );
        println!(
            "  SHA-256 of the canonical bytes           {:7.0} MB/s of them",
            rate(&canonical, sha)
        );
        println!(
            "  top hash                                 {:7.0} MB/s of them, {:.2} times the speed; {:.0} MB/s of the manifest",
            rate(&canonical, hash),
            sha / hash,
            rate(&manifest, hash)
        );
        println!(
            "  rows read                                {:7.0} MB/s of the manifest",
            rate(&manifest, parse)
        );
    }
    let text = format!(
        "[{}]",
        (0..1000).map(|n| rows::entry(n).0).collect::<Vec<_>>().join(",")
    );
    let value = json::parse(&text).context("the rows are JSON")?;
    let canonical = value.canonical();
    let mut out = Vec::new();
    let [copy, written] = measure(
        effort,
        [&mut || drop(black_box(canonical.as_bytes().to_vec())), &mut || {
            out.clear();
            value.write_canonical(&mut out);
        }],
    );
    println!(
        "canonical JSON written                     {:7.0} MB/s",
        rate(&canonical, written)
    );
    println!(
        "  the same bytes copied                    {:7.0} MB/s",
        rate(&canonical, copy)
    );
    Ok(())
}

/// Millions of bytes in a second.
#[expect(clippy::cast_precision_loss, reason = "a number to look at")]
fn rate(bytes: &str, nanoseconds: f64) -> f64 {
    bytes.len() as f64 * 1e3 / nanoseconds
}
