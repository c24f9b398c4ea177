//! `permissions_recommendations`: advice about missing rights, from observations alone.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::access::BucketAccess;
use super::catalog::Consultation;
use super::probe_set::ProbeSet;
use super::survey::{estimate_survey_bytes, survey};
use super::visible_buckets::visible_buckets;
use crate::catalog::CatalogUser;
use crate::credentials::Source;
use crate::identity::AuthenticatedCaller;
use crate::tools::answer_size::AnswerBudget;
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{DeniedCall, Session, ToolError};

/// Maximum number of buckets that are checked.
const MAX_BUCKETS: usize = 100;
/// Maximum number of buckets named in one sentence.
const MAX_NAMED: usize = 10;
/// Remaining lifetime below which a token or credentials are about to end.
const SOON: SignedDuration = SignedDuration::from_mins(15);

/// The tool.
pub struct PermissionsRecommendations;

/// No arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {}

/// The subject of a recommendation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Credentials and tokens.
    Credentials,
    /// The catalog.
    Catalog,
    /// The role in the catalog.
    Role,
    /// Buckets.
    Buckets,
}

/// The priority of a recommendation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Something does not work, or will soon stop working.
    Warning,
    /// For information.
    Info,
}

/// One thing to do.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Recommendation {
    category: Category,
    priority: Priority,
    message: String,
    /// Whom to ask.
    #[serde(skip_serializing_if = "Option::is_none")]
    ask: Option<String>,
}

/// The recommendations; empty if no observation calls for one.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    recommendations: Vec<Recommendation>,
}

impl Tool for PermissionsRecommendations {
    const NAME: &'static str = "permissions_recommendations";
    const TITLE: &'static str = "What to do about my rights";
    const DESCRIPTION: &'static str = "Says what the caller could do about rights that are missing or about to \
                                       end, from what S3 and the catalog answered just now.";
    const TOOLSET: Toolset = Toolset::Permissions;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, _: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let s3 = session.s3().await?;
        let catalog = Consultation::of(&session).await;
        let visible = visible_buckets(&session, &s3, catalog.view(), MAX_BUCKETS).await;
        let visible = visible.map_err(|error| catalog.error().cloned().unwrap_or(error))?;
        let names: Vec<String> = visible.buckets.into_iter().map(|bucket| bucket.name).collect();
        let declarations = catalog.declarations();
        session.reserve(estimate_survey_bytes(names.len())).await?;
        let answers = survey(&session, &s3, &names, ProbeSet::READS, &declarations).await;
        let mut recommendations = about_credentials(&session);
        recommendations.extend(catalog.error().map(about_catalog));
        let user = catalog.view().and_then(|view| view.user.as_ref());
        let people = People::new(&session, user);
        recommendations.extend(about_calls(&session.recent_denials(), &people));
        recommendations.extend(about_buckets(&names, &answers, &people));
        AnswerBudget::new().truncate(&mut recommendations);
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
            ask: None,
        });
    };
    let now = session.clock().now();
    let ends_soon = |end: &Timestamp| end.duration_since(now) <= SOON;
    if let Some(end) = session
        .authenticated()
        .and_then(AuthenticatedCaller::expires_at)
        .filter(ends_soon)
    {
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
            if resolved.source().needs_new_token() {
                let message = format!("The AWS credentials of the token end at {end}; get a new token before then.");
                add(Priority::Warning, message);
            } else {
                let message = format!("The AWS credentials end at {end}; newer ones are asked for by then.");
                add(Priority::Info, message);
            }
        }
    }
    found
}

fn about_catalog(error: &ToolError) -> Recommendation {
    Recommendation {
        category: Category::Catalog,
        priority: Priority::Warning,
        message: error.message.clone(),
        ask: None,
    }
}

/// The roles of the caller, and who gives rights.
struct People<'a> {
    user: Option<&'a CatalogUser>,
    contact: Option<&'a str>,
}

impl<'a> People<'a> {
    fn new(session: &'a Session, user: Option<&'a CatalogUser>) -> Self {
        Self {
            user,
            contact: session.contact(),
        }
    }

    /// Returns whom to ask for rights.
    fn ask(&self) -> String {
        match (self.contact, self.user) {
            (Some(contact), _) => contact.to_owned(),
            (None, Some(user)) => format!("an administrator of the catalog, for the role {}", user.role.name),
            (None, None) => "the operator of this server".to_owned(),
        }
    }

    /// Returns whom to ask about the settings of this server.
    fn operator(&self) -> String {
        self.contact.unwrap_or("the operator of this server").to_owned()
    }

    /// Returns the advice to try another role of the caller, if there is one.
    fn other_roles(&self, denied: &str) -> Option<Recommendation> {
        let user = self.user?;
        let others = other_roles(user);
        (!others.is_empty()).then(|| Recommendation {
            category: Category::Role,
            priority: Priority::Info,
            message: format!(
                "S3 denies the role {} something on {denied}; you may also act as {}: switch the role in the catalog, \
                 then call auth_status with refresh=true.",
                user.role.name,
                sentence_of(&others)
            ),
            ask: None,
        })
    }
}

/// Recommends something about the rights that calls lacked a short while ago.
fn about_calls(denials: &[DeniedCall], people: &People<'_>) -> Vec<Recommendation> {
    let Some(last) = denials.last() else {
        return Vec::new();
    };
    let resources: Vec<&str> = denials.iter().rev().map(|denied| denied.resource.as_str()).collect();
    let calls: Vec<String> = denials
        .iter()
        .rev()
        .map(|denied| format!("{} on {}", denied.action, denied.resource))
        .collect();
    let calls: Vec<&str> = calls.iter().map(String::as_str).collect();
    let denied = Recommendation {
        category: Category::Buckets,
        priority: Priority::Warning,
        message: format!(
            "Calls of the last 15 minutes, the last at {:.0}, were denied {}; if you need that, ask for these rights.",
            last.at,
            sentence_of(&calls)
        ),
        ask: Some(people.ask()),
    };
    let roles = people.other_roles(&sentence_of(&resources));
    std::iter::once(denied).chain(roles).collect()
}

fn about_buckets(names: &[String], answers: &[BucketAccess], people: &People<'_>) -> Vec<Recommendation> {
    let buckets_that = |is_so: fn(&BucketAccess) -> bool| -> Vec<&str> {
        let them = names.iter().zip(answers).filter(|(_, access)| is_so(access));
        them.map(|(name, _)| name.as_str()).collect()
    };
    let missing = buckets_that(BucketAccess::is_missing);
    let denied = buckets_that(|access| is_denied(access) && !access.is_missing());
    let silent = buckets_that(|access| access.can_list().is_none());
    let mut found = Vec::new();
    let mut add = |priority, message, ask| {
        found.push(Recommendation {
            category: Category::Buckets,
            priority,
            message,
            ask,
        });
    };
    let mut roles = None;
    if !denied.is_empty() {
        let buckets = sentence_of(&denied);
        roles = people.other_roles(&buckets);
        let who = people.ask();
        let message = format!("S3 denies listing or reading of {buckets}; if you need it, ask {who}.");
        add(Priority::Warning, message, Some(who));
    }
    if !missing.is_empty() {
        let message = format!(
            "S3 knows no {}, though it is shown; ask the operator to correct that.",
            sentence_of(&missing)
        );
        add(Priority::Warning, message, Some(people.operator()));
    }
    if !silent.is_empty() {
        let message = format!(
            "S3 gave no answer about {}; ask again, or see the evidence of bucket_access_check.",
            sentence_of(&silent)
        );
        add(Priority::Info, message, None);
    }
    found.extend(roles);
    found
}

/// Whether S3 denied a listing or a read.
fn is_denied(access: &BucketAccess) -> bool {
    [access.can_list(), access.can_read()].contains(&Some(false))
}

fn other_roles(me: &CatalogUser) -> Vec<&str> {
    me.roles
        .iter()
        .map(|role| role.name.as_str())
        .filter(|name| *name != me.role.name)
        .collect()
}

/// Lists some names, and the number of the others.
fn sentence_of(names: &[&str]) -> String {
    let shown = names.iter().take(MAX_NAMED).copied().collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(MAX_NAMED) {
        Some(more) if more > 0 => format!("{shown} and {more} more"),
        _ => shown,
    }
}
