//! The server's own token, for a server with a single user: a static token, or a refresh token that the registry exchanges.
//!
//! `POST {registry}/api/token` takes a form with `refresh_token` and returns `refresh_token`, `access_token` and
//! `expires_at` in seconds since 1970, or `error` (as in quilt3's `session.py`). Each use invalidates the refresh token and
//! returns the next one, which is kept in memory only. The refresh token in the settings can thus be used for one start of
//! the server.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::RegistryClient;
use crate::clock::{Clock, Moment};
use crate::identity::{BearerToken, Rejection, ServerToken};

/// Time before its expiry at which an access token is renewed.
const RENEWAL_MARGIN: SignedDuration = SignedDuration::from_mins(1);

/// A JWT or an API key.
pub struct StaticToken(BearerToken);

/// A refresh token, and the access token for which it was last exchanged.
pub struct RefreshedToken {
    registry: Arc<RegistryClient>,
    clock: Clock,
    state: Mutex<State>,
}

struct State {
    refresh_token: SecretString,
    access: Option<Access>,
}

struct Access {
    token: BearerToken,
    /// Renewal time by the wall clock, to which the registry's `expires_at` refers.
    renew_at: Timestamp,
    /// Renewal time by the monotonic clock, in case the wall clock is set back.
    due: Moment,
}

impl Access {
    fn new(token: BearerToken, ends: Timestamp, clock: &Clock) -> Self {
        let renew_at = ends.saturating_sub(RENEWAL_MARGIN).unwrap_or(Timestamp::MIN);
        Self {
            token,
            renew_at,
            due: clock.monotonic().after(renew_at.duration_since(clock.now())),
        }
    }

    fn is_fresh(&self, clock: &Clock) -> bool {
        clock.now() < self.renew_at && clock.monotonic() < self.due
    }
}

#[derive(Deserialize)]
struct TokenResponse {
    refresh_token: SecretString,
    access_token: SecretString,
    expires_at: f64,
}

/// Creates the server's own token from the setting. Fails with the problem of the setting.
pub fn server_token(
    token: &SecretString,
    registry: Option<&Arc<RegistryClient>>,
    clock: Clock,
) -> Result<Arc<dyn ServerToken>, &'static str> {
    let text = token.expose_secret().trim();
    if text.starts_with("qk_") || text.matches('.').count() == 2 {
        let token = BearerToken::parse(text).map_err(|_| "does not have the form of a bearer token")?;
        return Ok(Arc::new(StaticToken(token)));
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
impl ServerToken for StaticToken {
    async fn bearer(&self) -> Result<BearerToken, Rejection> {
        Ok(self.0.clone())
    }
}

#[async_trait]
impl ServerToken for RefreshedToken {
    async fn bearer(&self) -> Result<BearerToken, Rejection> {
        let mut state = self.state.lock().await;
        if let Some(access) = state.access.as_ref().filter(|access| access.is_fresh(&self.clock)) {
            return Ok(access.token.clone());
        }
        let unavailable = |detail: String| Rejection::Unavailable { detail };
        let form = [("refresh_token", state.refresh_token.expose_secret())];
        let body = self
            .registry
            .post_form("/api/token", &form)
            .await
            .map_err(|error| unavailable(error.to_string()))?;
        let exchanged: TokenResponse = serde_json::from_slice(&body).map_err(|_| {
            Rejection::invalid_with(
                "the registry did not accept the refresh token in QUILT_API_TOKEN, which can be used only once",
                "Log in to the catalog again, and set QUILT_API_TOKEN to the new refresh token.",
            )
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
        assert!(access.is_fresh(&clock));
        manual.set_wall(noon - SignedDuration::from_hours(24));
        manual.advance(hour - RENEWAL_MARGIN - SignedDuration::from_secs(1));
        assert!(access.is_fresh(&clock), "59 minutes have not passed");
        manual.advance(SignedDuration::from_secs(1));
        assert!(
            !access.is_fresh(&clock),
            "the wall clock was set back, and the token expires all the same"
        );

        let access = Access::new(BearerToken::parse("a.b.c").unwrap(), noon + hour, &clock);
        manual.set_wall(noon + hour - RENEWAL_MARGIN);
        assert!(
            !access.is_fresh(&clock),
            "the wall clock was a day behind, and the expiry of the registry applies"
        );
    }
}
