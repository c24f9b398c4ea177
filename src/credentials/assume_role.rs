//! A role for the owner of a verified token: one that the token names and the operator allows, or the one that the operator
//! gives to everybody whom an identity provider knows.
//!
//! The session's name and source identity are the token's subject, unchanged, so that every line of AWS's audit log says who
//! it was; a subject that STS would not take is refused and never cut to fit, for two subjects could be cut to the same.

use aws_credential_types::Credentials;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::types::Tag;
use jiff::{SignedDuration, Timestamp};

use super::jwt_exchange::Step;
use super::{Ambient, Attempt, Outcome, Source};
use crate::clock::{Clock, to_system_time};
use crate::credentials::RolePattern;
use crate::error_code::ErrorCode;
use crate::identity::{Claims, ProvedCaller};
use crate::sts::{self, StsOptions, told};
use crate::telemetry::{Dependency, Ended, observed};
use crate::upstream::{Asker, Breaker, Resting};

/// Longest session asked of STS. Role chaining (the server's own role assumes the user's) is capped at one hour by AWS.
const LONGEST_SESSION: i64 = 3600;
/// Shortest session that AWS grants.
const SHORTEST_SESSION: i64 = 900;
/// Longest wait for STS, with all tries; shorter than the tool timeout, so that the next source can still be tried.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);
/// Most tags of a session, and the longest key and value (AWS's STS quotas).
const MOST_TAGS: usize = 50;
const LONGEST_TAG: (usize, usize) = (128, 256);

/// STS, as the server asks it for users' sessions.
pub struct AssumeRole {
    allowed: Vec<RolePattern>,
    web_identity_role: Option<String>,
    sts: aws_sdk_sts::Client,
    breaker: Breaker,
    clock: Clock,
}

impl AssumeRole {
    /// `web_identity_role`: the role that every token of the identity provider is exchanged for. `AssumeRole` is signed with
    /// the server's own identity.
    #[must_use]
    pub fn new(
        allowed: Vec<RolePattern>,
        web_identity_role: Option<String>,
        ambient: &Ambient,
        sts: &StsOptions,
        clock: Clock,
    ) -> Self {
        let mut config = sts.config(PATIENCE);
        config.set_credentials_provider(ambient.provider());
        let (client, breaker) = (aws_sdk_sts::Client::from_conf(config.build()), sts.breaker.clone());
        Self {
            allowed,
            web_identity_role,
            sts: client,
            breaker,
            clock,
        }
    }

    /// The role for everybody whom the identity provider knows, if there is one.
    pub(super) fn web_identity_role(&self) -> Option<&str> {
        self.web_identity_role.as_deref()
    }

    /// The role that the token names.
    pub(super) async fn named(&self, role_arn: &str, claims: &Claims, caller: &ProvedCaller) -> Step {
        if !self.allowed.iter().any(|pattern| pattern.allows(role_arn)) {
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
        let request = self
            .sts
            .assume_role()
            .role_arn(role_arn)
            .role_session_name(session_name)
            .source_identity(session_name)
            .set_tags(Some(tags).filter(|tags| !tags.is_empty()))
            .set_transitive_tag_keys(Some(transitive).filter(|keys| !keys.is_empty()))
            .duration_seconds(seconds);
        let permit = match self.breaker.ask(Asker::of(caller.fingerprint())) {
            Ok(permit) => permit,
            Err(resting) => return not_asked(resting),
        };
        let answer = observed(Dependency::Sts, "sts:AssumeRole", None, sts::ended, request.send()).await;
        told(permit, &answer);
        match answer {
            Ok(answer) => vended(answer.credentials, format!("assumed {role_arn}, which the token names")),
            Err(error) => refused(&error, role_arn),
        }
    }

    /// The operator's role, in exchange for the token itself.
    pub(super) async fn web_identity(&self, role_arn: &str, caller: &ProvedCaller) -> Step {
        let (session_name, seconds) = match self.session(caller) {
            Ok(session) => session,
            Err(message) => return none(Outcome::Denied, ErrorCode::AssumeRoleFailed, message),
        };
        let request = self
            .sts
            .assume_role_with_web_identity()
            .role_arn(role_arn)
            .role_session_name(session_name)
            .web_identity_token(caller.token().secret())
            .duration_seconds(seconds);
        let permit = match self.breaker.ask(Asker::of(caller.fingerprint())) {
            Ok(permit) => permit,
            Err(resting) => return not_asked(resting),
        };
        let operation = "sts:AssumeRoleWithWebIdentity";
        let answer = observed(Dependency::Sts, operation, None, sts::ended, request.send()).await;
        told(permit, &answer);
        match answer {
            Ok(answer) => vended(answer.credentials, format!("exchanged the token for {role_arn}")),
            Err(error) => refused(&error, role_arn),
        }
    }

    /// Name and seconds of a session for this caller, or why there can be none.
    fn session<'a>(&self, caller: &'a ProvedCaller) -> Result<(&'a str, i32), &'static str> {
        let name = caller.subject().filter(|subject| is_session_name(subject)).ok_or(
            "the token's subject cannot serve as an AWS session name (2 to 64 characters of A-Z a-z 0-9 _+=,.@-)",
        )?;
        let seconds = session_seconds(self.clock.now(), caller.expires_at())
            .ok_or("the token ends before the shortest AWS session (15 minutes) would")?;
        Ok((name, seconds))
    }
}

fn none(outcome: Outcome, code: ErrorCode, message: impl Into<String>) -> Step {
    Err(Attempt::none(Source::Jwt, outcome, code, message))
}

fn not_asked(Resting { seconds }: Resting) -> Step {
    let message = format!("STS has not been answering lately and is asked again in {seconds} s");
    none(Outcome::Failed, ErrorCode::RequestFailed, message)
}

fn vended(credentials: Option<aws_sdk_sts::types::Credentials>, message: String) -> Step {
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
    Ok((credentials, expires_at, Attempt::ok(Source::Jwt, message)))
}

/// What an error of STS means: an answer that says no is a refusal, everything else a failure.
fn refused<E: ProvideErrorMetadata>(error: &SdkError<E>, role_arn: &str) -> Step {
    let code = error.code();
    let says_no = matches!(
        code,
        Some("AccessDenied" | "InvalidIdentityToken" | "ExpiredTokenException" | "IDPRejectedClaim")
    );
    if says_no {
        let message = format!("STS refused {role_arn} to this caller ({})", code.unwrap_or_default());
        return none(Outcome::Denied, ErrorCode::AssumeRoleFailed, message);
    }
    if sts::ended(error) == Ended::Timeout {
        return none(Outcome::Failed, ErrorCode::Timeout, "STS did not answer in time");
    }
    let message = format!("STS could not assume {role_arn} ({})", code.unwrap_or("no answer"));
    none(Outcome::Failed, ErrorCode::AssumeRoleFailed, message)
}

/// The session's tags and which of them are transitive. What AWS would not take is refused: rights may hang on tags.
fn tags(claims: &Claims) -> Result<(Vec<Tag>, Vec<String>), &'static str> {
    let bad = "the token's session tags are more, longer or of other characters than AWS takes";
    let (tags, transitive) = (claims.session_tags()?, claims.transitive_tag_keys()?);
    let is_tag_text = |text: &str, longest| {
        text.chars().count() <= longest
            && text
                .chars()
                .all(|c| c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c))
    };
    let is_tag = |key: &str, value: &str| {
        !key.is_empty() && is_tag_text(key, LONGEST_TAG.0) && is_tag_text(value, LONGEST_TAG.1)
    };
    if tags.len() > MOST_TAGS || !tags.iter().all(|(key, value)| is_tag(key, value)) {
        return Err(bad);
    }
    if !transitive.iter().all(|key| tags.iter().any(|(tag, _)| tag == key)) {
        return Err("a transitive tag key of the token names no tag");
    }
    let built = tags
        .into_iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build());
    Ok((built.collect::<Result<_, _>>().map_err(|_| bad)?, transitive))
}

/// The characters and length that STS takes in a session name and a source identity.
fn is_session_name(text: &str) -> bool {
    (2..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b))
}

/// How long a session to ask for: not beyond the token, within what STS grants; `None` when both cannot be had.
fn session_seconds(now: Timestamp, token_expires_at: Option<Timestamp>) -> Option<i32> {
    let left = token_expires_at.map_or(SignedDuration::from_secs(LONGEST_SESSION), |end| {
        end.duration_since(now)
    });
    let seconds = left.as_secs().min(LONGEST_SESSION);
    (seconds >= SHORTEST_SESSION)
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

    #[test]
    fn an_sts_that_is_too_slow_is_told_from_one_that_cannot_be_reached() {
        use aws_sdk_sts::error::ConnectorError;
        use aws_sdk_sts::operation::assume_role::AssumeRoleError;
        let code = |error: SdkError<AssumeRoleError>| {
            let attempt = refused(&error, "arn").unwrap_err();
            assert_eq!(attempt.outcome, Outcome::Failed);
            attempt.code.unwrap()
        };
        assert_eq!(code(SdkError::timeout_error("too slow")), ErrorCode::Timeout);
        assert_eq!(
            code(SdkError::dispatch_failure(ConnectorError::timeout("too slow".into()))),
            ErrorCode::Timeout
        );
        assert_eq!(
            code(SdkError::dispatch_failure(ConnectorError::io("refused".into()))),
            ErrorCode::AssumeRoleFailed
        );
    }

    #[test]
    fn subjects_that_sts_would_refuse_are_refused_and_not_mangled() {
        for good in ["al", "alice@example.com", "a+b=c,d.e@f-g_h", &"x".repeat(64)] {
            assert!(is_session_name(good), "{good}");
        }
        for bad in ["", "a", "a b", "ü-ü", "a/b", "a:b", &"x".repeat(65)] {
            assert!(!is_session_name(bad), "{bad}");
        }
    }
}
