//! `bucket_list`: the buckets that this caller is shown, and what S3 lets the caller do with each.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalog::{self, CatalogBucket, GraphqlError, RegistryError};
use crate::s3::{BucketName, S3ErrorKind, UserS3};
use crate::tools::permissions::access::{PermissionLevel, ask_all};
use crate::tools::tool::{Hints, Reply, Tool, Toolset};
use crate::tools::{Session, ToolError, code};

/// Most buckets shown: an account may have thousands, and each is asked about.
const MOST: usize = 100;

/// Lists buckets.
pub struct BucketList;

/// No arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {}

/// Who named the buckets.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ListedBy {
    /// The catalog, in the scope of the caller's role.
    Catalog,
    /// S3's own list of the account's buckets.
    S3,
    /// The operator (`QUILT_BUCKETS`).
    Settings,
}

/// A bucket and what S3 answered about it; `null` means unknown.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Bucket {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    permission_level: PermissionLevel,
    can_list: Option<bool>,
    can_read: Option<bool>,
    /// `null` means not asked, never no.
    can_write: Option<bool>,
}

/// The buckets.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    buckets: Vec<Bucket>,
    count: usize,
    listed_by: ListedBy,
    /// Present when there are more buckets than are shown.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
}

impl Tool for BucketList {
    const NAME: &'static str = "bucket_list";
    const TITLE: &'static str = "List buckets";
    const DESCRIPTION: &'static str = "Lists the buckets that the caller may know of, with what S3 lets the caller do in \
                                       each. can_write null means not asked.";
    const TOOLSET: Toolset = Toolset::Buckets;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, _: Args) -> Result<Reply<Output>, ToolError> {
        let s3 = session.s3().await?;
        let (mut listed, listed_by) = listed(&session, &s3).await?;
        let truncated = listed.len() > MOST;
        listed.truncate(MOST);
        // Of a name that this server cannot use, such as one of the old ones with capitals, nothing is known.
        let names: Vec<Option<BucketName>> = listed.iter().map(|bucket| bucket.name.parse().ok()).collect();
        let access = ask_all(&s3, names).await;
        let buckets: Vec<Bucket> = listed
            .into_iter()
            .zip(access)
            .map(|(CatalogBucket { name, title, description }, access)| Bucket {
                name,
                title,
                description,
                permission_level: access.level(),
                can_list: access.can_list,
                can_read: access.can_read,
                can_write: access.can_write,
            })
            .collect();
        Ok(Output { count: buckets.len(), buckets, listed_by, truncated }.into())
    }
}

/// The catalog's list; where no catalog applies to this caller, S3's; where S3 shows none, the operator's.
pub async fn listed(session: &Session, s3: &UserS3) -> Result<(Vec<CatalogBucket>, ListedBy), ToolError> {
    if let Some(access) = session.registry().await {
        let listed = match access {
            Ok(access) => catalog::list_buckets(&access).await,
            Err(error) => Err(error.into()),
        };
        match listed {
            Ok(buckets) => return Ok((buckets, ListedBy::Catalog)),
            // The registry does not know this caller, who has credentials from elsewhere; or it is no registry.
            Err(GraphqlError::Registry(
                RegistryError::Unauthorized(_) | RegistryError::NotFound | RegistryError::NotJson,
            )) => {}
            Err(error) => {
                let message = format!("The catalog could not list the buckets: {error}.");
                let is_refusal = matches!(
                    error,
                    GraphqlError::Registry(RegistryError::Forbidden(_) | RegistryError::NotAllowed(_))
                        | GraphqlError::Schema(_)
                );
                let error = ToolError::new(code::UPSTREAM, message);
                return Err(if is_refusal { error } else { error.retryable() });
            }
        }
    }
    let bare = |name: String| CatalogBucket { name, title: None, description: None };
    let configured = session.configured_buckets();
    match s3.list_buckets(MOST + 1).await {
        Ok(names) if !names.is_empty() || configured.is_empty() => {
            Ok((names.into_iter().map(bare).collect(), ListedBy::S3))
        }
        Err(error) if error.kind != S3ErrorKind::AccessDenied || configured.is_empty() => Err(session
            .explain(&error)
            .with_hint("Ask the operator to configure a catalog, or buckets in QUILT_BUCKETS.")),
        _ => Ok((configured.iter().map(|name| bare(name.to_string())).collect(), ListedBy::Settings)),
    }
}
