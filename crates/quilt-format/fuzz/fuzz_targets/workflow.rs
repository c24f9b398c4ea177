//! Fuzz target for workflow configurations and the selection of a workflow.
#![no_main]

use libfuzzer_sys::fuzz_target;
use quilt_format::workflow::{Choice, WorkflowConfig};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(config) = WorkflowConfig::parse(bytes) {
        for choice in [Choice::Default, Choice::None, Choice::Named("alpha")] {
            let _ = config.choose(choice);
        }
    }
});
