//! Confirmations that the package tools request from the user. Each is about the package in the state that the question
//! describes: if the package moves on or is made anew, or other pointers would be deleted, the answer does not count.

use quilt_format::{PackageName, TopHash};

use crate::aws::s3::BucketName;
use crate::packages::{ChangeCounts, Deletion, ExistingPackage};
use crate::tools::{ConfirmationRequest, Subject};

/// Requests confirmation of a deletion.
pub(super) fn delete(
    bucket: &BucketName,
    name: &PackageName,
    revision: Option<&TopHash>,
    deletion: &Deletion,
) -> ConfirmationRequest {
    let (message, yes) = match (revision, deletion.latest_after()) {
        (None, _) => {
            let latest = deletion
                .latest_before()
                .map_or(String::new(), |latest| format!(" Its latest revision is {latest}."));
            let message =
                format!("Delete the package {name}, with all of its revisions, from the bucket {bucket}?{latest}");
            (message, "Delete the package")
        }
        (Some(hash), Some(after)) => {
            let message = format!(
                "Delete the revision {hash} of the package {name} in the bucket {bucket}? The latest is {after} then."
            );
            (message, "Delete the revision")
        }
        (Some(hash), None) if deletion.is_partial() => {
            let message = format!(
                "Delete the revision {hash} of the package {name} in the bucket {bucket}? The package has no latest \
                 revision then."
            );
            (message, "Delete the revision")
        }
        (Some(hash), None) => {
            let message = format!(
                "Delete the revision {hash}, the only one, and with it the package {name} from the bucket {bucket}?"
            );
            (message, "Delete the package")
        }
    };
    let hashes = [revision, deletion.latest_after()].map(|hash| hash.map_or("", TopHash::as_str));
    let keys = deletion.keys();
    let writes: Vec<String> = deletion.write_ids().collect();
    let parts = ["delete", bucket.as_str(), name.as_str()].into_iter().chain(hashes);
    let parts = parts.chain(keys.iter().chain(&writes).map(String::as_str));
    let about = Subject::of(parts.map(str::as_bytes));
    ConfirmationRequest {
        subject: about,
        message: format!("{message} Manifests and data stay."),
        confirm_label: yes,
    }
}

/// Returns the subject of the replacement of a package.
pub(super) fn replacement(bucket: &BucketName, name: &PackageName, existing: &ExistingPackage) -> Subject {
    Subject::of(["overwrite", bucket.as_str(), name.as_str(), &existing.write_id()].map(str::as_bytes))
}

/// Requests confirmation that a package is replaced.
pub(super) fn overwrite(
    bucket: &BucketName,
    name: &PackageName,
    existing: &ExistingPackage,
    diff: Option<&ChangeCounts>,
) -> ConfirmationRequest {
    let counts = diff.map_or(
        String::new(),
        |ChangeCounts {
             added,
             changed,
             removed,
         }| { format!(" Of its entries {changed} would change and {removed} go; {added} would come.") },
    );
    let state = match existing.hash() {
        Some(hash) => format!("its revision is {hash}"),
        None => "it has no latest revision that can be read".to_owned(),
    };
    let message = format!(
        "The package {name} exists already in the bucket {bucket}; {state}. Make this its next revision?{counts}"
    );
    ConfirmationRequest {
        subject: replacement(bucket, name, existing),
        message,
        confirm_label: "Make it the next revision",
    }
}
