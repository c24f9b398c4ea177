//! `role_switch`: another role for the caller, in all of the caller's sessions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalog::{CatalogUser, MutationError, RegistryAccess, fetch_user, switch_role};
use crate::credentials::Source;
use crate::error_code::ErrorCode;
use crate::tools::permissions::role_names;
use crate::tools::registry::{explain, explain_mutation, registry};
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{ConfirmationRequest, Session, Subject, ToolError};

/// What the errors say.
const UNDONE: &str = "The catalog did not switch the role";

pub struct RoleSwitch;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Name of a role that the caller has in the catalog
    role: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The role now.
    role: String,
    role_before: String,
    /// Whether the role is another one than before; then it is so in every session of the user.
    changed: bool,
    roles: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

impl Tool for RoleSwitch {
    const NAME: &'static str = "role_switch";
    const TITLE: &'static str = "Switch the role";
    const DESCRIPTION: &'static str = "Switches the caller's role in the catalog, for every session of the user at once, \
                                       also in browsers and other clients. The user is asked first. auth_status shows the \
                                       roles that the caller has.";
    const TOOLSET: Toolset = Toolset::Account;
    const HINTS: Hints = Hints::REPLACES;
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let access = registry(&session, UNDONE).await?;
        let user = match fetch_user(&access).await {
            Ok(Some(user)) => user,
            Ok(None) => return Err(no_roles()),
            Err(error) => return Err(explain(&session, UNDONE, &error).await),
        };
        let role = chosen(&user, args.role.trim())?;
        let role_before = user.role.name.clone();
        if role == role_before {
            return Ok(Output {
                changed: false,
                roles: role_names(&user),
                note: None,
                role,
                role_before,
            }
            .into());
        }
        confirm(&session, &access, &user, &role).await?;
        let switch = switch(session.clone(), access, role);
        let switched = session.spawn(switch).await.map_err(|_panic| {
            let message = "A bug in this server interrupted the switch of the role.";
            ToolError::new(ErrorCode::Internal, message).with_hint("auth_status with refresh=true shows the role now.")
        })?;
        let user = match switched {
            Ok(user) => user,
            Err(error) => return Err(explain_mutation(&session, UNDONE, error, |_| "role").await),
        };
        Ok(Output {
            changed: user.role.name != role_before,
            roles: role_names(&user),
            note: Some(note(&session).await),
            role: user.role.name,
            role_before,
        }
        .into())
    }
}

/// Switches the role, and forgets the credentials of the role before, which may be wrong whatever the answer is. Both are done
/// even if the client leaves in between.
async fn switch(session: Session, access: RegistryAccess, role: String) -> Result<CatalogUser, MutationError> {
    let switched = switch_role(&access, &role).await;
    session.forget_credentials().await;
    switched
}

/// Returns the role of this name that the user has.
fn chosen(user: &CatalogUser, wanted: &str) -> Result<String, ToolError> {
    let names = role_names(user);
    if names.iter().any(|name| name == wanted) {
        return Ok(wanted.to_owned());
    }
    let shown: String = wanted.chars().filter(|letter| !letter.is_control()).take(80).collect();
    let names = names.join(", ");
    Err(ToolError::invalid(format!(
        "Argument role: {} has no role `{shown}`; the roles are {names}.",
        user.name
    )))
}

/// Checks that the user agreed. A client that cannot ask its user is referred to the catalog.
async fn confirm(session: &Session, access: &RegistryAccess, user: &CatalogUser, role: &str) -> Result<(), ToolError> {
    let before = &user.role.name;
    let registry = match access.registry.url().await {
        Ok(url) => url.to_string(),
        Err(error) => return Err(explain(session, UNDONE, &error.into()).await),
    };
    let parts = ["role_switch", &registry, &user.name, before, role];
    let question = ConfirmationRequest {
        subject: Subject::of(parts.map(str::as_bytes)),
        message: format!(
            "Switch the role of {} from {before} to {role}? It changes in every session of {}, also in browsers and other \
             clients.",
            user.name, user.name
        ),
        confirm_label: "Switch the role everywhere",
    };
    if session.has_consent(question.subject)? {
        return Ok(());
    }
    if session.can_ask() {
        return Err(question.into_error());
    }
    let place = session
        .catalog()
        .map_or("in the catalog".to_owned(), |catalog| format!("at {}", catalog.url()));
    let message = format!(
        "A switch of the role changes every session of {}, and this client cannot ask the user; the user can switch to \
         {role} {place}.",
        user.name
    );
    Err(ToolError::new(ErrorCode::ConfirmationRequired, message)
        .with_hint("After a switch in the catalog call auth_status with refresh=true."))
}

/// Says what else has changed. The new credentials are fetched for it, which the next call needs anyway.
async fn note(session: &Session) -> String {
    let source = session.credentials().await.ok().map(|resolved| resolved.source());
    let own = match source {
        Some(Source::Catalog) => "This call's AWS credentials are those of the new role.".to_owned(),
        Some(source) => format!(
            "The AWS credentials of this token come from source {} and stay what they are.",
            source.as_str()
        ),
        None => "AWS credentials of the new role could not be had; auth_status says why.".to_owned(),
    };
    format!(
        "Every session of the user has the new role. {own} Other sessions may use credentials of the role before until these \
         expire; auth_status with refresh=true renews them."
    )
}

fn no_roles() -> ToolError {
    ToolError::new(
        ErrorCode::Upstream,
        format!("{UNDONE}: the version of this catalog has no roles to choose from."),
    )
}
