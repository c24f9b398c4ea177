//! Role sessions for the owner of a verified token: of a role that the token names and the operator allows, or of the role
//! that the operator gives to every user of an identity provider.
//!
//! The session's name and source identity are a claim of the token ([`session_name`]).

use aws_credential_types::Credentials;
use aws_sdk_sts::types::Tag;
use jiff::{SignedDuration, Timestamp};

use super::session_name::session_name;
use super::sources::{OwnIdentity, OwnIdentityError};
use super::sts_refusal::{self, Signed};
use super::{Ambient, Attempt, Outcome, RightsConfig, RolePattern, Source, SourceCredentials, SourceResult};
use crate::aws::sts::{RoleSession, RoleSessions, SharedSts};
use crate::clock::{Clock, to_system_time};
use crate::error_code::ErrorCode;
use crate::identity::{AuthenticatedCaller, Claims};
use crate::resilience::CallerKey;

/// Maximum duration of a session, in seconds. Role chaining (the server's own role assumes the user's) is capped at one hour by AWS.
const MAX_SESSION_SECONDS: i64 = 3600;
/// The claim that names the session by default. Without it the registry's own claims name the user.
const DEFAULT_CLAIM: &str = "sub";
/// Minimum duration of a session that AWS grants, in seconds.
const MIN_SESSION_SECONDS: i64 = 900;
/// Maximum number of session tags (AWS's STS quota).
const MAX_TAGS: usize = 50;
/// Maximum length of a tag's key (AWS's STS quota).
const MAX_TAG_KEY: usize = 128;
/// Maximum length of a tag's value (AWS's STS quota).
const MAX_TAG_VALUE: usize = 256;

/// Requests to STS for users' sessions.
pub struct AssumeRole {
    allowed: Vec<RolePattern>,
    web_identity_role: Option<String>,
    session_name_claim: String,
    server: Option<OwnIdentity>,
    sts: RoleSessions,
    clock: Clock,
}

impl AssumeRole {
    /// `AssumeRole` is signed with the server's own identity.
    #[must_use]
    pub fn new(rights: &RightsConfig, ambient: &Ambient, sts: &SharedSts, clock: Clock) -> Self {
        Self {
            allowed: rights.assumable_roles.clone(),
            web_identity_role: rights.web_identity_role_arn.clone(),
            session_name_claim: rights.session_name_claim.clone(),
            server: ambient.identity().cloned(),
            sts: sts.role_sessions(),
            clock,
        }
    }

    /// Returns the role for every user of the identity provider, if one is configured.
    pub(super) fn web_identity_role(&self) -> Option<&str> {
        self.web_identity_role.as_deref()
    }

    /// Whether the operator allows a token to name this role.
    pub(super) fn is_allowed(&self, role_arn: &str) -> bool {
        self.allowed.iter().any(|pattern| pattern.allows(role_arn))
    }

    /// Requests a session of the role that the token names.
    pub(super) async fn named(&self, role_arn: &str, claims: &Claims, caller: &AuthenticatedCaller) -> SourceResult {
        if !self.is_allowed(role_arn) {
            let message = "the role that the token names is not on this server's list of assumable roles";
            return none(Outcome::Denied, ErrorCode::RoleNotAllowed, message);
        }
        let (session_name, seconds) = match self.session(caller) {
            Ok(session) => session,
            Err(message) => return none(Outcome::Denied, ErrorCode::AssumeRoleFailed, message),
        };
        let (tags, transitive) = match tags(claims) {
            Ok(tags) => tags,
            Err(message) => return none(Outcome::Denied, ErrorCode::AssumeRoleFailed, message),
        };
        let server = match &self.server {
            Some(server) => server.aws().await,
            None => Err(OwnIdentityError::Absent),
        };
        let server = match server {
            Ok(server) => server,
            Err(error) => return without_identity(&error, role_arn),
        };
        let session = RoleSession {
            role_arn,
            name: &session_name,
            seconds,
            caller: CallerKey::of(caller.fingerprint()),
        };
        match self.sts.assume_role(&server, session, tags, transitive).await {
            Ok(credentials) => vended(credentials, format!("assumed {role_arn}, which the token names")),
            Err(error) => Err(sts_refusal::attempt(&error, role_arn, Signed::ByServer)),
        }
    }

    /// Requests a session of the operator's role, in exchange for the token itself.
    pub(super) async fn web_identity(&self, role_arn: &str, caller: &AuthenticatedCaller) -> SourceResult {
        let (session_name, seconds) = match self.session(caller) {
            Ok(session) => session,
            Err(message) => return none(Outcome::Denied, ErrorCode::AssumeRoleFailed, message),
        };
        let session = RoleSession {
            role_arn,
            name: &session_name,
            seconds,
            caller: CallerKey::of(caller.fingerprint()),
        };
        let token = caller.token().secret();
        match self.sts.assume_role_with_web_identity(session, token).await {
            Ok(credentials) => vended(credentials, format!("exchanged the token for {role_arn}")),
            Err(error) => Err(sts_refusal::attempt(&error, role_arn, Signed::No)),
        }
    }

    /// Returns the name and seconds of a session for this caller, or why there can be none.
    fn session(&self, caller: &AuthenticatedCaller) -> Result<(String, i32), String> {
        let claim = self.session_name_claim.as_str();
        let value = if claim == DEFAULT_CLAIM {
            caller.subject()
        } else {
            caller.claims().and_then(|claims| claims.named_text(claim))
        };
        let name = session_name(claim, value)?;
        let seconds = session_seconds(self.clock.now(), caller.expires_at())
            .ok_or("the token ends before the shortest AWS session (15 minutes) would")?;
        Ok((name, seconds))
    }
}

fn none(outcome: Outcome, code: ErrorCode, message: impl Into<String>) -> SourceResult {
    Err(Attempt::none(Source::Jwt, outcome, code, message))
}

fn vended(credentials: Option<aws_sdk_sts::types::Credentials>, message: String) -> SourceResult {
    let Some(vended) = credentials else {
        return none(
            Outcome::Failed,
            ErrorCode::InvalidResponse,
            "STS answered without credentials",
        );
    };
    let expires_at = Timestamp::from_second(vended.expiration.secs()).ok();
    let credentials = Credentials::new(
        vended.access_key_id,
        vended.secret_access_key,
        Some(vended.session_token),
        expires_at.map(to_system_time),
        "assume-role",
    );
    Ok(SourceCredentials {
        credentials,
        expires_at,
        message,
    })
}

/// The server cannot sign a request for the role.
fn without_identity(error: &OwnIdentityError, role_arn: &str) -> SourceResult {
    let (outcome, code) = match error {
        OwnIdentityError::TooSlow => (Outcome::Failed, ErrorCode::Timeout),
        error if error.is_transient() => (Outcome::Failed, ErrorCode::AssumeRoleFailed),
        _ => (Outcome::Denied, ErrorCode::AssumeRoleFailed),
    };
    none(outcome, code, format!("STS was not asked for {role_arn}: {error}"))
}

/// Returns the session's tags and the keys of the transitive ones. Tags that AWS would refuse are refused here and never
/// changed, because permissions may depend on them.
fn tags(claims: &Claims) -> Result<(Vec<Tag>, Vec<String>), String> {
    let bad = "the token's session tags are more, longer or of other characters than AWS takes";
    let tags = claims.session_tags().map_err(|error| error.to_string())?;
    let transitive = claims.transitive_tag_keys().map_err(|error| error.to_string())?;
    let is_tag_text = |text: &str, max_length| {
        text.chars().count() <= max_length
            && text
                .chars()
                .all(|c| c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c))
    };
    let is_tag =
        |key: &str, value: &str| !key.is_empty() && is_tag_text(key, MAX_TAG_KEY) && is_tag_text(value, MAX_TAG_VALUE);
    if tags.len() > MAX_TAGS || !tags.iter().all(|(key, value)| is_tag(key, value)) {
        return Err(bad.to_owned());
    }
    if !transitive.iter().all(|key| tags.iter().any(|(tag, _)| tag == key)) {
        return Err("a transitive tag key of the token names no tag".to_owned());
    }
    let built = tags
        .into_iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build());
    Ok((built.collect::<Result<_, _>>().map_err(|_| bad)?, transitive))
}

/// Returns the duration of a session: not beyond the token, and within the bounds of STS; `None` if both are impossible.
fn session_seconds(now: Timestamp, token_expires_at: Option<Timestamp>) -> Option<i32> {
    let left = token_expires_at.map_or(SignedDuration::from_secs(MAX_SESSION_SECONDS), |end| {
        end.duration_since(now)
    });
    let seconds = left.as_secs().min(MAX_SESSION_SECONDS);
    (seconds >= MIN_SESSION_SECONDS)
        .then(|| i32::try_from(seconds).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_never_outlives_the_token() {
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let asked = |left: i64| session_seconds(now, Some(now + SignedDuration::from_secs(left)));
        assert_eq!(asked(86_400), Some(3600));
        assert_eq!(asked(1000), Some(1000));
        assert_eq!(asked(899), None);
        assert_eq!(session_seconds(now, None), Some(3600));
    }

    #[test]
    fn tags_are_taken_whole_or_not_at_all() {
        let read = |claims: serde_json::Value| tags(&serde_json::from_value(claims).unwrap());
        let (found, transitive) = read(serde_json::json!({
            "session_tags": { "team": "blue sky", "é": "" }, "transitive_tag_keys": ["team"] }))
        .unwrap();
        assert_eq!((found.len(), transitive), (2, vec!["team".to_owned()]));
        let list = serde_json::json!({ "tags": [{ "Key": "a", "Value": "b" }] });
        assert_eq!(read(list).unwrap().0[0].key(), "a");
        for bad in [
            serde_json::json!({ "session_tags": { "a": 1 } }),
            serde_json::json!({ "session_tags": "a" }),
            serde_json::json!({ "session_tags": { "": "x" } }),
            serde_json::json!({ "session_tags": { "a": "b;c" } }),
            serde_json::json!({ "session_tags": { "a": "x".repeat(257) } }),
            serde_json::json!({ "session_tags": [{ "Key": "a" }] }),
            serde_json::json!({ "session_tags": { "a": "b" }, "transitive_tag_keys": ["c"] }),
        ] {
            assert!(read(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn as_many_tags_as_sts_takes() {
        let read = |many: usize| {
            let all: serde_json::Map<_, _> = (0..many).map(|i| (format!("k{i}"), "v".into())).collect();
            tags(&serde_json::from_value(serde_json::json!({ "session_tags": all })).unwrap())
                .map(|(found, _)| found.len())
        };
        assert_eq!((read(49), read(50)), (Ok(49), Ok(50)));
        assert!(read(51).is_err() && read(100).is_err());
    }
}
