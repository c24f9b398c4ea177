//! `bucket_objects_summary`: how many objects and bytes lie below a prefix, by folder and by extension.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use futures::TryStreamExt as _;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::timeout_at;

use crate::aws::s3::{AHEAD_BYTES, BucketName, ListedObject, key_in, list_all};
use crate::tools::answer_size::AnswerBudget;
use crate::tools::arguments::types::Bounded;
use crate::tools::globs::{self, Globs};
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError, cursor};

/// Maximum number of keys that one call reads.
const MAX_KEYS: u64 = 1_000_000;
/// Maximum number of folders, and of extensions, that are counted apart. The others are counted together.
const MAX_GROUPS: usize = 2000;
/// Maximum number of folders that are shown.
const SHOWN_FOLDERS: usize = 200;
/// Maximum number of extensions that are shown.
const SHOWN_EXTENSIONS: usize = 20;
const SHOWN_LARGEST: usize = 5;
/// Maximum length of an extension in bytes; a longer one is no extension.
const MAX_EXTENSION_BYTES: usize = 12;
/// Memory for the groups and the pages that are listed ahead.
const SUMMARY_BYTES: usize = 8 * 1024 * 1024 + AHEAD_BYTES;

pub struct BucketObjectsSummary;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Bucket
    #[schemars(with = "String")]
    bucket: BucketName,
    /// Only keys that begin with this; by default all
    #[serde(default)]
    #[schemars(extend("x-blank" = "value"))]
    prefix: String,
    /// Levels of folders in `by_folder`: 0 to 3, by default 1
    #[serde(default)]
    depth: Bounded<0, 3, 1>,
    /// As in `bucket_objects_list`
    #[serde(rename = "match")]
    glob: Option<String>,
    /// `next_cursor` of an answer that was not complete
    cursor: Option<String>,
}

/// Objects that are counted together.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
struct Count {
    objects: u64,
    bytes: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Folder {
    prefix: String,
    #[serde(flatten)]
    count: Count,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Extension {
    /// In lower case without the dot; empty for keys without one.
    extension: String,
    #[serde(flatten)]
    count: Count,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Largest {
    key: String,
    /// Bytes.
    size: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Newest {
    key: String,
    #[schemars(with = "String")]
    last_modified: Timestamp,
}

/// The counts of one call. With a cursor they begin where the answer before ended.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    bucket: String,
    prefix: String,
    /// Count of all objects that were counted, with those of the answers before.
    objects: u64,
    total_bytes: u64,
    largest: Vec<Largest>,
    newest: Option<Newest>,
    /// With everything below each folder.
    by_folder: Vec<Folder>,
    /// The sum of the folders that are not shown; with depth above 1, an object counts in each of its folders.
    #[serde(skip_serializing_if = "Option::is_none")]
    more_folders: Option<Count>,
    by_extension: Vec<Extension>,
    #[serde(skip_serializing_if = "Option::is_none")]
    more_extensions: Option<Count>,
    /// Keys that were read, where `match` leaves some out.
    #[serde(skip_serializing_if = "Option::is_none")]
    scanned: Option<u64>,
    /// Whether all objects were counted; else go on with `next_cursor`.
    complete: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Cursor {
    bucket: String,
    prefix: String,
    #[serde(rename = "match", default, skip_serializing_if = "Option::is_none")]
    glob: Option<String>,
    after: String,
    counted: Count,
}

impl Tool for BucketObjectsSummary {
    const NAME: &'static str = "bucket_objects_summary";
    const TITLE: &'static str = "Count objects";
    const DESCRIPTION: &'static str = "Counts the objects and bytes below a prefix, by folder and by extension, and names the \
                                       largest and the newest.";
    const TOOLSET: Toolset = Toolset::Buckets;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let prefix = key_in(&args.bucket, &args.prefix)
            .map_err(|problem| ToolError::invalid(format!("Argument prefix: {problem}.")))?
            .into_owned();
        let globs = globs::optional("match", args.glob.clone())?;
        let cursor = cursor::read::<Cursor>(args.cursor.as_deref())?;
        let is_same = |cursor: &Cursor| {
            cursor.bucket == args.bucket.as_str() && cursor.prefix == prefix && cursor.glob == args.glob
        };
        if cursor.as_ref().is_some_and(|cursor| !is_same(cursor)) {
            return Err(cursor::foreign());
        }
        let (after, counted) = cursor.map_or((None, Count::default()), |cursor| (Some(cursor.after), cursor.counted));
        session.reserve(SUMMARY_BYTES).await?;
        let depth = usize::try_from(args.depth.get()).unwrap_or_default();
        let mut summary = Summary::new(prefix.len(), depth);
        let stopped = count(&session, &args.bucket, (&prefix, after), globs.as_ref(), &mut summary).await?;
        let total = Count {
            objects: counted.objects + summary.total.objects,
            bytes: counted.bytes + summary.total.bytes,
        };
        let next_cursor = stopped.map(|after| {
            cursor::write(&Cursor {
                bucket: args.bucket.to_string(),
                prefix: prefix.clone(),
                glob: args.glob.clone(),
                after,
                counted: total,
            })
        });
        let scanned = globs.is_some().then_some(summary.scanned);
        let mut output = summary.output();
        output.fit_folders();
        Ok(Output {
            bucket: args.bucket.to_string(),
            prefix,
            objects: total.objects,
            total_bytes: total.bytes,
            scanned,
            complete: next_cursor.is_none(),
            next_cursor,
            ..output
        }
        .into())
    }
}

impl Output {
    /// Keeps the largest folders that fit in an answer, in the order of their keys, and counts the others together.
    fn fit_folders(&mut self) {
        let mut folders = std::mem::take(&mut self.by_folder);
        let mut budget = AnswerBudget::beside(self);
        let kept = folders.iter().take_while(|folder| budget.admits(folder)).count();
        for folder in folders.split_off(kept) {
            let more = self.more_folders.get_or_insert_default();
            more.objects += folder.count.objects;
            more.bytes += folder.count.bytes;
        }
        folders.sort_by(|one, other| one.prefix.cmp(&other.prefix));
        self.by_folder = folders;
    }
}

/// Counts until the end, or until time or keys run out; returns the key behind which to go on.
async fn count(
    session: &Session,
    bucket: &BucketName,
    (prefix, start_after): (&str, Option<String>),
    globs: Option<&Globs>,
    summary: &mut Summary,
) -> Result<Option<String>, ToolError> {
    let s3 = session.s3().await?;
    let mut pages = list_all(s3.page_lister(bucket), prefix.to_owned(), start_after.clone());
    let mut last = start_after;
    loop {
        let page = if last.is_none() {
            pages.try_next().await
        } else {
            match timeout_at(session.deadline(), pages.try_next()).await {
                Ok(page) => page,
                Err(_) => return Ok(last),
            }
        };
        let Some(page) = page.map_err(|error| session.explain(&error))? else {
            return Ok(None);
        };
        if summary.scanned >= MAX_KEYS {
            return Ok(last);
        }
        last = page.last().map(|object| object.key.clone()).or(last);
        for object in page {
            summary.scanned += 1;
            if globs.is_none_or(|globs| globs.matches(&object.key)) {
                summary.add(&object);
            }
        }
        session.report(summary.scanned, MAX_KEYS);
    }
}

/// Counts under way.
struct Summary {
    /// Length of the prefix, below which folders are counted.
    base: usize,
    depth: usize,
    scanned: u64,
    total: Count,
    largest: Vec<Largest>,
    newest: Option<Newest>,
    folders: Groups,
    extensions: Groups,
}

impl Summary {
    fn new(base: usize, depth: usize) -> Self {
        Self {
            base,
            depth,
            scanned: 0,
            total: Count::default(),
            largest: Vec::new(),
            newest: None,
            folders: Groups::default(),
            extensions: Groups::default(),
        }
    }

    fn add(&mut self, object: &ListedObject) {
        self.total.add(object.size);
        let below = object.key.get(self.base..).unwrap_or_default();
        for (end, _) in below.match_indices('/').take(self.depth) {
            let folder = object.key.get(..=self.base + end).unwrap_or_default();
            self.folders.add(folder, object.size);
        }
        self.extensions.add(&extension(below), object.size);
        let is_large = self.largest.len() < SHOWN_LARGEST
            || self.largest.last().is_some_and(|smallest| object.size > smallest.size);
        if is_large {
            self.largest.push(Largest {
                key: object.key.clone(),
                size: object.size,
            });
            self.largest.sort_by_key(|object| Reverse(object.size));
            self.largest.truncate(SHOWN_LARGEST);
        }
        if let Some(modified) = object.last_modified
            && self
                .newest
                .as_ref()
                .is_none_or(|newest| modified > newest.last_modified)
        {
            self.newest = Some(Newest {
                key: object.key.clone(),
                last_modified: modified,
            });
        }
    }

    /// Returns the counts, without what only the caller knows.
    fn output(self) -> Output {
        let (folders, more_folders) = self.folders.largest(SHOWN_FOLDERS);
        let (extensions, more_extensions) = self.extensions.largest(SHOWN_EXTENSIONS);
        Output {
            bucket: String::new(),
            prefix: String::new(),
            objects: 0,
            total_bytes: 0,
            largest: self.largest,
            newest: self.newest,
            by_folder: folders
                .into_iter()
                .map(|(prefix, count)| Folder { prefix, count })
                .collect(),
            more_folders,
            by_extension: extensions
                .into_iter()
                .map(|(extension, count)| Extension { extension, count })
                .collect(),
            more_extensions,
            scanned: None,
            complete: false,
            next_cursor: None,
        }
    }
}

impl Count {
    fn add(&mut self, bytes: u64) {
        self.objects += 1;
        self.bytes += bytes;
    }
}

/// Counts by name, of a bounded number of names.
#[derive(Default)]
struct Groups {
    by_name: BTreeMap<String, Count>,
    others: Count,
}

impl Groups {
    fn add(&mut self, name: &str, bytes: u64) {
        if let Some(count) = self.by_name.get_mut(name) {
            count.add(bytes);
        } else if self.by_name.len() < MAX_GROUPS {
            let mut count = Count::default();
            count.add(bytes);
            self.by_name.insert(name.to_owned(), count);
        } else {
            self.others.add(bytes);
        }
    }

    /// Returns the groups with the most bytes, the largest first, and the sum of the others.
    fn largest(self, shown: usize) -> (Vec<(String, Count)>, Option<Count>) {
        let mut groups: Vec<_> = self.by_name.into_iter().collect();
        groups.sort_by_key(|(_, count)| Reverse((count.bytes, count.objects)));
        let rest = groups.split_off(shown.min(groups.len()));
        let mut others = self.others;
        for (_, count) in rest {
            others.objects += count.objects;
            others.bytes += count.bytes;
        }
        (groups, Some(others).filter(|others| others.objects > 0))
    }
}

/// Returns the extension of a key in lower case, without its dot: `csv`, and `csv.gz` where it is packed.
fn extension(key: &str) -> String {
    let name = key.rsplit('/').next().unwrap_or(key);
    let is_extension = |text: &str| {
        (1..=MAX_EXTENSION_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let Some((stem, last)) = name.rsplit_once('.').filter(|(_, last)| is_extension(last)) else {
        return String::new();
    };
    let last = last.to_ascii_lowercase();
    match stem.rsplit_once('.').filter(|(_, inner)| is_extension(inner)) {
        Some((_, inner)) if matches!(last.as_str(), "gz" | "bz2" | "xz" | "zst") => {
            format!("{}.{last}", inner.to_ascii_lowercase())
        }
        _ => last,
    }
}

#[cfg(test)]
mod tests {
    use super::extension;

    #[test]
    fn extensions_are_those_of_file_names() {
        for (key, expected) in [
            ("a/b.CSV", "csv"),
            ("a/b.csv.gz", "csv.gz"),
            ("a/b.gz", "gz"),
            ("a.b/c", ""),
            ("a/v1.2 final", ""),
            (".hidden", "hidden"),
            ("a/b.", ""),
        ] {
            assert_eq!(extension(key), expected, "{key}");
        }
    }
}
