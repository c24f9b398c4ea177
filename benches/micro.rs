//! Benchmarks of single steps, each compared with a baseline of the same run: verification of a token, lookup of cached
//! credentials, reading and hashing of a manifest, and writing of canonical JSON.
//!
//! - `cargo bench --bench micro`
//! - `… -- --smoke`: runs each benchmark once, to check that it works

#![expect(clippy::print_stdout, reason = "a benchmark prints its results")]

#[path = "support/median.rs"]
mod median;
#[path = "../crates/quilt-format/benches/support/rows.rs"]
mod rows;
#[path = "support/server.rs"]
#[expect(dead_code, reason = "only its tokens are used")]
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
use quilt_mcp::aws::AwsOptions;
use quilt_mcp::aws::sts::SharedSts;
use quilt_mcp::catalog::{
    CatalogConfig, HostClient, HttpClients, LocalCatalogs, Registries, http_client, public_only_http_client,
};
use quilt_mcp::clock::Clock;
use quilt_mcp::credentials::{Ambient, AmbientPolicy, AmbientProvider, CredentialChain, RightsConfig, SourceContext};
use quilt_mcp::identity::{BearerToken, Expectations, Hs256Verifier, Verifier, VerifyMethod};
use quilt_mcp::resilience::{RetryPolicy, Upstreams};
use quilt_mcp::telemetry::{self, TelemetryConfig};
use quilt_mcp::tls::ExtraRoots;
use sha2::{Digest as _, Sha256};

/// Returns the row of a manifest with a number, as it is written and as it is hashed.
type Shape = fn(u64) -> (String, String);

/// The number and duration of the rounds of a measurement.
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

/// Measures the subjects alternately and returns the median of the rounds, in nanoseconds of one call.
fn measure<const N: usize>(effort: Effort, mut subjects: [&mut dyn FnMut(); N]) -> [f64; N] {
    let mut took = [const { Vec::new() }; N];
    for _ in 0..effort.rounds {
        for (subject, took) in subjects.iter_mut().zip(&mut took) {
            subject();
            let start = Instant::now();
            let mut calls = 0_u32;
            while calls == 0 || start.elapsed() < effort.round {
                subject();
                calls += 1;
            }
            took.push(start.elapsed().as_secs_f64() * 1e9 / f64::from(calls));
        }
    }
    took.map(median)
}

async fn identity(effort: Effort) -> anyhow::Result<()> {
    let clock = Clock::system();
    // Metrics are enabled, as in a server.
    let quiet = TelemetryConfig {
        log: "off".to_owned(),
        ..TelemetryConfig::default()
    };
    let _exports = telemetry::init(&quiet, &ExtraRoots::default(), Some(([127, 0, 0, 1], 0).into()))?;
    let text = server::token("ASIAEXAMPLEEXAMPLE00", "secret/secret+secret/secret+secret/secre")?;
    let hs256 = Hs256Verifier::new(&[server::secret()], Expectations::default(), clock.clone());
    let verifier = Verifier::new(VerifyMethod::Hs256(hs256), None);
    let caller = verifier.verify(BearerToken::parse(&text)?).await?;

    let upstreams = Upstreams::new(clock.clone(), RetryPolicy::default());
    let http = HttpClients {
        unrestricted: HostClient::new(http_client(Duration::from_secs(1))?, upstreams.clone()),
        public_only: HostClient::new(public_only_http_client(Duration::from_secs(1))?, upstreams),
    };
    let settings = CatalogConfig {
        registry_url: "https://registry.example.com".parse().ok(),
        ..CatalogConfig::default()
    };
    let registries = Arc::new(Registries::new(
        &settings,
        None,
        LocalCatalogs::Rejected,
        http,
        clock.clone(),
    ));
    let rights = RightsConfig {
        ambient: AmbientPolicy::Never,
        ..RightsConfig::default()
    };
    let ambient = Ambient::new(
        AmbientProvider::None,
        &AwsOptions {
            clock: clock.clone(),
            ..AwsOptions::default()
        },
        AmbientPolicy::Never,
    )
    .await;
    let sts = SharedSts::new(AwsOptions {
        region: "us-east-1".to_owned(),
        endpoint: None,
        initial_backoff: Duration::from_millis(1),
        connect_timeout: Duration::from_secs(1),
        clock: clock.clone(),
        ..AwsOptions::default()
    });
    let chain = CredentialChain::new(&SourceContext {
        rights: &rights,
        registries: &registries,
        ambient: &ambient,
        sts: &sts,
        clock: &clock,
    });
    chain.resolve(&caller).await?;

    let [verify, hit, hash] = measure(
        effort,
        [
            &mut || {
                let proved = BearerToken::parse(&text).map(|token| verifier.verify(token).now_or_never());
                black_box(proved).ok();
            },
            &mut || drop(black_box(chain.resolve(&caller).now_or_never())),
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

/// Returns a manifest and its canonical form.
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
            // Pieces of the size in which files and S3 objects are read.
            bytes
                .as_bytes()
                .chunks(64 * 1024)
                .try_for_each(|piece| hasher.push(piece))?;
            Ok(hasher.finish()?.top_hash.to_string())
        };
        let bare = Sha256::digest(&canonical).iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
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

/// Returns a rate in megabytes per second.
#[expect(clippy::cast_precision_loss, reason = "the result is only printed")]
fn rate(bytes: &str, nanoseconds: f64) -> f64 {
    bytes.len() as f64 * 1e3 / nanoseconds
}
