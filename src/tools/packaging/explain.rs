//! What an error of the packages means to the caller: its code, its sentence, what to do.

use quilt_format::TopHash;
use quilt_format::manifest::WriteError;
use serde_json::json;

use crate::blocking::CpuError;
use crate::error_code::ErrorCode;
use crate::packages::PackageError;
use crate::tools::{Session, ToolError};

impl Session {
    /// What an error of the packages means to this caller.
    #[must_use]
    pub fn explain_package(&self, error: PackageError) -> ToolError {
        use PackageError as E;
        let message = sentence(&error.to_string());
        match error {
            E::S3(error) => self.explain(&error),
            E::NoSuchPackage { .. } => ToolError::new(ErrorCode::NoSuchPackage, message)
                .with_hint("Call package_list to see which packages the bucket has."),
            E::NoSuchRevision { .. } => ToolError::new(ErrorCode::NoSuchPackage, message)
                .with_hint("Call package_versions to see which revisions the package has."),
            E::Ambiguous { .. } | E::Invalid(_) => ToolError::invalid(message),
            E::Write(problem) => match *problem {
                WriteError::TooLarge { .. } | WriteError::NotWritable { .. } => ToolError::invalid(message),
                WriteError::Order(_) => ToolError::invalid(message).with_hint(
                    "A logical key cannot be a file and a directory at once; choose another for one of them.",
                ),
            },
            E::Pointer { .. } | E::Manifest { .. } | E::Poisoned { .. } => {
                ToolError::new(ErrorCode::InvalidManifest, message)
                    .with_hint("Call package_verify, or use another revision of the package.")
            }
            E::TooLarge(_) => ToolError::new(ErrorCode::TooLarge, message),
            E::Memory(refused) => refused.into(),
            E::Cpu(CpuError::Busy) => ToolError::new(ErrorCode::Throttled, message).retryable(),
            E::Cpu(CpuError::TooSlow) => ToolError::new(ErrorCode::Timeout, message)
                .with_hint("Put fewer files in at once, or have the workflow's schema made simpler."),
            E::Changed { .. } => ToolError::new(ErrorCode::Conflict, message).retryable(),
            E::Conflict { expected, found, .. } => conflict(message, expected.as_ref(), found.as_ref()),
            E::AfterCommit { name, hash, problem } => {
                let details = json!({
                    "committed": true, "hash": hash.as_str(), "missing": "history entry",
                    "cause": self.explain_package(*problem).message,
                });
                ToolError::new(ErrorCode::Upstream, message)
                    .retryable()
                    .with_hint(format!(
                        "The package {name} is complete and readable; repeat the same call to add its history entry."
                    ))
                    .with_details(details)
            }
            E::Unclear { hash, problem, .. } => ToolError::new(ErrorCode::Upstream, message)
                .retryable()
                .with_hint("Call package_browse to see which revision is the latest, then repeat the call if need be.")
                .with_details(json!({ "hash": hash.as_str(), "cause": self.explain(&problem).message })),
            E::Violation(_) | E::Choice(_) => ToolError::new(ErrorCode::WorkflowViolation, message)
                .with_hint("Call workflow_list to see what the bucket's workflows demand."),
            E::Workflows { .. } => ToolError::new(ErrorCode::WorkflowViolation, message)
                .with_hint("Whoever owns the bucket has to repair .quilt/workflows/config.yml."),
        }
    }
}

/// Another revision is there than the call was about.
pub(super) fn conflict(message: String, expected: Option<&TopHash>, current: Option<&TopHash>) -> ToolError {
    let text = |hash: Option<&TopHash>| hash.map(|hash| hash.as_str().to_owned());
    ToolError::new(ErrorCode::Conflict, message)
        .with_hint("Look at the current revision, then decide anew.")
        .with_details(json!({ "expected_hash": text(expected), "current_hash": text(current) }))
}

/// An error's words as a sentence.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first: String = letters
        .next()
        .map(|letter| letter.to_uppercase().collect())
        .unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}
