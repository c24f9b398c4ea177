//! Which packages and files of a bucket a table would show, by this server's own listing with the caller's rights.

use std::time::Duration;

use fancy_regex::Regex;
use quilt_format::PackageName;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::time::Instant;

use crate::aws::s3::BucketName;
use crate::catalog::TablePatterns;
use crate::packages::{Latest, ManifestAccess, PackageBucket};
use crate::tools::estimate::estimate_items_bytes;
use crate::tools::{Session, ToolError};

/// Number of packages and of files that are shown.
const MAX_SHOWN: usize = 20;
/// Maximum number of packages whose files are looked at, and of files of each.
const MAX_OPENED: usize = 10;
const MAX_FILES: usize = 10_000;
/// Files that are matched at once.
const BATCH: usize = 500;
/// Time after which the preview ends.
const MAX_TIME: Duration = Duration::from_secs(10);

/// What a table would show.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(super) struct Preview {
    /// The first 20 packages that match.
    packages: Vec<String>,
    packages_matched: usize,
    /// The first 20 files of their latest revisions that match.
    files: Vec<MatchingFile>,
    /// Whether everything was looked at, and everything that matches is shown.
    complete: bool,
}

/// A file that matches.
#[derive(Debug, Serialize, JsonSchema)]
struct MatchingFile {
    package: String,
    logical_key: String,
}

impl Preview {
    /// Says what is unexpected.
    pub(super) fn warning(&self) -> Option<String> {
        if self.packages_matched == 0 {
            let found = if self.complete { "No" } else { "So far no" };
            return Some(format!(
                "{found} name of a package in this bucket matches package_name."
            ));
        }
        (self.files.is_empty()).then(|| {
            let subject = if self.complete {
                "of these packages"
            } else {
                "that was looked at"
            };
            format!("No file {subject} matches logical_key.")
        })
    }
}

/// Previews a table. The error says why nothing could be listed.
pub(super) async fn preview(
    session: &Session,
    bucket: &BucketName,
    patterns: &TablePatterns,
) -> Result<Preview, ToolError> {
    let ends = session.deadline().min(Instant::now() + MAX_TIME);
    let packages = session.packages(session.s3().await?, bucket.clone());
    let listed = tokio::time::timeout_at(ends, packages.package_names()).await;
    let Ok(listed) = listed else {
        return Ok(Preview::default());
    };
    let (names, is_whole) = listed.map_err(|error| session.explain_package(error))?;
    let found = matching(session, &patterns.package_name, names, |name| name.as_str().to_owned()).await?;
    let Matching {
        items: matching,
        is_whole: all_matched,
    } = found;
    let mut preview = Preview {
        packages: matching.iter().take(MAX_SHOWN).map(ToString::to_string).collect(),
        packages_matched: matching.len(),
        files: Vec::new(),
        complete: is_whole && all_matched && matching.len() <= MAX_SHOWN.min(MAX_OPENED),
    };
    for name in matching.iter().take(MAX_OPENED) {
        let adding = add_files(session, &packages, name, &patterns.logical_key, &mut preview);
        match tokio::time::timeout_at(ends, adding).await {
            Ok(added) => added?,
            Err(_) => preview.complete = false,
        }
        if preview.files.len() >= MAX_SHOWN || Instant::now() >= ends {
            preview.complete = false;
            break;
        }
    }
    Ok(preview)
}

/// Adds the matching files of the latest revision of a package.
async fn add_files(
    session: &Session,
    packages: &PackageBucket,
    name: &PackageName,
    pattern: &Regex,
    preview: &mut Preview,
) -> Result<(), ToolError> {
    let explain = |error| session.explain_package(error);
    let Ok(Some(Latest { hash, .. })) = packages.latest(name).await else {
        // Not a package, or one without a latest revision that can be read.
        preview.complete = false;
        return Ok(());
    };
    let page_bytes = estimate_items_bytes(BATCH);
    let manifest_bytes = packages.estimate_manifest_bytes(&hash, ManifestAccess::Scan).await;
    session.reserve(manifest_bytes + page_bytes).await?;
    let file = packages.open_to_browse(&hash).await.map_err(explain)?;
    let whole = file.index.whole;
    let mut rows = file.page(whole.start, whole.end);
    let (mut seen, mut is_over) = (0, false);
    while !is_over && preview.files.len() < MAX_SHOWN {
        let mut keys = Vec::new();
        while keys.len() < BATCH && !is_over {
            match rows.next().await.map_err(explain)? {
                Some(entry) => keys.push(entry.logical_key.to_string()),
                None => is_over = true,
            }
        }
        seen += keys.len();
        let found = matching(session, pattern, keys, Clone::clone).await?;
        let left = MAX_SHOWN - preview.files.len();
        preview.complete &= found.is_whole && found.items.len() <= left;
        preview
            .files
            .extend(found.items.into_iter().take(left).map(|logical_key| MatchingFile {
                package: name.to_string(),
                logical_key,
            }));
        if seen >= MAX_FILES {
            break;
        }
    }
    preview.complete &= is_over;
    Ok(())
}

/// Items whose text matches.
struct Matching<T> {
    items: Vec<T>,
    /// Whether the expression gave up at no item.
    is_whole: bool,
}

/// Returns the items whose text matches, in their order. Expressions are callers' texts, so they run on the CPU pool, and give
/// up after a number of steps.
async fn matching<T: Send + 'static>(
    session: &Session,
    pattern: &Regex,
    items: Vec<T>,
    text: impl Fn(&T) -> String + Send + 'static,
) -> Result<Matching<T>, ToolError> {
    let pattern = pattern.clone();
    let matched = session.cpu().run(move |deadline| {
        let mut matched = Matching {
            items: Vec::new(),
            is_whole: true,
        };
        for item in items {
            deadline.check()?;
            match pattern.is_match(&text(&item)) {
                Ok(true) => matched.items.push(item),
                Ok(false) => {}
                Err(_) => matched.is_whole = false,
            }
        }
        Ok(matched)
    });
    let matched = matched.await.and_then(|matched| matched);
    matched.map_err(|error| session.explain_package(error.into()))
}
