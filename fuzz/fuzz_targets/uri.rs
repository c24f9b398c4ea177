//! Reads any text as a physical key and as a package URI: what is understood must be written to the same again.
#![no_main]
#![expect(dead_code, unused_imports, reason = "a target uses a part of the room")]

#[path = "../../src/percent.rs"]
mod percent;
#[path = "../../src/quilt/mod.rs"]
mod quilt;

use libfuzzer_sys::fuzz_target;
use quilt::{PhysicalKey, QuiltUri};

fuzz_target!(|text: &str| {
    if let Ok(key) = text.parse::<PhysicalKey>() {
        assert_eq!(key.to_string().parse::<PhysicalKey>().ok(), Some(key));
    }
    if let Ok(uri) = text.parse::<QuiltUri>() {
        assert_eq!(uri.to_string().parse::<QuiltUri>().ok(), Some(uri));
    }
});
