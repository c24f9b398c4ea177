//! The first source: credentials that a verified JWT carries, or a role that it names.
//!
//! Order: embedded credentials, then `role_arn`, then web identity (the last has no setting yet). Applies only to tokens
//! whose signature this server verified; an opaque token has no claims here and is not applicable.

use aws_credential_types::Credentials;
use aws_sdk_sts::error::ProvideErrorMetadata;
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;

use super::{Ambient, Attempt, Code, Outcome, Source};
use crate::clock::Clock;
use crate::config::RolePattern;
use crate::identity::{Claims, ProvedCaller};

type Step = Result<(Credentials, Option<Timestamp>, Attempt), Attempt>;

/// Longest session asked of STS. Role chaining (the server's own role assumes the user's) is capped at one hour by AWS.
const LONGEST_SESSION: i64 = 3600;
/// Shortest session that AWS grants.
const SHORTEST_SESSION: i64 = 900;

/// How to assume the roles that tokens name.
pub struct AssumeRole {
    allowed: Vec<RolePattern>,
    sts: aws_sdk_sts::Client,
    clock: Clock,
}

impl AssumeRole {
    /// `endpoint`: another STS than AWS's own. The requests are signed with the server's own identity.
    #[must_use]
    pub fn new(
        allowed: Vec<RolePattern>,
        ambient: &Ambient,
        region: &str,
        endpoint: Option<String>,
        clock: Clock,
    ) -> Self {
        let mut config = aws_sdk_sts::Config::builder()
            .behavior_version(aws_sdk_sts::config::BehaviorVersion::latest())
            .region(aws_sdk_sts::config::Region::new(region.to_owned()));
        config.set_endpoint_url(endpoint);
        config.set_credentials_provider(ambient.provider());
        Self { allowed, sts: aws_sdk_sts::Client::from_conf(config.build()), clock }
    }

    async fn assume(&self, role_arn: &str, caller: &ProvedCaller) -> Step {
        let none = |outcome, code, message: String| Err(Attempt::none(Source::Jwt, outcome, code, message));
        if !self.allowed.iter().any(|pattern| pattern.allows(role_arn)) {
            let message = "the role that the token names is not on this server's list of assumable roles".to_owned();
            return none(Outcome::Denied, Code::RoleNotAllowed, message);
        }
        let Some(session_name) = caller.subject().filter(|subject| is_session_name(subject)) else {
            let message =
                "the token's subject cannot serve as an AWS session name (2 to 64 characters of A-Z a-z 0-9 _+=,.@-)";
            return none(Outcome::Denied, Code::AssumeRoleFailed, message.to_owned());
        };
        let Some(seconds) = session_seconds(self.clock.now(), caller.expires_at()) else {
            let message = "the token ends before the shortest AWS session (15 minutes) would".to_owned();
            return none(Outcome::Denied, Code::AssumeRoleFailed, message);
        };
        let request = self
            .sts
            .assume_role()
            .role_arn(role_arn)
            .role_session_name(session_name)
            .source_identity(session_name)
            .duration_seconds(seconds);
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) if error.code() == Some("AccessDenied") => {
                let message = format!("STS refused to assume {role_arn} for this caller");
                return none(Outcome::Denied, Code::AssumeRoleFailed, message);
            }
            Err(error) => {
                let message = format!("STS could not assume {role_arn} ({})", error.code().unwrap_or("no answer"));
                return none(Outcome::Failed, Code::AssumeRoleFailed, message);
            }
        };
        let Some(vended) = answer.credentials() else {
            return none(Outcome::Failed, Code::InvalidResponse, "STS answered without credentials".to_owned());
        };
        let expires_at = Timestamp::from_second(vended.expiration().secs()).ok();
        let credentials = Credentials::new(
            vended.access_key_id(),
            vended.secret_access_key(),
            Some(vended.session_token().to_owned()),
            expires_at.map(Into::into),
            "assume-role",
        );
        Ok((credentials, expires_at, Attempt::ok(Source::Jwt, format!("assumed {role_arn}, which the token names"))))
    }
}

/// The first source.
pub struct JwtExchange {
    assume_role: Option<AssumeRole>,
    clock: Clock,
}

impl JwtExchange {
    /// `assume_role`: absent when the operator allows no role.
    #[must_use]
    pub fn new(assume_role: Option<AssumeRole>, clock: Clock) -> Self {
        Self { assume_role, clock }
    }

    pub(super) async fn step(&self, caller: Option<&ProvedCaller>) -> Step {
        let none = |outcome, code, message: &str| Err(Attempt::none(Source::Jwt, outcome, code, message));
        let Some(caller) = caller else {
            return none(Outcome::NotApplicable, Code::NoClaim, "the call brought no token");
        };
        let Some(claims) = caller.claims() else {
            let message = "the token is opaque to this server, so nothing is taken from it";
            return none(Outcome::NotApplicable, Code::NoClaim, message);
        };
        if let Some(embedded) = self.embedded(claims, caller.expires_at()) {
            return embedded;
        }
        match (claims.role_arn(), &self.assume_role) {
            (Some(role_arn), Some(assume_role)) => assume_role.assume(role_arn, caller).await,
            (Some(_), None) => {
                let message = "the token names a role, and this server allows none (QUILT_MCP_ASSUMABLE_ROLES)";
                none(Outcome::Denied, Code::RoleNotAllowed, message)
            }
            (None, _) => {
                let message = "the token carries neither AWS credentials nor a role";
                none(Outcome::NotApplicable, Code::NoClaim, message)
            }
        }
    }

    fn embedded(&self, claims: &Claims, token_expires_at: Option<Timestamp>) -> Option<Step> {
        let failed = |code, message: &str| Err(Attempt::none(Source::Jwt, Outcome::Failed, code, message));
        let embedded = match claims.embedded_credentials()? {
            Ok(embedded) => embedded,
            Err(problem) => return Some(failed(Code::InvalidResponse, problem)),
        };
        if embedded.expiration.is_some_and(|end| end <= self.clock.now()) {
            return Some(failed(Code::InvalidResponse, "the AWS credentials in the token have expired"));
        }
        let expires_at = [embedded.expiration, token_expires_at].into_iter().flatten().min();
        let credentials = Credentials::new(
            embedded.access_key_id,
            embedded.secret_access_key.expose_secret(),
            embedded.session_token.map(|token| token.expose_secret().to_owned()),
            expires_at.map(Into::into),
            "embedded-in-jwt",
        );
        Some(Ok((credentials, expires_at, Attempt::ok(Source::Jwt, "the verified token carries AWS credentials"))))
    }
}

/// The characters and length that STS takes in a session name and a source identity.
fn is_session_name(text: &str) -> bool {
    (2..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b))
}

/// How long a session to ask for: not beyond the token, within what STS grants; `None` when both cannot be had.
fn session_seconds(now: Timestamp, token_expires_at: Option<Timestamp>) -> Option<i32> {
    let left = token_expires_at.map_or(SignedDuration::from_secs(LONGEST_SESSION), |end| end.duration_since(now));
    let seconds = left.as_secs().min(LONGEST_SESSION);
    (seconds >= SHORTEST_SESSION).then(|| i32::try_from(seconds).ok()).flatten()
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
    fn subjects_that_sts_would_refuse_are_refused_and_not_mangled() {
        for good in ["al", "alice@example.com", "a+b=c,d.e@f-g_h", &"x".repeat(64)] {
            assert!(is_session_name(good), "{good}");
        }
        for bad in ["", "a", "a b", "ü-ü", "a/b", "a:b", &"x".repeat(65)] {
            assert!(!is_session_name(bad), "{bad}");
        }
    }
}
