//! Reads any bytes as an object that is previewed: as Parquet, and as text of each kind.
#![no_main]
#![expect(dead_code, unused_imports, reason = "the target uses a part of the modules")]

#[path = "../../src/blocking.rs"]
mod blocking;
#[path = "../../src/json/mod.rs"]
mod json;
#[path = "../../src/preview/mod.rs"]
mod preview;

use libfuzzer_sys::fuzz_target;
use preview::Limits;
use preview::content::{Label, Start, parquet, text};

static QUIET: std::sync::Once = std::sync::Once::new();

fuzz_target!(|bytes: &[u8]| {
    // libFuzzer's hook ends the process. Panics of decoders are caught inside, as in the server; others still end the run.
    QUIET.call_once(|| std::panic::set_hook(Box::new(|_| {})));
    let limits = Limits { rows: 20 };
    if let Ok(table) = parquet(&bytes::Bytes::copy_from_slice(bytes), limits) {
        assert!(table.rows.len() <= limits.rows);
    }
    for key in ["a.csv", "a.tsv", "a.jsonl", "a"] {
        for continues in [false, true] {
            let start = Start { bytes, continues };
            if let Ok(table) = text(start, &Label::new(key, None), limits, true) {
                assert!(table.rows.len() <= limits.rows);
            }
        }
    }
});
