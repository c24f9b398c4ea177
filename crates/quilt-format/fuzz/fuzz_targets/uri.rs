//! Fuzz target for physical keys and package URIs: a key or URI that was parsed must equal the one parsed from its output.
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
