//! `package_verify`: verification of a revision's hash and of its objects.

use quilt_format::Entry;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::args::{ExistingName, latest};
use super::view::PackageRef;
use crate::aws::s3::BucketName;
use crate::packages::{
    CONNECTIONS_BYTES, Hashing, ManifestAccess, ManifestFile, ObjectStatus, PackageBucket, PackageError,
};
use crate::tools::answer_size::{AnswerBudget, bounded_message};
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError};

/// Most entries in each list of problems.
const MAX_PROBLEMS: usize = 100;

pub struct PackageVerify;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Bucket
    #[schemars(with = "String")]
    bucket: BucketName,
    /// As `namespace/name`
    #[schemars(with = "String")]
    name: ExistingName,
    /// Top hash, 6 or more digits of it, latest~N, or latest (the default)
    #[serde(default = "latest")]
    hash: String,
    /// Also check each object, and read those without a checksum in S3
    #[serde(default)]
    check_objects: bool,
}

/// An entry with a problem.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Problem {
    logical_key: String,
    s3_uri: String,
    reason: String,
}

/// Outcome for the objects. Each list names the first 100 at most.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Objects {
    checked: u64,
    ok: u64,
    missing: Vec<Problem>,
    mismatched: Vec<Problem>,
    /// Denied, or of a kind that cannot be checked.
    unverifiable: Vec<Problem>,
    /// Present if there are more problems than are listed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    problems_cut: bool,
    /// false: time ran out
    complete: bool,
    bytes_hashed: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    package: PackageRef,
    manifest_ok: bool,
    top_hash: String,
    /// null: the manifest cannot be read
    recomputed_hash: Option<String>,
    /// Why the manifest cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    manifest_error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    objects: Option<Objects>,
}

impl Tool for PackageVerify {
    const NAME: &'static str = "package_verify";
    const TITLE: &'static str = "Verify a package";
    const DESCRIPTION: &'static str = "Recomputes a package revision's hash from its manifest. With check_objects it also checks \
                                       that every object is there with the right size and checksum.";
    const TOOLSET: Toolset = Toolset::Packaging;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let name = args.name.0;
        let explain = |error| session.explain_package(error);
        let s3 = session.s3().await?;
        let packages = session.packages(s3, args.bucket.clone());
        let hash = packages.resolve(&name, &args.hash).await.map_err(explain)?;
        let objects_bytes = if args.check_objects { CONNECTIONS_BYTES } else { 0 };
        let manifest_bytes = packages.estimate_manifest_bytes(&hash, ManifestAccess::Scan).await;
        session.reserve(manifest_bytes + objects_bytes).await?;
        let (file, manifest_error) = match packages.examine(&hash).await {
            Ok(file) => match file.index.not_built.as_ref().map(ToString::to_string) {
                None => (Some(file), None),
                problem => (None, problem),
            },
            Err(PackageError::Manifest { problem, .. }) => (None, Some(problem.to_string())),
            Err(error) => return Err(explain(error)),
        };
        let manifest_bytes = packages.estimate_manifest_bytes(&hash, ManifestAccess::Scan).await;
        session.release_above(manifest_bytes + objects_bytes);
        let recomputed = file.as_ref().map(|file| file.index.top_hash.clone());
        let objects = match file.filter(|_| args.check_objects) {
            None => None,
            Some(file) => Some(check_objects(&session, &packages, &file, &packages.hashing()).await?),
        };
        Ok(Output {
            package: PackageRef::of(&args.bucket, &name, &hash),
            manifest_ok: recomputed.as_ref() == Some(&hash),
            top_hash: hash.to_string(),
            recomputed_hash: recomputed.map(|hash| hash.to_string()),
            manifest_error,
            objects,
        }
        .into())
    }
}

/// Checks the objects of a manifest until the call's deadline.
async fn check_objects(
    session: &Session,
    packages: &PackageBucket,
    file: &ManifestFile,
    hashing: &Hashing,
) -> Result<Objects, ToolError> {
    let mut tally = Tally {
        session,
        total: file.index.whole.entries,
        objects: Objects::default(),
        budget: AnswerBudget::new(),
    };
    let check = packages.check_objects(file, hashing, session.deadline(), |entry, status| {
        tally.add(entry, status);
    });
    let complete = check.await.map_err(|error| session.explain_package(error))?;
    Ok(Objects {
        complete,
        bytes_hashed: hashing.bytes_read(),
        ..tally.objects
    })
}

struct Tally<'a> {
    session: &'a Session,
    total: u64,
    objects: Objects,
    budget: AnswerBudget,
}

impl Tally<'_> {
    fn add(&mut self, entry: &Entry, status: ObjectStatus) {
        let objects = &mut self.objects;
        objects.checked += 1;
        self.session.report(objects.checked, self.total);
        let (list, reason) = match status {
            ObjectStatus::Valid => {
                objects.ok += 1;
                return;
            }
            ObjectStatus::Missing => (&mut objects.missing, "there is no such object".to_owned()),
            ObjectStatus::Mismatch(what) => (&mut objects.mismatched, what),
            ObjectStatus::Failed(error) => (&mut objects.unverifiable, self.session.explain(&error).message),
            ObjectStatus::Unverifiable(why) => (&mut objects.unverifiable, why),
        };
        let problem = Problem {
            logical_key: entry.logical_key.to_string(),
            s3_uri: entry.physical_key.to_string(),
            reason: bounded_message(&reason),
        };
        if list.len() < MAX_PROBLEMS && self.budget.admits(&problem) {
            list.push(problem);
        } else {
            objects.problems_cut = true;
        }
    }
}
