//! The registry as this caller, and explanations of its errors, for the tools that ask it.
//!
//! The server's own credentials have no part in it: the registry knows users only.

use super::{Session, ToolError};
use crate::catalog::{GraphqlError, InputError, MutationError, OperationError, RegistryAccess, RegistryError};
use crate::credentials::Source;
use crate::error_code::ErrorCode;
use crate::telemetry::text::without_controls;

/// Maximum length of a text of the registry.
const MAX_TEXT_CHARS: usize = 600;

/// Words with which a registry says that a user lacks a permission; it has no code for that.
const DENIALS: [&str; 6] = [
    "access denied",
    "forbidden",
    "not allowed",
    "not authorized",
    "permission",
    "unauthorized",
];

/// Returns the registry for this caller. `undone` is the sentence of what is not done without one, without a full stop.
pub(super) async fn registry(session: &Session, undone: &str) -> Result<RegistryAccess, ToolError> {
    match session.registry().await {
        Some(Ok(access)) => Ok(access),
        Some(Err(error)) => Err(explain(session, undone, &error.into()).await),
        None if session.has_registry() => {
            let message = format!("{undone}: it knows its users only, and this call has no token of one.");
            Err(ToolError::new(ErrorCode::NoCredentials, message).with_hint("Send the token of a catalog user."))
        }
        None => Err(ToolError::new(
            ErrorCode::MissingConfig,
            format!("{undone}: no catalog is configured for this caller."),
        )),
    }
}

/// Explains an unsuccessful request. `undone` is the sentence of what was not done, without a full stop.
pub(super) async fn explain(session: &Session, undone: &str, error: &GraphqlError) -> ToolError {
    use RegistryError as R;
    let message = format!("{undone}: {error}.");
    match error {
        GraphqlError::Schema(_) => ToolError::new(ErrorCode::Upstream, message)
            .with_hint("The version of this catalog does not have this; its pages show what it can do."),
        GraphqlError::Variable(text) => {
            ToolError::invalid(format!("The catalog does not accept an argument: {}.", said(text)))
        }
        GraphqlError::NotLoggedIn | GraphqlError::Registry(R::Unauthorized(_)) => not_a_user(session, message).await,
        GraphqlError::Registry(R::Forbidden(_)) => denied(message),
        GraphqlError::Errors(text) if is_denial(text) => denied(message),
        GraphqlError::Registry(R::Timeout) => ToolError::new(ErrorCode::Timeout, message).retryable(),
        GraphqlError::Registry(R::TooLarge) => ToolError::new(ErrorCode::TooLarge, message),
        GraphqlError::Registry(
            R::NotAllowed(_)
            | R::Redirect { .. }
            | R::BadRequest(_)
            | R::Claim(_)
            | R::NoRegistry
            | R::NotFound
            | R::NotJson
            | R::LocalCatalog,
        ) => ToolError::new(ErrorCode::Upstream, message),
        GraphqlError::Registry(_) | GraphqlError::Errors(_) | GraphqlError::Shape => {
            ToolError::new(ErrorCode::Upstream, message).retryable()
        }
    }
}

/// Explains an unsuccessful mutation. `argument` returns the argument that an input of the registry is.
pub(super) async fn explain_mutation(
    session: &Session,
    undone: &str,
    error: MutationError,
    argument: fn(&str) -> &str,
) -> ToolError {
    match error {
        MutationError::Graphql(error) => {
            let explained = explain(session, undone, &error).await;
            if is_undecided(&error) && explained.code != ErrorCode::AccessDenied {
                ToolError {
                    retryable: false,
                    ..explained
                }
                .with_hint("It may have been done all the same; look before you repeat the call.")
            } else {
                explained
            }
        }
        MutationError::Input(errors) => invalid_input(undone, &errors, argument),
        MutationError::Operation(OperationError { name, message }) => {
            let sentence = format!("{undone}: {} ({}).", said(&message), said(&name));
            if is_denial(&message) || is_denial(&name) || name.contains("Denied") {
                denied(sentence)
            } else {
                ToolError::new(ErrorCode::Upstream, sentence)
            }
        }
    }
}

/// Whether a mutation may have run although it has no answer.
fn is_undecided(error: &GraphqlError) -> bool {
    use RegistryError as R;
    matches!(
        error,
        // An error of a field may come behind what the mutation did.
        GraphqlError::Shape
            | GraphqlError::Errors(_)
            | GraphqlError::Registry(
                R::Timeout | R::Unreachable(_) | R::Status(_) | R::Malformed | R::NotJson | R::TooLarge
            )
    )
}

fn invalid_input(undone: &str, errors: &[InputError], argument: fn(&str) -> &str) -> ToolError {
    let Some(first) = errors.first() else {
        return ToolError::invalid(format!(
            "{undone}: the catalog does not accept the arguments, and does not say why."
        ));
    };
    let text = said(&first.message);
    let name = said(&first.name);
    match first.path.as_deref() {
        Some(path) => ToolError::invalid(format!(
            "Argument {}: the catalog does not accept it: {text} ({name}).",
            argument(path)
        )),
        None => ToolError::invalid(format!(
            "{undone}: the catalog does not accept the arguments: {text} ({name})."
        )),
    }
}

fn denied(message: String) -> ToolError {
    ToolError::new(ErrorCode::AccessDenied, message)
        .with_hint("Ask an administrator of the catalog for a role that may do this.")
}

fn is_denial(text: &str) -> bool {
    let text = text.to_lowercase();
    DENIALS.iter().any(|words| text.contains(words))
}

/// Explains that the registry does not accept the token: it may be a login that ended, or a token that is for AWS alone.
pub(super) async fn not_a_user(session: &Session, message: String) -> ToolError {
    let source = session.credentials().await.ok().map(|resolved| resolved.source());
    match source {
        Some(Source::Catalog) | None => {
            ToolError::new(ErrorCode::InvalidJwt, message).with_hint("Log in again and send the new token.")
        }
        Some(source) => {
            let message = format!(
                "{message} The call acts on AWS with credentials from source {}, which the catalog does not know.",
                source.as_str()
            );
            ToolError::new(ErrorCode::NoCredentials, message).with_hint("Send the token of a catalog user.")
        }
    }
}

/// Returns a text of the registry, to be followed by a full stop.
pub(super) fn said(text: &str) -> String {
    let text = text.trim().trim_end_matches('.');
    if text.is_empty() {
        "no reason is given".to_owned()
    } else {
        without_controls(text, MAX_TEXT_CHARS)
    }
}
