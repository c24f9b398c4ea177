//! Run of the pipeline that writes a revision, within the time of the call and with the user's consent.

use std::sync::Arc;

use super::args::HashType;
use super::confirmations;
use super::output::Output;
use super::review::Review;
use crate::aws::s3::{BucketName, UserS3};
use crate::error_code::ErrorCode;
use crate::packages::{BuildPolicy, Built, ChecksumPreference, ExistingPackage, PackageBucket, PackageError, Plan};
use crate::tools::{Session, ToolError};

/// Arguments that the plan of a revision does not contain.
pub(super) struct WriteOptions {
    pub hash_type: Option<HashType>,
    /// Whether a package of the same name may be replaced without the user's consent.
    pub overwrite: bool,
    /// Warnings that precede those of the pipeline.
    pub warnings: Vec<String>,
    /// The paths of a summary.
    pub summary: Vec<String>,
}

/// Writes a revision as planned.
pub(super) async fn write(
    session: &Session,
    bucket: &BucketName,
    plan: Plan<'_>,
    options: WriteOptions,
) -> Result<Output, ToolError> {
    let s3 = session.s3_for_writing().await?;
    let packages = session.packages(s3.clone(), bucket.clone());
    let name = plan.name.clone();
    let dry_run = plan.dry_run;
    let review = Review::of(bucket, &plan, options.summary.clone());
    let (built, replaced) = in_time(session, Box::pin(build(session, &s3, &packages, plan, &options))).await?;
    let committed = built.commit().await.map_err(|error| match (error, &replaced) {
        (
            PackageError::AlreadyExists {
                is_identical: false,
                diff,
                ..
            },
            Some(replaced),
        ) if !dry_run && session.can_ask() => {
            confirmations::overwrite(bucket, &name, replaced, diff.as_ref()).into_error()
        }
        (PackageError::NameTaken(_), Some(replaced)) if !dry_run && session.can_ask() => {
            confirmations::overwrite(bucket, &name, replaced, None).into_error()
        }
        (error, _) => session.explain_package(error),
    })?;
    let mut warnings = options.warnings;
    warnings.extend(review.warnings(&packages, &committed).await);
    Ok(Output::of(session, bucket, &name, &committed, warnings))
}

/// Runs the stages before the commit. Also returns the package that a creation would replace.
async fn build(
    session: &Session,
    s3: &UserS3,
    packages: &PackageBucket,
    plan: Plan<'_>,
    options: &WriteOptions,
) -> Result<(Built, Option<ExistingPackage>), ToolError> {
    let explain = |error| session.explain_package(error);
    let name = plan.name.clone();
    let dry_run = plan.dry_run;
    let progress = {
        let session = session.clone();
        Arc::new(move |done, total| session.report(done, total))
    };
    let inspected = match packages.inspect(plan, progress).await {
        Err(PackageError::S3(error)) => return Err(session.explain_object(s3, &error).await),
        inspected => inspected.map_err(explain)?,
    };
    let validated = inspected.validate().await.map_err(explain)?;
    let replaced = validated.replaced().cloned();
    let may_replace = match &replaced {
        Some(existing) if !options.overwrite => {
            !dry_run && session.has_consent(confirmations::replacement(packages.name(), &name, existing))?
        }
        _ => true,
    };
    let checksum = checksum_preference(session, options.hash_type).await;
    let policy = BuildPolicy { checksum, may_replace };
    let built = validated.build(policy).await.map_err(explain)?;
    Ok((built, replaced))
}

/// Returns the kind of checksum that the argument names, else the one that the catalog prefers.
pub(super) async fn checksum_preference(session: &Session, hash_type: Option<HashType>) -> ChecksumPreference {
    let catalog_prefers_crc64 = match (hash_type, session.catalog()) {
        (None, Some(catalog)) => catalog.prefers_crc64().await,
        _ => false,
    };
    if hash_type == Some(HashType::Crc64Nvme) || catalog_prefers_crc64 {
        ChecksumPreference::Crc64Nvme
    } else {
        ChecksumPreference::Sha256Chunked
    }
}

/// Bounds the work before a commit by the call's deadline.
pub(super) async fn in_time<T>(
    session: &Session,
    work: impl Future<Output = Result<T, ToolError>>,
) -> Result<T, ToolError> {
    match tokio::time::timeout_at(session.deadline(), work).await {
        Ok(outcome) => outcome,
        Err(_elapsed) => {
            let message =
                "The time of the call was over before everything was hashed and copied; the package was not changed.";
            Err(ToolError::new(ErrorCode::Timeout, message).retryable().with_hint(
                "Put fewer files in at once and add the rest with package_update, or write the objects with SHA-256 \
                 checksums, so that they need not be read.",
            ))
        }
    }
}
