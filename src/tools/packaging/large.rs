//! Large revisions: objects below prefixes, listed while the package is written, and calls that go on where one has stopped.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use futures::stream::Peekable;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use quilt_format::workflow::Choice;
use quilt_format::{LogicalKey, TopHash, percent};
use sha2::{Digest as _, Sha256};

use super::confirmations;
use super::metadata;
use super::output::Output;
use super::prefix::{KeyFilter, MatchedFolders, warning_of_folders, warning_of_unusable};
use super::review::Review;
use super::write::{WriteOptions, checksum_preference, in_time};
use crate::aws::s3::{BucketName, ListedObject, ObjectUri};
use crate::error_code::ErrorCode;
use crate::packages::{
    Change, ChecksumPreference, LargeOutcome, LargePlan, LargeRevision, ListingMode, PackageBucket, PackageError, Plan,
    PlannedObject, PlannedObjects, Stopped, estimate_planned_bytes,
};
use crate::tools::{Session, ToolError};

/// Objects up to which a revision is made with all of them in memory.
pub(super) const MAX_OBJECTS_IN_MEMORY: usize = 5_000;
/// Time before the end of a call in which what is ready is written down; at most a fifth of what is left of the call.
const STOP_GRACE: Duration = Duration::from_secs(8);
/// Memory of a listing after the first, whose memory is that of any large revision.
const LISTING_BYTES: usize = 12 * 1024 * 1024;
/// Objects that a warning names.
const MAX_NAMED: usize = 5;

/// Objects below a prefix that go into a package, by the paths below its folder.
pub(super) struct PrefixSource {
    pub bucket: BucketName,
    pub prefix: String,
    /// The folder of the prefix, which logical keys do not contain.
    pub base: String,
    /// Begins every logical key; empty, or with a slash at its end.
    pub logical_prefix: String,
    pub filter: Arc<KeyFilter>,
}

/// What the listings have shown that a user should know.
#[derive(Debug, Default)]
struct Listed {
    /// Count of empty objects that stand for folders.
    folders: u64,
    /// Count of objects whose keys cannot be logical keys, and the first of them.
    unusable: usize,
    named: Vec<ObjectUri>,
    /// By prefix, the folders that it has matched.
    matched: BTreeMap<String, MatchedFolders>,
}

/// A large revision, and the hash of the manifest that an earlier call has written of it.
pub(super) struct LargeWrite<'a> {
    /// The plan; its objects are files that are named one by one.
    pub plan: Plan<'a>,
    pub sources: Vec<PrefixSource>,
    /// Entries of another revision, in tree order.
    pub copied: Option<PlannedObjects>,
    /// Whether the tool has an argument with which a later call can go on.
    pub may_stop: bool,
    pub resume: Option<TopHash>,
}

/// Writes a large revision, whose workflow must not check entries.
pub(super) async fn write_large(
    session: &Session,
    bucket: &BucketName,
    write: LargeWrite<'_>,
    options: &WriteOptions,
) -> Result<Output, ToolError> {
    let LargeWrite {
        plan,
        sources,
        copied,
        may_stop,
        resume,
    } = write;
    let explain = |error| session.explain_package(error);
    let s3 = session.s3_for_writing().await?;
    let packages = session.packages(s3.clone(), bucket.clone());
    let review = Review::of(bucket, &plan, options.summary.clone());
    let checksum = checksum_preference(session, options.hash_type).await;
    let fingerprint = fingerprint(&plan, &sources, checksum);
    let (name, dry_run, files) = (plan.name.clone(), plan.dry_run, plan.objects);
    let large_plan = LargePlan {
        name: plan.name,
        message: plan.message,
        workflow: plan.workflow,
        copy: plan.copy,
        dry_run,
        change: plan.change,
        texts: plan.texts,
        checksum,
        resume,
        may_stop,
        fingerprint,
        more_bytes: files.iter().map(estimate_planned_bytes).sum::<usize>()
            + sources.len().saturating_sub(1) * LISTING_BYTES,
        stop_at: stop_at(session),
    };
    let progress = {
        let session = session.clone();
        Arc::new(move |done, total| session.report(done, total))
    };
    let opened = packages.open_large(large_plan, progress);
    let opened = Box::pin(async { opened.await.map_err(explain) });
    let revision = in_time(session, opened).await?;
    if let Some(existing) = revision.replaced().filter(|_| !options.overwrite) {
        let subject = confirmations::replacement(bucket, &name, existing);
        if dry_run || !session.has_consent(subject)? {
            if !dry_run && session.can_ask() {
                return Err(confirmations::overwrite(bucket, &name, existing, None).into_error());
            }
            return Err(explain(revision.refusal(existing).await));
        }
    }
    let filters: Vec<_> = sources.iter().map(|source| source.filter.clone()).collect();
    let matched = sources
        .iter()
        .map(|source| (source.prefix.clone(), MatchedFolders::default()));
    let listed = Arc::new(Mutex::new(Listed {
        matched: matched.collect(),
        ..Listed::default()
    }));
    let objects = match copied {
        Some(copied) => copied,
        None => all_objects(session, &packages, &revision, files, sources, &listed),
    };
    let outcome = match revision.write(objects).await {
        Err(PackageError::S3(error)) => return Err(session.explain_object(&s3, &error).await),
        outcome => outcome.map_err(explain)?,
    };
    let mut warnings = options.warnings.clone();
    warnings.extend(listed.lock().unwrap_or_else(PoisonError::into_inner).warnings());
    warnings.extend(filters.iter().filter_map(|filter| filter.warning_of_copies()));
    Ok(match outcome {
        LargeOutcome::Committed(committed) => {
            warnings.extend(review.warnings(&packages, &committed).await);
            Output::of(session, bucket, &name, &committed, warnings)
        }
        LargeOutcome::Stopped(stopped) => {
            let reason = match stopped.problem {
                None => "The time of the call was over".to_owned(),
                Some(error) => {
                    let explained = explain(error).message;
                    format!("The call stopped at an error ({})", explained.trim_end_matches('.'))
                }
            };
            let stopped = Stopped {
                problem: None,
                ..stopped
            };
            Output::stopped(bucket, &name, &stopped, &reason, warnings)
        }
    })
}

/// Reports whether a revision can be written as its objects are listed: their order has to be that of the logical keys, and
/// no workflow may check entries. What can not be is made in memory, unless it goes on with an earlier call.
pub(super) async fn may_be_large(
    session: &Session,
    bucket: &BucketName,
    is_ordered: bool,
    workflow: Choice<'_>,
    is_resumed: bool,
) -> Result<bool, ToolError> {
    let packages = session.packages(session.s3().await?, bucket.clone());
    let checks_entries = packages.checks_entries(workflow).await;
    let may_be = is_ordered && !checks_entries.map_err(|error| session.explain_package(error))?;
    if is_resumed && !may_be {
        return Err(ToolError::invalid(
            "Argument resume: no call with flatten or auto_organize, or with a workflow that checks entries, can be resumed.",
        ));
    }
    Ok(may_be)
}

/// Identifies the arguments that make a revision. A call goes on with what an earlier one has made only if all are the same.
fn fingerprint(plan: &Plan<'_>, sources: &[PrefixSource], checksum: ChecksumPreference) -> String {
    let mut hasher = Sha256::new();
    let mut add_bytes = |bytes: &[u8]| {
        hasher.update((bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    let mut meta = Vec::new();
    for planned in &plan.objects {
        meta.clear();
        planned.meta.write_canonical(&mut meta);
        add_bytes(planned.logical_key.as_str().as_bytes());
        add_bytes(planned.object.to_string().as_bytes());
        add_bytes(&meta);
    }
    let mut add = |text: &str| add_bytes(text.as_bytes());
    add(plan.name.as_str());
    add(&format!("{} {checksum:?} {}", plan.copy, sources.len()));
    for source in sources {
        let places = [source.bucket.as_str(), &source.prefix, &source.logical_prefix];
        places.into_iter().for_each(&mut add);
        source.filter.patterns().for_each(&mut add);
    }
    plan.texts.iter().for_each(|file| {
        add(file.kind.key());
        add(&file.text);
    });
    if let Change::Update(update) = &plan.change {
        update.remove.iter().for_each(|removal| add(&removal.to_string()));
    }
    BASE64_URL_SAFE_NO_PAD.encode(hasher.finalize())
}

/// Returns when the call has to write down what it has.
fn stop_at(session: &Session) -> tokio::time::Instant {
    let left = session
        .deadline()
        .saturating_duration_since(tokio::time::Instant::now());
    session.deadline() - STOP_GRACE.min(left / 5)
}

/// Merges files and the objects of all sources in tree order.
fn all_objects(
    session: &Session,
    packages: &PackageBucket,
    revision: &LargeRevision,
    files: Vec<PlannedObject>,
    sources: Vec<PrefixSource>,
    listed: &Arc<Mutex<Listed>>,
) -> PlannedObjects {
    let after = revision.resume_after().cloned();
    let mode = match sources.as_slice() {
        [_only] => ListingMode::Parallel,
        _ => ListingMode::Serial,
    };
    let mut streams: Vec<PlannedObjects> = sources
        .into_iter()
        .filter_map(|source| objects_of(session, packages, source, mode, after.as_ref(), listed))
        .collect();
    let is_left = move |planned: &PlannedObject| after.as_ref().is_none_or(|after| planned.logical_key > *after);
    streams.push(stream::iter(files.into_iter().filter(is_left).map(Ok)).boxed());
    merged(streams)
}

/// Returns the objects of a source behind a logical key; `None` if all of them precede it.
fn objects_of(
    session: &Session,
    packages: &PackageBucket,
    source: PrefixSource,
    mode: ListingMode,
    after: Option<&LogicalKey>,
    listed: &Arc<Mutex<Listed>>,
) -> Option<PlannedObjects> {
    let is_resumed = after.is_some();
    let first = LogicalKey::from_manifest(source.logical_prefix.clone());
    let after = match after.map(|after| (after, after.as_str().strip_prefix(&source.logical_prefix))) {
        None => None,
        Some((_, Some(path))) => Some(format!("{}{path}", source.base)),
        Some((after, None)) if *after < first => None,
        Some((_, None)) => return None,
    };
    let batches = packages.list_source(&source.bucket, source.prefix.clone(), after, mode);
    let session = session.clone();
    let listed = listed.clone();
    let source = Arc::new(source);
    let named = source.clone();
    let planned = batches.map(move |batch| {
        let (session, listed, source) = (session.clone(), listed.clone(), source.clone());
        async move {
            let accepted = source.filter.filter_page(session.cpu(), batch?).await?;
            let mut listed = listed.lock().unwrap_or_else(PoisonError::into_inner);
            let planned: Vec<_> = accepted
                .into_iter()
                .filter_map(|object| source.plan(&object, &mut listed))
                .collect();
            Ok::<_, PackageError>(stream::iter(planned.into_iter().map(Ok)))
        }
    });
    let is_any = Arc::new(AtomicBool::new(is_resumed));
    let noted = is_any.clone();
    let planned = planned.buffered(1).try_flatten();
    let planned = planned.inspect_ok(move |_| noted.store(true, Ordering::Relaxed));
    // What an earlier call has found is not listed again.
    let nothing = stream::once(async move {
        let nothing = named.nothing_found();
        (!is_any.load(Ordering::Relaxed)).then_some(Err(nothing))
    });
    Some(planned.chain(nothing.filter_map(std::future::ready)).boxed())
}

impl PrefixSource {
    /// The error that no object goes into the package.
    pub(super) fn nothing_found(&self) -> PackageError {
        let Self { bucket, prefix, .. } = self;
        let prefix = percent::quote(prefix);
        let message = format!("no object below s3://{bucket}/{prefix} is to go into the package");
        PackageError::Invalid(message)
    }

    /// Makes an object an entry, unless its key cannot be a logical key.
    pub(super) fn planned(&self, object: &ObjectUri) -> Option<PlannedObject> {
        let key = object.key.as_str();
        let path = key.strip_prefix(&self.base).unwrap_or(key);
        Some(PlannedObject {
            logical_key: format!("{}{path}", self.logical_prefix).parse().ok()?,
            object: object.clone(),
            meta: metadata::of_entry(None),
            known: None,
        })
    }

    /// Makes an object an entry; `None` if it is left out.
    fn plan(&self, object: &ListedObject, listed: &mut Listed) -> Option<PlannedObject> {
        if object.key.ends_with('/') && object.size == 0 {
            listed.folders += 1;
            return None;
        }
        if let Some(matched) = listed.matched.get_mut(&self.prefix) {
            matched.add(&self.prefix, &object.key);
        }
        let uri = ObjectUri::latest(self.bucket.clone(), object.key.parse().ok()?);
        let planned = self.planned(&uri);
        if planned.is_none() {
            listed.unusable += 1;
            if listed.named.len() < MAX_NAMED {
                listed.named.push(uri);
            }
        }
        planned
    }
}

impl Listed {
    fn warnings(&self) -> Vec<String> {
        let folders = warning_of_folders(self.folders);
        let matched = self
            .matched
            .iter()
            .filter_map(|(prefix, matched)| matched.warning(prefix));
        let unusable = warning_of_unusable(&self.named, self.unusable);
        folders.into_iter().chain(matched).chain(unusable).collect()
    }
}

/// Merges streams, each in tree order, into one. Two objects with the same key follow each other.
fn merged(mut streams: Vec<PlannedObjects>) -> PlannedObjects {
    if streams.len() == 1
        && let Some(only) = streams.pop()
    {
        return only;
    }
    let peekable: Vec<Pin<Box<Peekable<PlannedObjects>>>> =
        streams.into_iter().map(|stream| Box::pin(stream.peekable())).collect();
    let merged = stream::unfold(peekable, |mut streams| async move {
        let mut first: Option<(usize, Option<LogicalKey>)> = None;
        for (place, stream) in streams.iter_mut().enumerate() {
            let key = match stream.as_mut().peek().await {
                None => continue,
                // An error comes first.
                Some(Err(_)) => None,
                Some(Ok(planned)) => Some(planned.logical_key.clone()),
            };
            if first.as_ref().is_none_or(|(_, smallest)| key < *smallest) {
                first = Some((place, key));
            }
        }
        let next = streams.get_mut(first?.0)?.next().await?;
        Some((next, streams))
    });
    merged.boxed()
}

/// Reads an argument `resume`.
pub(super) fn resume(hash: Option<&str>) -> Result<Option<TopHash>, ToolError> {
    let hash = hash.map(str::parse).transpose();
    hash.map_err(|problem| {
        ToolError::new(ErrorCode::InvalidArgument, format!("Argument resume: {problem}."))
            .with_hint("Give the resume of the answer before, with the same other arguments.")
    })
}
