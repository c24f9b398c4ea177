//! `package_versions`: one page of a package's history.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::args::ExistingName;
use super::cursor;
use crate::aws::s3::BucketName;
use crate::packages::{VersionPosition, VersionRow};
use crate::tools::answer_size::{AnswerBudget, bounded_message};
use crate::tools::arguments::types::Bounded;
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError};

/// Maximum number of tags that are shown of a revision.
const MAX_TAGS: usize = 20;

pub struct PackageVersions;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Bucket
    #[schemars(with = "String")]
    bucket: BucketName,
    /// As `namespace/name`
    #[schemars(with = "String")]
    name: ExistingName,
    /// 1 to 500 revisions, by default 50
    #[serde(default)]
    limit: Bounded<1, 500, 50>,
    /// `next_cursor` of a page
    cursor: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Version {
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
    /// null: only tags name it
    #[schemars(with = "Option<String>")]
    modified: Option<Timestamp>,
    is_latest: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    /// true: it has more tags
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    tags_cut: bool,
    /// Why the pointer names no revision, or what the history lacks.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// One page, newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    bucket: String,
    name: String,
    versions: Vec<Version>,
    returned: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Cursor {
    bucket: String,
    name: String,
    before: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after_tag: Option<String>,
}

impl Tool for PackageVersions {
    const NAME: &'static str = "package_versions";
    const TITLE: &'static str = "List a package's revisions";
    const DESCRIPTION: &'static str = "Lists the revisions of a package, newest first.";
    const TOOLSET: Toolset = Toolset::Packaging;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let name = args.name.0;
        let cursor = cursor::read::<Cursor>(args.cursor.as_deref())?;
        let is_same = |cursor: &Cursor| cursor.bucket == args.bucket.as_str() && cursor.name == name.as_str();
        if cursor.as_ref().is_some_and(|cursor| !is_same(cursor)) {
            return Err(cursor::foreign());
        }
        let packages = session.packages(session.s3().await?, args.bucket.clone());
        let limit = usize::try_from(args.limit.get()).unwrap_or(500);
        let position = cursor.map(|cursor| VersionPosition {
            before: cursor.before,
            after_tag: cursor.after_tag,
        });
        let mut limit = limit;
        let (versions, next) = loop {
            let page = packages.versions(&name, position.clone(), limit).await;
            let (rows, next) = page.map_err(|error| session.explain_package(error))?;
            let mut versions: Vec<Version> = rows.into_iter().map(Version::of).collect();
            if AnswerBudget::new().truncate(&mut versions) {
                break (versions, next);
            }
            // A page of fewer revisions, because tags that name none of the page are rows too.
            limit = versions.len().min(limit - 1).max(1);
        };
        Ok(Output {
            bucket: args.bucket.to_string(),
            returned: versions.len(),
            versions,
            next_cursor: next.map(|next| {
                cursor::write(&Cursor {
                    bucket: args.bucket.to_string(),
                    name: name.to_string(),
                    before: next.before,
                    after_tag: next.after_tag,
                })
            }),
            name: name.to_string(),
        }
        .into())
    }
}

impl Version {
    fn of(row: VersionRow) -> Self {
        Self {
            hash: row.hash.map(|hash| hash.to_string()),
            modified: row.modified,
            is_latest: row.is_latest,
            tags_cut: row.tags.len() > MAX_TAGS,
            tags: row.tags.into_iter().take(MAX_TAGS).collect(),
            problem: row.problem.map(|problem| bounded_message(&problem)),
        }
    }
}
