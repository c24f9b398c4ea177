//! Explanations of AWS's errors for the caller: the code, the sentence, and for a denial who was refused which right, and
//! with whose credentials.

use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization as _;

use super::{Session, ToolError};
use crate::aws::s3::{ObjectUri, UserS3};
use crate::aws::{AwsError, AwsErrorKind, Denial};
use crate::credentials::{Resolved, Source};
use crate::error_code::ErrorCode;
use crate::redact;

impl Session {
    /// Explains an error of any AWS service to this caller, and notes a denial for recommendations.
    #[must_use]
    pub fn explain(&self, error: &AwsError) -> ToolError {
        use AwsErrorKind as K;
        let service = error.service;
        let object = error.subject();
        let said = error.description();
        let said = said.trim_end_matches('.');
        let tool_error = match error.kind {
            K::AccessDenied => return self.explain_denial(error, object),
            K::NoSuchBucket => {
                // The request may have named an object in it, which the caller need not have.
                let bucket: Vec<&str> = object.split('/').take(3).collect();
                ToolError::new(
                    ErrorCode::NoSuchBucket,
                    format!("There is no bucket {}.", bucket.join("/")),
                )
            }
            K::NoSuchKey if error.is_delete_marker() => ToolError::new(
                ErrorCode::NoSuchKey,
                format!("There is no object {object}: that version is a delete marker."),
            )
            .with_hint("Name another version; without versionId, the URI names the latest version."),
            K::NoSuchKey => ToolError::new(ErrorCode::NoSuchKey, format!("There is no object {object} ({said})."))
                .with_hint(
                    "List the bucket to see which keys there are; a key may also be deleted in its latest version.",
                ),
            K::PreconditionFailed => {
                ToolError::new(ErrorCode::Conflict, format!("{object} exists or has changed: {said}."))
            }
            K::Conflict => ToolError::new(
                ErrorCode::Conflict,
                format!("Another write to {object} is going on: {said}."),
            ),
            K::InvalidRange | K::InvalidRequest => {
                ToolError::invalid(format!("{service} refused the request for {object} as wrong: {said}."))
            }
            K::Throttled => ToolError::new(
                ErrorCode::Throttled,
                format!("{service} asks to slow down on {object}: {said}."),
            ),
            K::StaleCredentials | K::InvalidCredentials => self.explain_credentials(error, object, said),
            K::ClockSkew => {
                let clock = error.clock_difference().unwrap_or_else(|| "is wrong".to_owned());
                let message = format!(
                    "AWS does not accept the time of this server's clock, which {clock}; {object} was not reached ({said})."
                );
                ToolError::new(ErrorCode::Upstream, message)
                    .with_hint("The operator of this server must set its clock; a new login does not help.")
            }
            K::Archived => ToolError::archived(object, false),
            K::Timeout => ToolError::new(
                ErrorCode::Timeout,
                format!("{service} did not answer in time about {object}."),
            ),
            K::Network | K::NotModified | K::Other => {
                ToolError::new(ErrorCode::Upstream, format!("{service} failed on {object}: {said}."))
            }
        };
        let code = format!("{}_code", service.to_ascii_lowercase());
        let details = json!({
            "action": error.action, (code): error.code, "status": error.status, "request_id": error.request_id,
        });
        ToolError {
            retryable: error.is_retryable(),
            ..tool_error
        }
        .with_details(details)
    }

    /// Explains credentials that AWS does not accept, by whose they are.
    fn explain_credentials(&self, error: &AwsError, object: &str, said: &str) -> ToolError {
        let is_ambient = self.credential_source() == Some(Source::Ambient);
        let whose = if is_ambient {
            "this server's own credentials"
        } else {
            "the credentials of this call"
        };
        let message = format!("AWS does not accept {whose} for {object}: {said}.");
        let hint = if error.is_global_token_in_opt_in_region() {
            let region = error.region.as_deref().or(error.sent_to.as_deref()).unwrap_or_default();
            format!(
                "{region} is a region that an account has to enable. S3 there does not accept session tokens of the global \
                 endpoint of STS: the operator must have them issued by the endpoint of a region, such as \
                 sts.{region}.amazonaws.com, or set the account's global endpoint tokens to version 2."
            )
        } else if is_ambient {
            "The operator of this server must renew its AWS credentials; a new login does not help.".to_owned()
        } else {
            "Call auth_status with refresh=true, then try again; if that does not help, log in again.".to_owned()
        };
        ToolError::new(ErrorCode::AccessDenied, message).with_hint(hint)
    }

    /// Explains an error of a request about objects. If a key is missing that could be written in another Unicode form, and the
    /// object has that form, the error names it: both forms look the same.
    pub(super) async fn explain_object(&self, s3: &UserS3, error: &AwsError) -> ToolError {
        let explained = self.explain(error);
        if error.kind != AwsErrorKind::NoSuchKey {
            return explained;
        }
        let missing = error.resource.as_deref().and_then(|uri| uri.parse::<ObjectUri>().ok());
        let Some(other) = missing.as_ref().and_then(in_other_unicode_form) else {
            return explained;
        };
        if s3.head(&other).await.is_err() {
            return explained;
        }
        let message = format!(
            "There is no object {}, but there is {other}, whose key has the same letters in another Unicode form.",
            error.subject()
        );
        let hint = format!("Use {other}, percent-encoded as it is.");
        ToolError { message, ..explained }.with_hint(hint)
    }

    fn explain_denial(&self, error: &AwsError, object: &str) -> ToolError {
        if error.asks_requester_to_pay() {
            let bucket = error.bucket().unwrap_or_default();
            let message = format!(
                "s3://{bucket} is a requester-pays bucket: S3 answers only if the requester offers to pay, which this \
                 server does not do."
            );
            return ToolError::new(ErrorCode::AccessDenied, message)
                .with_hint("Use a copy of the objects in a bucket whose owner pays.")
                .with_details(json!({ "action": error.action, "resource": object, "request_id": error.request_id }));
        }
        let denial = error.message.as_deref().and_then(Denial::parse);
        let resolved = self.resolved();
        let action = denial.as_ref().map_or(error.action, |denial| denial.action.as_str());
        let principal = match (&denial, resolved) {
            (Some(denial), _) => denial.principal.clone(),
            (None, Some(resolved)) => format!("the key {}", redact::key_id(resolved.credentials().access_key_id())),
            (None, None) => "this caller".to_owned(),
        };
        let reason = denial.as_ref().and_then(|denial| denial.reason.as_deref());
        let reason = reason.map(|reason| format!(" {reason}")).unwrap_or_default();
        let used = self.used_credentials();
        let message = format!(
            "{} denied {action} on {object} to {principal}{reason}.{used}",
            error.service
        );
        let mut details = json!({
            "action": action,
            "resource": denial.as_ref().and_then(|denial| denial.resource.clone()).unwrap_or_else(|| object.to_owned()),
            "principal": principal,
            "policy_type": denial.as_ref().and_then(Denial::policy_type),
            "credential_source": resolved.map(Resolved::source),
            "request_id": error.request_id,
        });
        if let (Some(resolved), Some(details)) = (resolved, details.as_object_mut())
            && resolved.source() == Source::Ambient
        {
            details.insert("attempts".into(), json!(resolved.attempts()));
        }
        self.note_denial(action, object);
        let key = denial.as_ref().and_then(|denial| denial.resource.as_deref());
        let hint = match key.filter(|_| action.starts_with("kms:")) {
            Some(key) => format!("Ask for the right {action} on the key {key}, which encrypts the object."),
            None if error.service == "Athena" => {
                format!("Ask for the right {action}, or use a workgroup that athena_workgroups_list shows.")
            }
            None => {
                format!("Ask for the right {action} on this resource; permissions_recommendations says what may help.")
            }
        };
        ToolError::new(ErrorCode::AccessDenied, message)
            .with_hint(self.name_contact(hint))
            .with_details(details)
    }

    /// Explains that a query failed because the caller lacks a right, which the reason of Athena names. `details` are those of
    /// the query.
    pub(super) fn explain_denied_query(&self, reason: &str, hint: &str, mut details: Value) -> ToolError {
        let used = self.used_credentials();
        let message = format!("The query failed because this caller lacks a right: {reason}.{used}");
        let denial = reason.find("User: ").and_then(|at| Denial::parse(reason.get(at..)?));
        if let Some(members) = details.as_object_mut() {
            members.insert("credential_source".to_owned(), json!(self.credential_source()));
            if let Some(denial) = &denial {
                members.insert("action".to_owned(), denial.action.clone().into());
                members.insert("resource".to_owned(), json!(denial.resource));
                members.insert("principal".to_owned(), denial.principal.clone().into());
                members.insert("policy_type".to_owned(), json!(denial.policy_type()));
            }
        }
        if let Some(denial) = denial {
            self.note_denial(&denial.action, denial.resource.as_deref().unwrap_or_default());
        }
        ToolError::new(ErrorCode::AccessDenied, message)
            .with_hint(self.name_contact(hint.to_owned()))
            .with_details(details)
    }

    /// Says with which credentials the call acted, and why with those.
    fn used_credentials(&self) -> String {
        self.resolved().map_or_else(String::new, |resolved| {
            let why = resolved
                .attempts()
                .last()
                .map_or("", |attempt| attempt.message.as_str());
            format!(
                " The call acted with credentials from source {}: {why}.",
                resolved.source().as_str()
            )
        })
    }

    /// Names in a hint whom to ask, if the operator has said so.
    pub(super) fn name_contact(&self, hint: String) -> String {
        match self.contact() {
            Some(contact) => hint.replacen("Ask for", &format!("Ask {contact} for"), 1),
            None => hint,
        }
    }
}

impl ToolError {
    /// Makes the error of a read of an archived object.
    pub(super) fn archived(object: &str, is_being_restored: bool) -> Self {
        let state = if is_being_restored {
            "is archived and its restore is in progress"
        } else {
            "is archived and must be restored first"
        };
        Self::new(ErrorCode::Upstream, format!("{object} {state}."))
            .with_hint("Have it restored in S3 (RestoreObject); bucket_object_info shows whether it is.")
    }
}

/// Returns the object whose key is composed where this one's is not, or decomposed where it is.
fn in_other_unicode_form(object: &ObjectUri) -> Option<ObjectUri> {
    let key = object.key.as_str();
    let composed: String = key.nfc().collect();
    let other = if composed == key { key.nfd().collect() } else { composed };
    let key = Some(other).filter(|other| other != key)?.parse().ok()?;
    Some(ObjectUri::latest(object.bucket.clone(), key))
}
