//! The memory of an index of 100,000 objects and 1,000 packages.

use std::process::Stdio;

use serde_json::json;
use tokio::process::Command;

use super::Registry;
use super::documents::{o3, p4, write_package};

/// What the index may add to the process, in bytes. Measured: see `quilt-mcp dev` in the README.
const MAX_INDEX_BYTES: u64 = 100 << 20;

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// Memory is measured in a process in which no other test runs.
#[tokio::test]
async fn memory_of_the_index_is_bounded() {
    let this = std::env::current_exe().unwrap();
    let mut child = Command::new(this);
    child.args(["--exact", "dev::size::measured", "--ignored", "--nocapture"]);
    let output = child.stdout(Stdio::piped()).kill_on_drop(true).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
#[ignore = "run by memory_of_the_index_is_bounded in a process of its own"]
async fn measured() {
    let registry = Registry::start().await;
    let aws = &registry.backend.aws;
    for n in 0..100_000 {
        let key = format!("runs/2026/{:03}/sample-{n:06}/measurements.csv", n % 500);
        aws.put_object("quilt-dev-shared", &key, "species,length\nDaphnia,1.5\n", None, &[])
            .unwrap();
    }
    for n in 0..1000 {
        write_package(
            &registry,
            &format!("team/package-{n:04}"),
            &json!({ "number": n, "site": "Kiel" }),
            None,
        );
    }
    let before = resident_bytes();
    let found = registry.data(&o3(), json!({ "q": "sample-004242", "n": 5 })).await;
    assert_eq!(found["total"], 1, "{found}");
    let packages = json!({ "l": true, "n": 5, "m": [{ "path": "/number", "number": { "gte": 500, "lte": 509 } }] });
    assert_eq!(registry.data(&p4(), packages).await["total"], 10);
    // A search of everything does not keep what it collects.
    for _ in 0..3 {
        assert_eq!(
            registry.data(&o3(), json!({ "q": "daphnia", "n": 100 })).await["total"],
            100_001
        );
    }
    let index = resident_bytes().saturating_sub(before);
    println!("the index added {} KiB", index / 1024);
    assert!(index < MAX_INDEX_BYTES, "the index added {index} bytes");
}
