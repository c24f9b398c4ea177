//! Explanations of unsuccessful searches, in sentences that help.

use crate::catalog::{GraphqlError, InputError, RegistryAccess, RegistryError, SearchError};
use crate::error_code::ErrorCode;
use crate::tools::registry::{self, said};
use crate::tools::{Session, ToolError};

/// Returns the registry for this caller.
pub(super) async fn registry(session: &Session) -> Result<RegistryAccess, ToolError> {
    match session.registry().await {
        Some(Ok(access)) => Ok(access),
        Some(Err(error)) => Err(explain(session, SearchError::Graphql(error.into())).await),
        None if session.has_registry() => {
            let message = "The catalog searches for its users only, and this call has no token of one; the server's own \
                           AWS credentials cannot search.";
            Err(ToolError::new(ErrorCode::NoCredentials, message).with_hint("Send the token of a catalog user."))
        }
        None => Err(unavailable("no catalog is configured for this caller")),
    }
}

/// Makes the error of a search that cannot be had.
fn unavailable(why: &str) -> ToolError {
    ToolError::new(ErrorCode::SearchUnavailable, format!("There is no search: {why}.")).with_hint(
        "package_list and bucket_objects_list work without it; with buckets named and a single word as query, \
         search_catalog looks for names.",
    )
}

/// Explains an unsuccessful search.
pub(super) async fn explain(session: &Session, error: SearchError) -> ToolError {
    match error {
        SearchError::Graphql(error) => explain_request(session, error).await,
        SearchError::Input(errors) => explain_input(&errors),
        SearchError::Operation(error) => {
            let text = said(&error.message);
            if error.name == "Timeout" {
                return ToolError::new(
                    ErrorCode::Timeout,
                    format!("The catalog's search took too long: {text}."),
                )
                .retryable()
                .with_hint("Name buckets, and avoid a wildcard at the beginning of a word.");
            }
            let name = said(&error.name);
            ToolError::new(
                ErrorCode::Upstream,
                format!("The catalog's search failed ({name}): {text}."),
            )
            .retryable()
        }
    }
}

/// Explains an unsuccessful request for the page after a cursor: what the registry does not accept is the cursor.
pub(super) async fn explain_more(session: &Session, error: SearchError) -> ToolError {
    match error {
        SearchError::Input(errors) => {
            let text = errors.first().map(|error| said(&error.message)).unwrap_or_default();
            ToolError::invalid(format!(
                "Argument cursor: the catalog no longer accepts it ({text}); leave it out to search again."
            ))
        }
        error => explain(session, error).await,
    }
}

fn explain_input(errors: &[InputError]) -> ToolError {
    let Some(first) = errors.first() else {
        return ToolError::invalid("The catalog does not accept the search, and does not say why.");
    };
    let text = said(&first.message);
    if first.name == "QuerySyntaxError" {
        return ToolError::invalid(format!("Argument query: the catalog cannot parse it: {text}."))
            .with_hint("Put a backslash before special characters, or put the text in quotes.");
    }
    if first.name == "UnsupportedSort" || first.name == "ordering" {
        return ToolError::invalid(format!("Argument sort: the catalog does not accept it: {text}."));
    }
    let path = first.path.as_deref().map_or("the search".to_owned(), said);
    ToolError::invalid(format!("The catalog does not accept {path}: {text}."))
}

async fn explain_request(session: &Session, error: GraphqlError) -> ToolError {
    use RegistryError as R;
    match &error {
        GraphqlError::Schema(_) => return unavailable("this version of the catalog has none"),
        GraphqlError::Registry(R::NotFound | R::NotJson) => return unavailable("the registry has no GraphQL"),
        GraphqlError::Registry(R::LocalCatalog) => return unavailable("the catalog is a local one"),
        _ => {}
    }
    let explained = registry::explain(session, "The catalog did not search", &error).await;
    match explained.code {
        ErrorCode::AccessDenied => {
            explained.with_hint("Ask an administrator of the catalog for a role that may search.")
        }
        ErrorCode::Timeout => explained.with_hint("Name buckets, and avoid a wildcard at the beginning of a word."),
        ErrorCode::TooLarge => explained.with_hint("Ask for fewer hits (limit), or without include_text."),
        _ => explained,
    }
}
