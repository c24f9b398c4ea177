//! `permissions_recommendations`: what the caller could do about rights that are missing, from what was observed alone.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::access::BucketAccess;
use super::ask::Questions;
use super::catalog::consult;
use super::shown::shown;
use super::survey::{room_of_survey, survey};
use crate::catalog::{CatalogView, Me};
use crate::credentials::Source;
use crate::identity::ProvedCaller;
use crate::tools::tool::{Hints, Reply, Tool, Toolset};
use crate::tools::{Session, ToolError};

/// Most buckets asked about.
const MOST: usize = 100;
/// Most buckets named in one sentence.
const NAMED: usize = 10;
/// What ends within this time is about to end.
const SOON: SignedDuration = SignedDuration::from_mins(15);

/// Recommends.
pub struct PermissionsRecommendations;

/// No arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {}

/// What it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Credentials and tokens.
    Credentials,
    /// The role in the catalog.
    Role,
    /// Buckets.
    Buckets,
}

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Something does not work, or soon will not.
    Warning,
    /// Good to know.
    Info,
}

/// One thing to do.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Recommendation {
    category: Category,
    priority: Priority,
    message: String,
}

/// What could be done; empty when nothing was observed that asks for it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    recommendations: Vec<Recommendation>,
}

impl Tool for PermissionsRecommendations {
    const NAME: &'static str = "permissions_recommendations";
    const TITLE: &'static str = "What to do about my rights";
    const DESCRIPTION: &'static str = "Says what the caller could do about rights that are missing or about to end, from \
                                       what S3 and the catalog answered just now. An empty list means that nothing was \
                                       found.";
    const TOOLSET: Toolset = Toolset::Permissions;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, _: Args) -> Result<Reply<Output>, ToolError> {
        let s3 = session.s3().await?;
        let view = consult(&session).await?;
        let shown = shown(&session, &s3, view.as_ref(), MOST).await?;
        let names: Vec<String> = shown.buckets.into_iter().map(|bucket| bucket.name).collect();
        let declarations = view.as_ref().into();
        session.hold(room_of_survey(names.len())).await?;
        let answers = survey(&session, &s3, &names, Questions::READS, &declarations).await;
        let mut recommendations = about_credentials(&session);
        recommendations.extend(about_buckets(&names, &answers, view.as_ref()));
        Ok(Output { recommendations }.into())
    }
}

fn about_credentials(session: &Session) -> Vec<Recommendation> {
    let mut found = Vec::new();
    let mut add = |priority, message| {
        found.push(Recommendation {
            category: Category::Credentials,
            priority,
            message,
        });
    };
    let now = session.clock().now();
    let ends_soon = |end: &Timestamp| end.duration_since(now) <= SOON;
    if let Some(end) = session.proved().and_then(ProvedCaller::expires_at).filter(ends_soon) {
        add(
            Priority::Warning,
            format!("The token ends at {end}; log in again before then and send the new one."),
        );
    }
    if let Some(resolved) = session.resolved() {
        if resolved.source() == Source::Ambient {
            let why = resolved
                .attempts()
                .last()
                .map_or("", |attempt| attempt.message.trim_end_matches('.'));
            let message = format!(
                "The calls act with the server's own AWS credentials ({why}); send a token of a catalog user to act with \
                 your own rights."
            );
            add(Priority::Warning, message);
        }
        if let Some(end) = resolved.expires_at().filter(ends_soon) {
            let message = match resolved.source() {
                Source::Jwt => format!("The AWS credentials of the token end at {end}; get a new token before then."),
                Source::Catalog | Source::Ambient => {
                    format!("The AWS credentials end at {end}; newer ones are asked for by then.")
                }
            };
            let priority = if resolved.source() == Source::Jwt {
                Priority::Warning
            } else {
                Priority::Info
            };
            add(priority, message);
        }
    }
    found
}

fn about_buckets(names: &[String], answers: &[BucketAccess], view: Option<&CatalogView>) -> Vec<Recommendation> {
    let buckets_that = |is_so: fn(&BucketAccess) -> bool| -> Vec<&str> {
        let them = names.iter().zip(answers).filter(|(_, access)| is_so(access));
        them.map(|(name, _)| name.as_str()).collect()
    };
    let missing = buckets_that(BucketAccess::is_missing);
    let denied = buckets_that(|access| is_denied(access) && !access.is_missing());
    let silent = buckets_that(|access| access.can_list().is_none());
    let mut found = Vec::new();
    let mut add = |category, priority, message| {
        found.push(Recommendation {
            category,
            priority,
            message,
        });
    };
    if !denied.is_empty() {
        let others = view.map(|view| other_roles(&view.me)).unwrap_or_default();
        let buckets = sentence_of(&denied);
        if let (Some(view), false) = (view, others.is_empty()) {
            let message = format!(
                "S3 denies the role {} something on {buckets}; you may also act as {}: switch the role in the catalog, \
                 then call auth_status with refresh=true.",
                view.me.role.name,
                sentence_of(&others)
            );
            add(Category::Role, Priority::Info, message);
        }
        let who = view.map_or_else(
            || "the operator".to_owned(),
            |view| format!("an administrator of the catalog, for the role {}", view.me.role.name),
        );
        let message = format!("S3 denies listing or reading of {buckets}; if you need it, ask {who}.");
        add(Category::Buckets, Priority::Warning, message);
    }
    if !missing.is_empty() {
        let message = format!(
            "S3 knows no {}, though it is shown; ask the operator to correct that.",
            sentence_of(&missing)
        );
        add(Category::Buckets, Priority::Warning, message);
    }
    if !silent.is_empty() {
        let message = format!(
            "S3 gave no answer about {}; ask again, or see the evidence of bucket_access_check.",
            sentence_of(&silent)
        );
        add(Category::Buckets, Priority::Info, message);
    }
    found
}

/// S3 refused a listing or a read of it.
fn is_denied(access: &BucketAccess) -> bool {
    [access.can_list(), access.can_read()].contains(&Some(false))
}

fn other_roles(me: &Me) -> Vec<&str> {
    me.roles
        .iter()
        .map(|role| role.name.as_str())
        .filter(|name| *name != me.role.name)
        .collect()
}

/// Some names, and how many more there are.
fn sentence_of(names: &[&str]) -> String {
    let shown = names.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(NAMED) {
        Some(more) if more > 0 => format!("{shown} and {more} more"),
        _ => shown,
    }
}
