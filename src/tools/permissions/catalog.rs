//! What the catalog says about the caller, for the tools that ask about rights.

use jiff::Timestamp;

use super::access::BucketAccess;
use super::evidence::{Evidence, Operation, Witness};
use crate::catalog::{self, CatalogView, GraphqlError, Level, RegistryError};
use crate::credentials::Source;
use crate::error_code::ErrorCode;
use crate::tools::{Session, ToolError};

const METHOD: &str = "GraphQL collaborators";

/// The catalog's view of the caller; `None` where no catalog applies: there is none, what there is is no registry, or it
/// does not know this caller, whose credentials come from elsewhere; so they are to be there before this is asked.
pub async fn consult(session: &Session) -> Result<Option<CatalogView>, ToolError> {
    let Some(access) = session.registry().await else {
        return Ok(None);
    };
    let answer = match access {
        Ok(access) => catalog::view(&access).await,
        Err(error) => Err(error.into()),
    };
    match answer {
        Ok(view) => Ok(Some(view)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) if is_login(&error) && session.credential_source() != Some(Source::Catalog) => Ok(None),
        Err(error) => Err(failure(&error)),
    }
}

fn is_absent(error: &GraphqlError) -> bool {
    matches!(
        error,
        GraphqlError::Registry(RegistryError::NotFound | RegistryError::NotJson)
    )
}

fn is_login(error: &GraphqlError) -> bool {
    matches!(
        error,
        GraphqlError::NobodyLoggedIn | GraphqlError::Registry(RegistryError::Unauthorized(_))
    )
}

fn failure(error: &GraphqlError) -> ToolError {
    let message = format!("The catalog could not say who the caller is and which buckets there are: {error}.");
    if is_login(error) {
        return ToolError::new(ErrorCode::InvalidJwt, message).with_hint("Log in again and send the new token.");
    }
    let is_refusal = matches!(
        error,
        GraphqlError::Registry(RegistryError::Forbidden(_) | RegistryError::NotAllowed(_)) | GraphqlError::Schema(_)
    );
    let failure = ToolError::new(ErrorCode::Upstream, message);
    if is_refusal { failure } else { failure.retryable() }
}

/// What the catalog declares about buckets.
pub enum Declarations<'a> {
    /// No catalog applies.
    None,
    /// It was asked and did not answer.
    Failed(&'a ToolError),
    /// Its answer.
    Said(&'a CatalogView),
}

impl<'a> From<Option<&'a CatalogView>> for Declarations<'a> {
    fn from(view: Option<&'a CatalogView>) -> Self {
        view.map_or(Self::None, Self::Said)
    }
}

impl Declarations<'_> {
    /// What it declares about this bucket, beside what S3 answered; `None` where no catalog applies.
    pub(super) fn about(&self, bucket: &str, s3: &BucketAccess, at: Timestamp) -> Option<Evidence> {
        let (result, detail) = match self {
            Self::None => return None,
            Self::Failed(error) => (None, error.message.clone()),
            Self::Said(view) => {
                let email = &view.me.email;
                match view.buckets.iter().find(|known| known.name == bucket) {
                    None => (None, format!("The catalog shows {email} no bucket of this name.")),
                    Some(known) => match known.declared {
                        None => (
                            None,
                            format!("The catalog shows the bucket to {email} and declares no level."),
                        ),
                        Some(level) => {
                            let word = format!("The catalog declares {} for {email}.", level.as_str());
                            (Some(level == Level::ReadWrite), word + contradiction(level, s3))
                        }
                    },
                }
            }
        };
        let (operation, asked_of) = (Operation::WriteDeclared, Witness::Catalog);
        Some(Evidence {
            operation,
            result,
            method: METHOD.to_owned(),
            asked_of,
            detail,
            at,
        })
    }
}

/// Where S3 does otherwise than the catalog declares, both stand side by side.
fn contradiction(level: Level, s3: &BucketAccess) -> &'static str {
    let denies_reads = [s3.can_list(), s3.can_read()].contains(&Some(false));
    match (level, s3.can_write()) {
        (Level::Read, Some(true)) => " S3 lets them write all the same, and what S3 answers counts.",
        (Level::ReadWrite, Some(false)) => " S3 does not let them write, and what S3 answers counts.",
        _ if denies_reads => " S3 does not let them read all of it, and what S3 answers counts.",
        _ => "",
    }
}
