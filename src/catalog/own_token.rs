//! The server's own token, for one person's own server: as it is, or exchanged at the registry.
//!
//! `POST {registry}/api/token` takes a form with `refresh_token` and answers `refresh_token`, `access_token` and
//! `expires_at` in seconds since 1970, or `error` (facts read from quilt3's `session.py`). The refresh token is another one
//! after each use; the newest lives in memory only, so the one in the settings is good for one start of the server.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::RegistryClient;
use crate::clock::{Clock, Moment};
use crate::identity::{BearerToken, OwnBearer, Rejection};

/// An access token is renewed when it has less than this left.
const RENEW_BEFORE: SignedDuration = SignedDuration::from_mins(1);

/// A token that is sent as it is: a JWT or an API key.
pub struct FixedToken(BearerToken);

/// A refresh token, and the access token that it was last exchanged for.
pub struct RefreshedToken {
    registry: Arc<RegistryClient>,
    clock: Clock,
    state: Mutex<State>,
}

struct State {
    refresh_token: SecretString,
    access: Option<Access>,
}

/// An access token, and when it is to be renewed.
struct Access {
    token: BearerToken,
    /// By the wall clock, with which the registry says when the token ends,
    renew_at: Timestamp,
    /// and by the monotonic one, in case the wall clock is set back.
    due: Moment,
}

impl Access {
    fn new(token: BearerToken, ends: Timestamp, clock: &Clock) -> Self {
        let (now, renew_at) = (clock.now(), ends.saturating_sub(RENEW_BEFORE).unwrap_or(Timestamp::MIN));
        Self {
            token,
            renew_at,
            due: clock.monotonic().after(renew_at.duration_since(now)),
        }
    }

    fn is_good(&self, clock: &Clock) -> bool {
        clock.now() < self.renew_at && clock.monotonic() < self.due
    }
}

#[derive(Deserialize)]
struct Exchanged {
    refresh_token: SecretString,
    access_token: SecretString,
    expires_at: f64,
}

/// The server's own token, of whichever kind it is.
pub fn own_bearer(
    token: &SecretString,
    registry: Option<&Arc<RegistryClient>>,
    clock: Clock,
) -> Result<Arc<dyn OwnBearer>, &'static str> {
    let text = token.expose_secret().trim();
    if text.starts_with("qk_") || text.matches('.').count() == 2 {
        let token = BearerToken::parse(text).map_err(|_| "is not of the form that a bearer token has")?;
        return Ok(Arc::new(FixedToken(token)));
    }
    let registry = registry.ok_or("is a refresh token, which needs QUILT_REGISTRY_URL or QUILT_CATALOG_URL")?;
    let state = Mutex::new(State {
        refresh_token: text.into(),
        access: None,
    });
    Ok(Arc::new(RefreshedToken {
        registry: registry.clone(),
        clock,
        state,
    }))
}

#[async_trait]
impl OwnBearer for FixedToken {
    async fn bearer(&self) -> Result<BearerToken, Rejection> {
        Ok(self.0.clone())
    }
}

#[async_trait]
impl OwnBearer for RefreshedToken {
    async fn bearer(&self) -> Result<BearerToken, Rejection> {
        let mut state = self.state.lock().await;
        if let Some(access) = state.access.as_ref().filter(|access| access.is_good(&self.clock)) {
            return Ok(access.token.clone());
        }
        let unavailable = |detail: String| Rejection::Unavailable { detail };
        let form = [("refresh_token", state.refresh_token.expose_secret())];
        let body = self
            .registry
            .post_form("/api/token", &form)
            .await
            .map_err(|error| unavailable(error.to_string()))?;
        let exchanged: Exchanged = serde_json::from_slice(&body).map_err(|_| Rejection::Invalid {
            detail: "the registry does not exchange the refresh token in QUILT_API_TOKEN (any more)".to_owned(),
        })?;
        let token = BearerToken::parse(exchanged.access_token.expose_secret())?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a time of this century, checked by the conversion"
        )]
        let ends = Timestamp::from_second(exchanged.expires_at as i64).unwrap_or(Timestamp::MIN);
        state.refresh_token = exchanged.refresh_token;
        state.access = Some(Access::new(token.clone(), ends, &self.clock));
        Ok(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    #[test]
    fn a_token_is_renewed_a_minute_before_its_end_wherever_the_wall_clock_was_set_to() {
        let noon: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let hour = SignedDuration::from_hours(1);
        let manual = ManualClock::new(noon);
        let clock = manual.clock();
        let access = Access::new(BearerToken::parse("a.b.c").unwrap(), noon + hour, &clock);
        assert!(access.is_good(&clock));
        manual.set_wall(noon - SignedDuration::from_hours(24));
        manual.advance(hour - RENEW_BEFORE - SignedDuration::from_secs(1));
        assert!(access.is_good(&clock), "59 minutes have not passed");
        manual.advance(SignedDuration::from_secs(1));
        assert!(
            !access.is_good(&clock),
            "the wall clock was set back, and the token is as old as it is"
        );

        let access = Access::new(BearerToken::parse("a.b.c").unwrap(), noon + hour, &clock);
        manual.set_wall(noon + hour - RENEW_BEFORE);
        assert!(
            !access.is_good(&clock),
            "the wall clock was a day behind, and the registry's word holds"
        );
    }
}
