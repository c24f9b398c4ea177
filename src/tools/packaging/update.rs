//! `package_update`: the next revision of a package.

use quilt_format::{Entry, Header, LogicalKey, TopHash, json};
use schemars::JsonSchema;
use serde::Deserialize;

use super::args::{FileArg, HashType, NewName, choice, message};
use super::explain::conflict;
use super::metadata::{self, Metadata};
use super::outcome::{Done, Output};
use super::plan::{Keys, plan};
use super::push::{in_time, preference};
use crate::packages::{
    Changes, Committed, Hashing, Judged, PackageError, Removal, Revised, Use, entries_after, revise, room_of_files,
    room_of_revision,
};
use crate::s3::BucketName;
use crate::tools::tool::{Hints, Reply, Tool, Toolset};
use crate::tools::{Session, ToolError};

/// Changes a package.
pub struct PackageUpdate;

/// How metadata is combined with what is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MetadataMode {
    /// Keys that are given are set, the others stay.
    #[default]
    Merge,
    /// Nothing stays.
    Replace,
}

/// What is to change.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Bucket of the package
    #[schemars(with = "String")]
    bucket: BucketName,
    /// `namespace/name`
    #[schemars(with = "String")]
    name: NewName,
    /// As files of `package_create`
    #[serde(default)]
    add: Vec<FileArg>,
    /// Logical keys; "dir/" for a folder
    #[serde(default)]
    remove: Vec<String>,
    metadata: Option<Metadata>,
    #[serde(default)]
    metadata_mode: MetadataMode,
    #[serde(default)]
    message: String,
    /// Conflict unless this is the latest revision
    #[schemars(with = "Option<String>")]
    expected_hash: Option<String>,
    #[serde(default)]
    copy: bool,
    /// Id; "" for none
    workflow: Option<String>,
    /// Checksum of new entries
    hash_type: Option<HashType>,
    #[serde(default)]
    dry_run: bool,
}

impl Tool for PackageUpdate {
    const NAME: &'static str = "package_update";
    const TITLE: &'static str = "Update a package";
    const DESCRIPTION: &'static str = "Makes the next revision of a package: adds or replaces files, removes entries, sets \
                                       metadata. Everything else stays. A concurrent change is a conflict and loses nothing.";
    const TOOLSET: Toolset = Toolset::Packaging;
    const HINTS: Hints = Hints::REPLACES;
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, args: Args) -> Result<Reply<Output>, ToolError> {
        Ok(update(&session, args).await?.into())
    }
}

async fn update(session: &Session, mut args: Args) -> Result<Output, ToolError> {
    let remove = args
        .remove
        .iter()
        .map(|key| removal(key))
        .collect::<Result<Vec<_>, _>>()?;
    if args.add.is_empty() && remove.is_empty() && args.metadata.is_none() && args.message.is_empty() {
        return Err(ToolError::invalid(
            "Nothing is to change: give add, remove, metadata or a message.",
        ));
    }
    let expected: Option<TopHash> = args.expected_hash.as_deref().map(str::parse).transpose().map_err(
        |problem: quilt_format::InvalidTopHash| ToolError::invalid(format!("Argument expected_hash: {problem}.")),
    )?;
    let planned = plan(
        std::mem::take(&mut args.add),
        Keys {
            flatten: true,
            auto_organize: false,
        },
        "",
    )?;
    let s3 = session.s3_for_writing().await?;
    let packages = session.packages(s3.clone(), args.bucket.clone());
    let hashing = Hashing::new(s3);
    let told = |error: PackageError| session.explain_package(error);
    let name = args.name.0;

    let prepare = async {
        let latest = packages.existing(&name).await.map_err(told)?;
        // Another revision than was expected is a conflict, unless it is the one that this very call would make: then an
        // earlier attempt has made it.
        let base = expected.as_ref().unwrap_or(&latest.hash);
        let has_moved = *base != latest.hash;
        let moved = || {
            let message = format!(
                "The package {name} is at revision {} and not at the expected {base}.",
                latest.hash
            );
            conflict(message, Some(base), Some(&latest.hash))
        };
        let files = room_of_files(&planned);
        session.hold(packages.room(base, Use::Scan).await + files).await?;
        let file = match packages.open(base).await {
            Err(PackageError::NoSuchRevision { .. }) if has_moved => return Err(moved()),
            file => file.map_err(told)?,
        };
        let gate = packages.gate(choice(args.workflow.as_deref())).await.map_err(told)?;
        let room = packages.room(base, Use::Scan).await + files;
        session.settle(room);
        let count = planned
            .len()
            .saturating_add(usize::try_from(file.index.whole.entries).unwrap_or(usize::MAX));
        session
            .hold((room + room_of_revision(&file, gate.wants_entries())).saturating_add(gate.room(count)))
            .await?;
        let total = 2 * planned.len() as u64;
        let seen = packages
            .look(&hashing, planned, &|done, _| session.report(done, total))
            .await
            .map_err(told)?;
        let header = header(
            &file.index.header,
            args.metadata.as_ref(),
            args.metadata_mode,
            &args.message,
            gate.stored(),
        );
        let seen_entries = if gate.wants_entries() {
            let add = seen.iter().map(|seen| seen.entry.clone()).collect();
            entries_after(
                &file,
                &Changes {
                    remove: remove.clone(),
                    add,
                },
            )
            .await
            .map_err(told)?
        } else {
            Vec::new()
        };
        let judged = Judged {
            name: name.clone(),
            message: message(&args.message).map(str::to_owned),
            user_meta: header.user_meta().cloned(),
        };
        let judged = packages.judge(&gate, judged, seen_entries, |entries: &Vec<Entry>| {
            entries.iter().collect()
        });
        drop(judged.await.map_err(told)?);
        let copy_into = (args.copy && !args.dry_run && !has_moved).then_some(&name);
        let preference = preference(session, args.hash_type).await;
        let report = |done, _| session.report(total / 2 + done, total);
        let finished = packages.finish(&hashing, seen, preference, copy_into, &report).await;
        let (add, bytes_copied) = finished.map_err(told)?;
        let changes = Changes { remove, add };
        let Revised {
            prepared,
            counts,
            missing,
        } = revise(&file, &header, &changes).await.map_err(told)?;
        let is_there = prepared.top_hash == latest.hash;
        if has_moved && !is_there {
            return Err(moved());
        }
        // What cannot be found is a slip, unless the package is just as this call would make it: then an earlier attempt
        // has removed it.
        if let (Some(removal), false) = (missing.first(), is_there) {
            return Err(ToolError::invalid(format!(
                "Argument remove: revision {base} of {name} has no `{removal}`."
            ))
            .with_hint("Browse the package to see its keys; a folder is written with a slash at its end."));
        }
        Ok((latest, changes.add, prepared, counts, bytes_copied))
    };
    let (latest, added, prepared, diff, bytes_copied) = in_time(session, prepare).await?;

    let committed = if args.dry_run {
        Committed {
            was_there: latest.hash == prepared.top_hash,
            ..Committed::default()
        }
    } else {
        packages
            .commit(prepared.draft(&name, Some(latest)))
            .await
            .map_err(told)?
    };
    let done = Done {
        bucket: &args.bucket,
        name: &name,
        prepared: &prepared,
        entries: &added,
        bytes_hashed: hashing.bytes_read(),
        bytes_copied,
        dry_run: args.dry_run,
        diff: Some(diff),
        committed,
        warnings: Vec::new(),
    };
    Ok(Output::of(session, done))
}

fn removal(key: &str) -> Result<Removal, ToolError> {
    let directory = key.strip_suffix('/');
    let path = directory.unwrap_or(key);
    if path.is_empty() {
        return Err(ToolError::invalid(format!(
            "Argument remove: `{key}` names neither an entry nor a directory."
        )));
    }
    // Keys that exist may be such as could not be created.
    let path = LogicalKey::found(path.to_owned());
    Ok(if directory.is_some() {
        Removal::Directory(path)
    } else {
        Removal::Entry(path)
    })
}

/// The header of the next revision. What others put into it stays.
fn header(
    old: &Header,
    metadata: Option<&Metadata>,
    mode: MetadataMode,
    text: &str,
    workflow: Option<json::Value>,
) -> Header {
    let mut fields = old.fields.clone();
    if let Some(new) = metadata {
        let old = old.user_meta().filter(|_| mode == MetadataMode::Merge);
        fields.set("user_meta", metadata::merged(old, new));
    }
    match workflow {
        Some(workflow) => fields.set("workflow", workflow),
        None => drop(fields.remove("workflow")),
    }
    fields.set("message", message(text).map_or(json::Value::Null, json::Value::from));
    Header { fields }
}
