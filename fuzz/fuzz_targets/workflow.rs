//! Reads any bytes as a workflow configuration and chooses from it.
#![no_main]
#![expect(dead_code, unused_imports, reason = "a target uses a part of the room")]

#[path = "../../src/percent.rs"]
mod percent;
#[path = "../../src/quilt/mod.rs"]
mod quilt;

use libfuzzer_sys::fuzz_target;
use quilt::workflow::{Choice, WorkflowConfig};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(config) = WorkflowConfig::parse(bytes) {
        for choice in [Choice::Default, Choice::None, Choice::Named("alpha")] {
            let _ = config.choose(choice);
        }
    }
});
