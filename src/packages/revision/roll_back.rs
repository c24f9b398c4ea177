//! Rolling back: `latest` names an older revision again, by the hash that the revision has. The history stays as it is, as
//! with quilt3 (`Package.rollback`), but the move is conditional and never loses a revision.

use quilt_format::layout;
use quilt_format::{PackageName, TopHash};

use super::commit::Commit;
use super::existing::ExistingPackage;
use crate::aws::AwsErrorKind;
use crate::packages::manifest::ManifestContent;
use crate::packages::{PackageBucket, PackageError};

/// A planned move of `latest` to an older revision.
#[derive(Debug, Clone)]
pub struct RollBack {
    name: PackageName,
    to: TopHash,
    existing: ExistingPackage,
}

impl RollBack {
    /// Returns the latest revision before, if it is known.
    #[must_use]
    pub fn latest_before(&self) -> Option<&TopHash> {
        self.existing.hash()
    }

    /// Returns the revision that becomes the latest.
    #[must_use]
    pub fn latest_after(&self) -> &TopHash {
        &self.to
    }

    /// Reports whether the revision is the latest already.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.latest_before() == Some(&self.to)
    }
}

impl PackageBucket {
    /// Plans to make a revision of the package its latest. The manifest must exist, and a pointer of the package must name
    /// it.
    pub async fn plan_roll_back(
        &self,
        name: &PackageName,
        to: TopHash,
        expected: Option<&TopHash>,
    ) -> Result<RollBack, PackageError> {
        let existing = self.find_package(name).await?;
        let existing = existing.ok_or_else(|| PackageError::NoSuchPackage {
            bucket: self.bucket.clone(),
            name: name.clone(),
        })?;
        if let (Some(expected), Some(found)) = (expected, existing.hash())
            && expected != found
        {
            return Err(PackageError::UnexpectedRevision {
                name: name.clone(),
                expected: expected.clone(),
                found: found.clone(),
            });
        }
        match self.s3.head(&self.object(&layout::manifest(&to))?).await {
            Ok(_) => {}
            Err(error) if error.kind == AwsErrorKind::NoSuchKey => {
                return Err(PackageError::NoSuchRevision {
                    bucket: self.bucket.clone(),
                    wanted: to.to_string(),
                });
            }
            Err(error) => return Err(error.into()),
        }
        let plan = RollBack {
            name: name.clone(),
            to,
            existing,
        };
        if !plan.is_there() {
            let pointers = self.read_pointers(self.pointers(name).await?).await?;
            if !pointers.iter().any(|read| read.names(&plan.to)) {
                return Err(PackageError::Invalid(format!(
                    "revision {} is not in the history of {name}",
                    plan.to
                )));
            }
        }
        Ok(plan)
    }

    /// Moves `latest` as planned. The history entry of the latest revision before is added if an interrupted commit left it
    /// out, so that it can be found again.
    pub async fn roll_back(&self, plan: RollBack) -> Result<(), PackageError> {
        if plan.is_there() {
            return Ok(());
        }
        self.repair_parent(&plan.name, Some(&plan.existing)).await?;
        let commit = Commit {
            name: plan.name,
            top_hash: plan.to,
            manifest: ManifestContent::Discarded,
            is_copy: false,
            parent: Some(plan.existing),
        };
        let this = self.clone();
        self.run_to_end(async move { this.move_latest(&commit).await }).await
    }
}
