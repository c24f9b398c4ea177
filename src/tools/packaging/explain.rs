//! Mapping of package errors to tool errors: code, sentence and hint.

use quilt_format::manifest::WriteError;
use quilt_format::{LogicalKey, ManifestError, PackageName, TopHash};
use serde_json::{Value, json};

use crate::aws::{AwsError, AwsErrorKind};
use crate::blocking::CpuError;
use crate::error_code::ErrorCode;
use crate::packages::{ChangeCounts, LatestUnknown, PackageError};
use crate::tools::{Session, ToolError};

impl Session {
    /// Maps a package error to the tool error that this caller receives.
    #[must_use]
    pub fn explain_package(&self, error: PackageError) -> ToolError {
        use PackageError as E;
        let text = error.to_string();
        let message = sentence(&text);
        match error {
            E::S3(error) => self.explain(&error),
            E::NoSuchPackage { .. } => ToolError::new(ErrorCode::NoSuchPackage, message)
                .with_hint("Call package_list to see which packages the bucket has."),
            E::NoSuchRevision { .. } => ToolError::new(ErrorCode::NoSuchPackage, message)
                .with_hint("Call package_versions to see which revisions the package has."),
            E::Ambiguous { .. } | E::Invalid(_) => ToolError::invalid(message),
            E::Write(problem) => serialization_error(message, &problem),
            E::Pointer(_) => ToolError::new(ErrorCode::InvalidManifest, message)
                .with_hint("Call package_versions to see which revisions the package has, and name one with hash."),
            E::LatestUnknown(unknown) => latest_unknown(message, &unknown),
            E::NameTaken(_) => conflict(message, None, None).with_hint(
                "Set overwrite=true to make this the package's next revision, or delete the package with package_delete.",
            ),
            E::Manifest { problem, .. } if matches!(*problem, ManifestError::NotBuilt { .. }) => {
                ToolError::new(ErrorCode::InvalidManifest, message).with_hint(
                    "Push the package again with quilt3, which adds what is missing; package_browse shows what is known.",
                )
            }
            E::Manifest { .. } | E::Poisoned { .. } => {
                ToolError::new(ErrorCode::InvalidManifest, message)
                    .with_hint("Call package_verify, or use another revision of the package.")
            }
            E::OutOfTime => ToolError::new(ErrorCode::Timeout, message).retryable().with_hint(
                "Write the objects with SHA-256 checksums, so that they need not be read, or leave dry_run out: a real call \
                 goes on where the one before has stopped.",
            ),
            E::TooLarge(_) => ToolError::new(ErrorCode::TooLarge, message),
            E::Memory(refused) => refused.into(),
            E::Cpu(CpuError::Busy) => ToolError::new(ErrorCode::Throttled, message).retryable(),
            E::Cpu(CpuError::TooSlow) => ToolError::new(ErrorCode::Timeout, message)
                .with_hint("Put fewer files in at once, or have the workflow's schema made simpler."),
            E::Changed { .. } => ToolError::new(ErrorCode::Conflict, message).retryable(),
            E::Conflict { expected, found, .. } => conflict(message, expected.as_ref(), found.as_ref()),
            E::AlreadyExists {
                found,
                is_identical,
                diff,
                ..
            } => already_exists(message, &found, is_identical, diff),
            E::UnexpectedRevision { expected, found, .. } => conflict(message, Some(&expected), Some(&found)),
            E::SourceEntry { key, problem } => self.source_entry(&key, &problem),
            E::SecondText { text, object, key } => ToolError::invalid(format!(
                "Both the argument {text} and {object} would be the entry `{key}`."
            )),
            E::NothingToRemove { .. } => ToolError::invalid(format!("Argument remove: {text}."))
                .with_hint("Browse the package to see its keys; a folder is written with a slash at its end."),
            E::AfterCommit { name, hash, problem } => self.after_commit(message, &name, &hash, *problem),
            E::Unclear { hash, problem, .. } => ToolError::new(ErrorCode::Upstream, message)
                .retryable()
                .with_hint("Call package_browse to see which revision is the latest, then repeat the call if need be.")
                .with_details(json!({ "hash": hash.as_str(), "cause": self.explain(&problem).message })),
            E::Violation(_) | E::Choice(_) => ToolError::new(ErrorCode::WorkflowViolation, message)
                .with_hint("Call workflow_list to see what the bucket's workflows demand."),
            E::Workflows { .. } => ToolError::new(ErrorCode::WorkflowViolation, message)
                .with_hint("The owner of the bucket has to repair .quilt/workflows/config.yml."),
        }
    }

    /// Makes the error of an entry whose object cannot be had.
    fn source_entry(&self, key: &LogicalKey, problem: &AwsError) -> ToolError {
        let explained = self.explain(problem);
        let message = format!("Entry `{key}` cannot be copied: {}", explained.message);
        let error = ToolError { message, ..explained };
        if problem.kind == AwsErrorKind::NoSuchKey {
            return error
                .with_hint("Call package_verify with check_objects=true to see every entry whose object is gone.");
        }
        error
    }

    /// Makes the error of a commit whose history entry is missing.
    fn after_commit(&self, message: String, name: &PackageName, hash: &TopHash, problem: PackageError) -> ToolError {
        let details = json!({
            "committed": true, "hash": hash.as_str(), "missing": "history entry",
            "cause": self.explain_package(problem).message,
        });
        ToolError::new(ErrorCode::Upstream, message)
            .retryable()
            .with_hint(format!(
                "The package {name} is complete and readable; repeat the same call to add its history entry."
            ))
            .with_details(details)
    }
}

/// Makes the error of a package whose `latest` is missing or unreadable.
fn latest_unknown(message: String, unknown: &LatestUnknown) -> ToolError {
    let code = match unknown.pointer {
        Some(_) => ErrorCode::InvalidManifest,
        None => ErrorCode::NoSuchPackage,
    };
    let read = match &unknown.newest {
        Some(newest) => format!("Name a revision, the newest with hash={newest}"),
        None => "Call package_versions to see its pointers".to_owned(),
    };
    ToolError::new(code, message).with_hint(format!(
        "{read}; package_create with overwrite=true gives the package a latest revision again, and package_delete takes it \
         away."
    ))
}

fn serialization_error(message: String, problem: &WriteError) -> ToolError {
    let error = ToolError::invalid(message);
    match problem {
        WriteError::TooLarge { .. } | WriteError::NotWritable { .. } => error,
        WriteError::Order(_) => {
            error.with_hint("A logical key cannot be a file and a directory at once; choose another for one of them.")
        }
    }
}

/// Makes the conflict with a package that has the name of a new one.
fn already_exists(message: String, found: &TopHash, is_identical: bool, diff: Option<ChangeCounts>) -> ToolError {
    let mut error = conflict(message, None, Some(found));
    if let Some(Value::Object(details)) = error.details.as_deref_mut() {
        details.insert("identical".into(), is_identical.into());
        details.extend(diff.map(|diff| {
            let counts = json!({ "added": diff.added, "changed": diff.changed, "removed": diff.removed });
            ("diff".to_owned(), counts)
        }));
    }
    error.with_hint(if is_identical {
        "Nothing needs doing: the package has exactly this content already."
    } else {
        "Set overwrite=true to make this its next revision, or use package_update to change the one there."
    })
}

/// Makes the conflict with another revision than the call started from.
fn conflict(message: String, expected: Option<&TopHash>, current: Option<&TopHash>) -> ToolError {
    let text = |hash: Option<&TopHash>| hash.map(|hash| hash.as_str().to_owned());
    ToolError::new(ErrorCode::Conflict, message)
        .with_hint("Look at the current revision, then decide anew.")
        .with_details(json!({ "expected_hash": text(expected), "current_hash": text(current) }))
}

/// Makes a sentence of an error message. A name or URI at its beginning is not altered: names are case-sensitive.
fn sentence(text: &str) -> String {
    let text = text.trim_end_matches('.');
    let begin = text.split(' ').next().unwrap_or_default();
    if !begin.chars().all(|letter| letter.is_ascii_lowercase()) {
        return format!("{text}.");
    }
    let mut letters = text.chars();
    let capital = letters.next().map(|letter| letter.to_ascii_uppercase());
    format!("{}{}.", capital.map(String::from).unwrap_or_default(), letters.as_str())
}
