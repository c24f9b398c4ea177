//! Reads any text as a physical key and as a package URI: what is understood must be written to the same again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use quilt_format::{PhysicalKey, QuiltUri};

fuzz_target!(|text: &str| {
    if let Ok(key) = text.parse::<PhysicalKey>() {
        assert_eq!(key.to_string().parse::<PhysicalKey>().ok(), Some(key));
    }
    if let Ok(uri) = text.parse::<QuiltUri>() {
        assert_eq!(uri.to_string().parse::<QuiltUri>().ok(), Some(uri));
    }
});
