//! What the packaging tools ask the person behind the client, and about what: if the package has moved on, or other
//! pointers would go, it is another question.

use quilt_format::{PackageName, TopHash};

use crate::packages::{ChangeCounts, Deletion, Latest};
use crate::s3::BucketName;
use crate::tools::{Question, Target};

/// Whether this deletion is meant.
pub(super) fn delete(
    bucket: &BucketName,
    name: &PackageName,
    revision: Option<&TopHash>,
    deletion: &Deletion,
) -> Question {
    let (message, yes) = match (revision, deletion.latest_after()) {
        (None, _) => {
            let latest = deletion
                .latest()
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
        (Some(hash), None) => {
            let message = format!(
                "Delete the revision {hash}, the only one, and with it the package {name} from the bucket {bucket}?"
            );
            (message, "Delete the package")
        }
    };
    let hashes = [revision, deletion.latest(), deletion.latest_after()].map(|hash| hash.map_or("", TopHash::as_str));
    let keys = deletion.keys();
    let parts = ["delete", bucket.as_str(), name.as_str()].into_iter().chain(hashes);
    let about = Target::of(parts.chain(keys.iter().map(String::as_str)).map(str::as_bytes));
    Question {
        about,
        message: format!("{message} Manifests and data stay."),
        yes,
    }
}

/// A package as it is before it gets a next revision that does not come of it.
pub(super) fn taken(bucket: &BucketName, name: &PackageName, latest: &Latest) -> Target {
    Target::of(["overwrite", bucket.as_str(), name.as_str(), latest.hash.as_str()].map(str::as_bytes))
}

/// Whether the next revision is meant.
pub(super) fn overwrite(
    bucket: &BucketName,
    name: &PackageName,
    latest: &Latest,
    diff: Option<&ChangeCounts>,
) -> Question {
    let counts = diff.map_or(
        String::new(),
        |ChangeCounts {
             added,
             changed,
             removed,
         }| { format!(" Of its entries {changed} would change and {removed} go; {added} would come.") },
    );
    let message = format!(
        "The package {name} exists already in the bucket {bucket}; its revision is {}. Make this its next revision?{counts}",
        latest.hash
    );
    Question {
        about: taken(bucket, name, latest),
        message,
        yes: "Make it the next revision",
    }
}
