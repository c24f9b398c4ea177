//! `package_verify`: whether a revision is what its name says, and its objects what its entries say.

use quilt_format::Entry;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::args::{KnownName, latest};
use super::view::PackageRef;
use crate::packages::{Hashing, OBJECTS, PackageError, Use, Verdict};
use crate::s3::BucketName;
use crate::tools::tool::{Hints, Reply, Tool, Toolset};
use crate::tools::{Session, ToolError};

/// Most entries that each list of problems names.
const NAMED: usize = 100;

/// Verifies a package.
pub struct PackageVerify;

/// Which one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    #[schemars(with = "String")]
    bucket: BucketName,
    #[schemars(with = "String")]
    name: KnownName,
    #[serde(default = "latest")]
    hash: String,
    /// Also check every object; reads those of which S3 has no checksum
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

/// What was found of the objects. Each list names the first 100.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Objects {
    checked: u64,
    ok: u64,
    missing: Vec<Problem>,
    mismatched: Vec<Problem>,
    /// Denied, or of a kind that cannot be checked.
    unverifiable: Vec<Problem>,
    /// false: time ran out
    complete: bool,
    bytes_hashed: u64,
}

/// What was found.
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

    async fn run(session: Session, args: Args) -> Result<Reply<Output>, ToolError> {
        let name = args.name.0;
        let told = |error| session.explain_package(error);
        let s3 = session.s3().await?;
        let packages = session.packages(s3.clone(), args.bucket.clone());
        let hash = packages.resolve(&name, &args.hash).await.map_err(told)?;
        let objects = if args.check_objects { OBJECTS } else { 0 };
        session.hold(packages.room(&hash, Use::Scan).await + objects).await?;
        let (file, manifest_error) = match packages.examine(&hash).await {
            Ok(file) => (Some(file), None),
            Err(PackageError::Manifest { problem, .. }) => (None, Some(problem.to_string())),
            Err(error) => return Err(told(error)),
        };
        session.settle(packages.room(&hash, Use::Scan).await + objects);
        let recomputed = file.as_ref().map(|file| file.index.top_hash.clone());
        let objects = match file.filter(|_| args.check_objects) {
            None => None,
            Some(file) => {
                let total = file.index.whole.entries;
                let hashing = Hashing::new(s3);
                let mut tally = Tally {
                    session: &session,
                    total,
                    objects: Objects::default(),
                };
                let check = packages.check_objects(&file, &hashing, session.deadline(), |entry, verdict| {
                    tally.add(entry, verdict);
                });
                let complete = check.await.map_err(told)?;
                Some(Objects {
                    complete,
                    bytes_hashed: hashing.bytes_read(),
                    ..tally.objects
                })
            }
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

struct Tally<'a> {
    session: &'a Session,
    total: u64,
    objects: Objects,
}

impl Tally<'_> {
    fn add(&mut self, entry: &Entry, verdict: Verdict) {
        let objects = &mut self.objects;
        objects.checked += 1;
        self.session.report(objects.checked, self.total);
        let (list, reason) = match verdict {
            Verdict::Good => {
                objects.ok += 1;
                return;
            }
            Verdict::Missing => (&mut objects.missing, "there is no such object".to_owned()),
            Verdict::Mismatch(what) => (&mut objects.mismatched, what),
            Verdict::Refused(error) => (&mut objects.unverifiable, self.session.explain(&error).message),
            Verdict::Uncheckable(why) => (&mut objects.unverifiable, why),
        };
        if list.len() < NAMED {
            let (logical_key, s3_uri) = (entry.logical_key.to_string(), entry.physical_key.to_string());
            list.push(Problem {
                logical_key,
                s3_uri,
                reason,
            });
        }
    }
}
