//! The way of a new package from its plan to its commit, for all tools that create one.

use quilt_format::checksum::{HashKind, ObjectHasher};
use quilt_format::{Entry, Header, LogicalKey, PackageName, PhysicalKey, json as quilt_json, layout};
use serde_json::{Value, json};

use super::args::{HashType, choice, message};
use super::explain::conflict;
use super::metadata::Metadata;
use super::outcome::{Done, Output};
use super::questions;
use crate::error_code::ErrorCode;
use crate::packages::{
    ChangeCounts, Committed, Comparison, Hashing, Judged, Latest, PackageBucket, PackageError, Planned, Preference,
    Prepared, Seen, Use, room_of_files,
};
use crate::s3::{BucketName, ObjectUri, Put, UserS3};
use crate::tools::{Session, ToolError};

/// Where a readme goes.
const README: &str = "README.md";

/// A package that is to be created.
pub(super) struct NewPackage {
    pub bucket: BucketName,
    pub name: PackageName,
    pub planned: Vec<Planned>,
    pub options: Options,
    pub warnings: Vec<String>,
}

/// What may be said about it.
pub(super) struct Options {
    pub message: String,
    pub metadata: Option<Metadata>,
    pub readme: Option<String>,
    pub copy: bool,
    pub workflow: Option<String>,
    pub hash_type: Option<HashType>,
    pub overwrite: bool,
    pub dry_run: bool,
}

/// Which checksum new entries get: the caller's word, else the catalog's.
pub(super) async fn preference(session: &Session, asked: Option<HashType>) -> Preference {
    let catalog_prefers = match (asked, session.catalog()) {
        (None, Some(catalog)) => catalog.prefers_crc64().await,
        _ => false,
    };
    if asked == Some(HashType::Crc64Nvme) || catalog_prefers {
        Preference::Crc64Nvme
    } else {
        Preference::Sha256Chunked
    }
}

/// Runs what comes before a commit until the call's time is nearly over.
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

/// Creates a package.
pub(super) async fn create(session: &Session, new: NewPackage) -> Result<Output, ToolError> {
    let s3 = session.s3_for_writing().await?;
    let packages = session.packages(s3.clone(), new.bucket.clone());
    let hashing = Hashing::new(s3.clone());
    let told = |error: PackageError| session.explain_package(error);
    let NewPackage {
        bucket,
        name,
        planned,
        options,
        mut warnings,
    } = new;
    refuse_second_readme(options.readme.as_deref(), &planned)?;

    let prepare = async {
        let latest = packages.latest(&name).await.map_err(told)?;
        let before = match &latest {
            Some(latest) => packages.room(&latest.hash, Use::Scan).await,
            None => 0,
        };
        let gate = packages.gate(choice(options.workflow.as_deref())).await.map_err(told)?;
        let checking = gate.room(planned.len() + 1);
        session
            .hold((room_of_files(&planned) + before).saturating_add(checking))
            .await?;
        let total = 2 * planned.len() as u64;
        let seen = packages
            .look(&hashing, planned, &|done, _| session.report(done, total))
            .await
            .map_err(told)?;
        let user_meta = options
            .metadata
            .as_ref()
            .map(|Metadata(meta)| quilt_json::Value::from(meta.clone()));
        let readme = options
            .readme
            .as_deref()
            .map(|text| readme(&bucket, &name, text, None))
            .transpose()?;
        let judged = Judged {
            name: name.clone(),
            message: message(&options.message).map(str::to_owned),
            user_meta: user_meta.clone(),
        };
        let (seen, readme) = packages
            .judge(&gate, judged, (seen, readme), in_order)
            .await
            .map_err(told)?;

        let is_refused = match &latest {
            Some(latest) if !options.overwrite => {
                options.dry_run || !session.has_consent(questions::taken(&bucket, &name, latest))?
            }
            _ => false,
        };
        let writes = !options.dry_run && !is_refused;
        let (mut entries, bytes_copied) = finish(session, &packages, &hashing, seen, &name, &options, writes).await?;
        let readme = match (&options.readme, writes) {
            (Some(text), true) => Some(write_readme(session, &packages, &s3, &name, text).await?),
            _ => readme,
        };
        entries.extend(readme);
        let header = Header::new(user_meta, gate.stored(), message(&options.message));
        let (entries, prepared) = packages.compose(header, entries).await.map_err(told)?;
        Ok((latest, is_refused, entries, prepared, bytes_copied))
    };
    let (latest, is_refused, entries, prepared, bytes_copied) = in_time(session, prepare).await?;

    let diff = match &latest {
        None => None,
        Some(latest) => match compared(&packages, latest, &prepared, &entries).await {
            Ok(diff) => Some(diff),
            // What cannot be read can still be replaced.
            Err(error) => {
                warnings.push(format!("The revision before could not be compared: {error}."));
                None
            }
        },
    };
    let mut committed = Committed::default();
    if let (Some(latest), true) = (&latest, is_refused) {
        committed = refuse(session, &packages, &name, latest, &prepared, &options, diff).await?;
    } else if !options.dry_run {
        committed = packages.commit(prepared.draft(&name, latest)).await.map_err(told)?;
    }
    let done = Done {
        bucket: &bucket,
        name: &name,
        prepared: &prepared,
        entries: &entries,
        bytes_hashed: hashing.bytes_read(),
        bytes_copied,
        dry_run: options.dry_run,
        diff,
        committed,
        warnings,
    };
    Ok(Output::of(session, done))
}

async fn finish(
    session: &Session,
    packages: &PackageBucket,
    hashing: &Hashing,
    seen: Vec<Seen>,
    name: &PackageName,
    options: &Options,
    writes: bool,
) -> Result<(Vec<Entry>, u64), ToolError> {
    let (preference, all) = (preference(session, options.hash_type).await, seen.len() as u64);
    let copy_into = (options.copy && writes).then_some(name);
    let report = |done, _| session.report(all + done, 2 * all);
    packages
        .finish(hashing, seen, preference, copy_into, &report)
        .await
        .map_err(|error| session.explain_package(error))
}

/// A package of the name exists and may not be replaced. If it is the very revision that this call would have written, an
/// earlier attempt may have broken off behind its commit; then what it left undone is done now, and that is a success. If it
/// is another one, the user is asked where that can be done.
async fn refuse(
    session: &Session,
    packages: &PackageBucket,
    name: &PackageName,
    latest: &Latest,
    prepared: &Prepared,
    options: &Options,
    diff: Option<ChangeCounts>,
) -> Result<Committed, ToolError> {
    let is_identical = latest.hash == prepared.top_hash;
    if is_identical && !options.dry_run {
        let draft = prepared.draft(name, Some(latest.clone()));
        let committed = packages
            .commit(draft)
            .await
            .map_err(|error| session.explain_package(error))?;
        if committed.mended_parent {
            return Ok(committed);
        }
    }
    if !is_identical && !options.dry_run && session.can_ask() {
        return Err(questions::overwrite(packages.name(), name, latest, diff.as_ref()).unanswered());
    }
    let message = if is_identical {
        format!(
            "The package {name} exists already, with exactly this content; its revision is {}.",
            latest.hash
        )
    } else {
        format!("The package {name} exists already; its revision is {}.", latest.hash)
    };
    let mut error = conflict(message, None, Some(&latest.hash));
    if let Some(Value::Object(details)) = error.details.as_deref_mut() {
        details.insert("identical".into(), is_identical.into());
        details.extend(diff.map(|diff| {
            let counts = json!({ "added": diff.added, "changed": diff.changed, "removed": diff.removed });
            ("diff".to_owned(), counts)
        }));
    }
    Err(error
        .with_hint("Set overwrite=true to make this its next revision, or use package_update to change the one there."))
}

async fn compared(
    packages: &PackageBucket,
    latest: &Latest,
    prepared: &Prepared,
    entries: &[Entry],
) -> Result<ChangeCounts, PackageError> {
    if latest.hash == prepared.top_hash {
        return Ok(ChangeCounts::default());
    }
    let file = packages.open(&latest.hash).await?;
    Comparison::with_draft(file.all(), entries).count().await
}

fn in_order((seen, readme): &(Vec<Seen>, Option<Entry>)) -> Vec<&Entry> {
    let mut entries: Vec<&Entry> = seen.iter().map(|seen| &seen.entry).chain(readme).collect();
    entries.sort_by(|a, b| a.logical_key.cmp(&b.logical_key));
    entries
}

fn refuse_second_readme(readme: Option<&str>, planned: &[Planned]) -> Result<(), ToolError> {
    let key = LogicalKey::found(README.to_owned());
    let in_the_way = |other: &&Planned| other.logical_key == key || key.is_ancestor_of(&other.logical_key);
    match planned.iter().find(in_the_way).filter(|_| readme.is_some()) {
        None => Ok(()),
        Some(other) => Err(ToolError::invalid(format!(
            "Both the argument readme and {} would be the entry `{}`.",
            other.object, other.logical_key
        ))),
    }
}

/// The entry of a readme, which lies in the package's own place.
fn readme(bucket: &BucketName, name: &PackageName, text: &str, version_id: Option<String>) -> Result<Entry, ToolError> {
    let logical_key = LogicalKey::found(README.to_owned());
    let mut hasher = ObjectHasher::new(HashKind::Sha256Chunked, text.len() as u64);
    hasher.update(text.as_bytes());
    let hash = hasher
        .finish()
        .map_err(|problem| ToolError::new(ErrorCode::Internal, problem.to_string()))?;
    let key = layout::data(name, &logical_key);
    Ok(Entry {
        physical_key: PhysicalKey::S3 {
            bucket: bucket.to_string(),
            key,
            version_id,
        },
        logical_key,
        size: text.len() as u64,
        hash: hash.to_value(),
        meta: super::metadata::of_entry(None),
    })
}

async fn write_readme(
    session: &Session,
    packages: &PackageBucket,
    s3: &UserS3,
    name: &PackageName,
    text: &str,
) -> Result<Entry, ToolError> {
    let key = layout::data(name, &LogicalKey::found(README.to_owned()));
    let object = ObjectUri::latest(packages.name().clone(), key.parse().map_err(ToolError::invalid)?);
    let put = Put {
        body: text.to_owned().into(),
        content_type: Some("text/markdown; charset=utf-8".to_owned()),
        ..Put::default()
    };
    let outcome = s3.put(&object, &put).await.map_err(|error| session.explain(&error))?;
    readme(packages.name(), name, text, outcome.version_id)
}
