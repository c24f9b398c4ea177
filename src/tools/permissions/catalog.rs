//! The catalog's view of the caller, for the tools that report permissions.

use jiff::Timestamp;

use super::access::BucketAccess;
use super::evidence::{Evidence, EvidenceSource, Operation};
use super::verdict::Verdict;
use crate::catalog::{self, GraphqlError, PermissionLevel, RegistryError, UserBuckets};
use crate::credentials::Source;
use crate::error_code::ErrorCode;
use crate::tools::{Session, ToolError};

const METHOD: &str = "GraphQL collaborators";

/// Returns the catalog's view of the caller. It is `None` if no catalog is configured, if its host is not a registry, or if
/// it does not know the caller and the credentials come from another source; the credentials must be resolved before.
pub async fn consult(session: &Session) -> Result<Option<UserBuckets>, ToolError> {
    let Some(access) = session.registry().await else {
        return Ok(None);
    };
    let answer = match access {
        Ok(access) => catalog::fetch_user_buckets(&access).await,
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
        GraphqlError::NotLoggedIn | GraphqlError::Registry(RegistryError::Unauthorized(_))
    )
}

fn failure(error: &GraphqlError) -> ToolError {
    let message = format!("The catalog did not answer who the caller is and which buckets exist: {error}.");
    if let GraphqlError::Variable(_) = error {
        return ToolError::invalid(message);
    }
    if is_login(error) {
        return ToolError::new(ErrorCode::InvalidJwt, message).with_hint("Log in again and send the new token.");
    }
    let is_refusal = matches!(
        error,
        GraphqlError::Registry(
            RegistryError::Forbidden(_)
                | RegistryError::NotAllowed(_)
                | RegistryError::Redirect { .. }
                | RegistryError::BadRequest(_)
                | RegistryError::LocalCatalog
                | RegistryError::Claim(_)
                | RegistryError::Status(300..=407 | 409..=428 | 430..=499)
        ) | GraphqlError::Schema(_)
    );
    let failure = ToolError::new(ErrorCode::Upstream, message);
    if is_refusal { failure } else { failure.retryable() }
}

/// The catalog's view of the caller, or its failure, which does not hide what S3 answers.
pub struct Consultation(Result<Option<UserBuckets>, ToolError>);

impl Consultation {
    /// Consults the catalog.
    pub async fn of(session: &Session) -> Self {
        Self(consult(session).await)
    }

    /// Returns the view; `None` also if the catalog failed.
    pub fn view(&self) -> Option<&UserBuckets> {
        self.0.as_ref().ok().and_then(Option::as_ref)
    }

    /// Returns what the catalog declares about buckets.
    pub fn declarations(&self) -> Declarations<'_> {
        match &self.0 {
            Ok(view) => view.as_ref().into(),
            Err(error) => Declarations::Failed(error),
        }
    }

    /// Returns the catalog's failure.
    pub fn error(&self) -> Option<&ToolError> {
        self.0.as_ref().err()
    }
}

/// Declarations of the catalog about buckets.
pub enum Declarations<'a> {
    /// No catalog applies.
    None,
    /// The catalog did not answer.
    Failed(&'a ToolError),
    /// The catalog answered.
    View(&'a UserBuckets),
}

impl<'a> From<Option<&'a UserBuckets>> for Declarations<'a> {
    fn from(view: Option<&'a UserBuckets>) -> Self {
        view.map_or(Self::None, Self::View)
    }
}

impl Declarations<'_> {
    /// Returns the declaration about this bucket, compared with the answers of S3; `None` if no catalog applies.
    pub(super) fn about(&self, bucket: &str, s3: &BucketAccess, at: Timestamp) -> Option<Evidence> {
        let (result, detail) = match self {
            Self::None => return None,
            Self::Failed(error) => (None, error.message.clone()),
            Self::View(view) => declaration(view, bucket, s3),
        };
        Some(Evidence {
            operation: Operation::WriteDeclared,
            result,
            method: METHOD.to_owned(),
            asked_of: EvidenceSource::Catalog,
            detail,
            is_denied: false,
            at,
        })
    }

    /// Whether the catalog shows the bucket to the caller, as far as is known.
    pub(super) fn may_show(&self, bucket: &str) -> bool {
        match self {
            Self::None => false,
            Self::Failed(_) => true,
            Self::View(view) => view.buckets.iter().any(|known| known.name == bucket),
        }
    }
}

fn declaration(view: &UserBuckets, bucket: &str, s3: &BucketAccess) -> Verdict {
    let Some(user) = &view.user else {
        let detail = "The schema of this catalog has no users, so it declares nothing for the caller.";
        return (None, detail.to_owned());
    };
    let email = &user.email;
    let Some(known) = view.buckets.iter().find(|known| known.name == bucket) else {
        return (None, format!("The catalog shows {email} no bucket of this name."));
    };
    match known.permission {
        None => (
            None,
            format!("The catalog shows the bucket to {email} and declares no level."),
        ),
        Some(level) => {
            let declared = format!("The catalog declares {} for {email}.", level.as_str());
            (
                Some(level == PermissionLevel::ReadWrite),
                declared + contradiction(level, s3),
            )
        }
    }
}

/// Returns the sentence that reports an answer of S3 that contradicts the catalog.
fn contradiction(level: PermissionLevel, s3: &BucketAccess) -> &'static str {
    let denies_reads = [s3.can_list(), s3.can_read()].contains(&Some(false));
    match (level, s3.can_write()) {
        (PermissionLevel::Read, Some(true)) => {
            " S3 nevertheless lets them write, and the answer of S3 takes precedence."
        }
        (PermissionLevel::ReadWrite, Some(false)) => {
            " S3 does not let them write, and the answer of S3 takes precedence."
        }
        _ if denies_reads => " S3 does not let them read all of it, and the answer of S3 takes precedence.",
        _ => "",
    }
}
