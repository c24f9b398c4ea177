//! Checks of a token's time, issuer and audience.

use jiff::Timestamp;
use serde_json::Value;

use super::super::{Expectations, Rejection, shown};
use super::Claims;
use super::numeric_date::numeric_date;

/// The clock difference, in seconds, that `exp` and `nbf` allow for.
const LEEWAY_SECONDS: i64 = 30;

const SET_TIMES: &str =
    "Configure its issuer to set it to a number of seconds since 1970; a new login alone does not help.";
const CHECK_CLOCKS: &str =
    "Send it when it is valid; if it should be valid now, correct the clock of its issuer or of this server.";
const OTHER_ISSUER: &str = "Send a token of that issuer, or ask the operator to add this one to MCP_JWT_ISSUER.";
const OTHER_AUDIENCE: &str =
    "Ask the issuer for a token for this server, or ask the operator to add this audience to MCP_JWT_AUDIENCE.";
const SET_AUDIENCE: &str = "Configure its issuer to set the aud claim for this client, or send a token that has one.";
const ACCESS_TOKEN: &str = "Send the access token for this server instead of the ID token.";
const SLASH: &str = "The two differ by the slash at the end: the operator corrects MCP_JWT_ISSUER.";
const ENTRA_VERSION: &str = "Microsoft Entra issues tokens of v1.0 or v2.0: set requestedAccessTokenVersion in the manifest of the \
                             API's app registration, or ask the operator to add this issuer to MCP_JWT_ISSUER.";

impl Claims {
    /// Checks `exp` (required), `nbf`, and, where configured, `iss` and `aud` (then required). Returns the expiry.
    pub fn check(&self, now: Timestamp, expected: &Expectations) -> Result<Timestamp, Rejection> {
        let expires_at = self.time("exp")?.ok_or_else(|| {
            Rejection::invalid_with(
                "it has no exp claim, and this server accepts only tokens that expire",
                SET_TIMES,
            )
        })?;
        if expires_at.as_second().saturating_add(LEEWAY_SECONDS) <= now.as_second() {
            return Err(Rejection::Expired { at: expires_at });
        }
        if let Some(not_before) = self.time("nbf")?
            && not_before.as_second().saturating_sub(LEEWAY_SECONDS) > now.as_second()
        {
            return Err(Rejection::invalid_with(
                format!("it is not valid before {not_before} (nbf)"),
                CHECK_CLOCKS,
            ));
        }
        self.check_issuer(&expected.issuers)?;
        self.check_audience(expected)?;
        Ok(expires_at)
    }

    fn time(&self, name: &str) -> Result<Option<Timestamp>, Rejection> {
        let Some(value) = self.first(&[name]) else {
            return Ok(None);
        };
        numeric_date(value).map(Some).ok_or_else(|| {
            let found = match value {
                Value::Number(_) => "a number that is no time",
                other => shown::kind(other),
            };
            let detail = format!("its {name} claim is {found}; expected a number of seconds since 1970");
            Rejection::invalid_with(detail, SET_TIMES)
        })
    }

    fn check_issuer(&self, accepted: &[String]) -> Result<(), Rejection> {
        if accepted.is_empty() {
            return Ok(());
        }
        let expected = format!("this server accepts {} (MCP_JWT_ISSUER)", shown_list(accepted));
        let issuer = match self.first(&["iss"]) {
            Some(Value::String(issuer)) => issuer,
            Some(other) => {
                let detail = format!("its iss claim is {}, and {expected}", shown::kind(other));
                return Err(Rejection::invalid_with(detail, OTHER_ISSUER));
            }
            None => {
                let detail = format!("it has no iss claim, and {expected}");
                return Err(Rejection::invalid_with(detail, OTHER_ISSUER));
            }
        };
        if accepted.contains(issuer) {
            return Ok(());
        }
        let is_entra = |issuer: &str| {
            ["https://sts.windows.net/", "https://login.microsoftonline.com/"]
                .iter()
                .any(|host| issuer.starts_with(host))
        };
        let is_v2 = |issuer: &str| issuer.ends_with("/v2.0");
        let other_version = |other: &String| is_entra(issuer) && is_entra(other) && is_v2(issuer) != is_v2(other);
        let remedy = if accepted
            .iter()
            .any(|other| other.trim_end_matches('/') == issuer.trim_end_matches('/'))
        {
            SLASH
        } else if accepted.iter().any(other_version) {
            ENTRA_VERSION
        } else {
            OTHER_ISSUER
        };
        let detail = format!("its issuer is {}, and {expected}", shown::quoted(issuer));
        Err(Rejection::invalid_with(detail, remedy))
    }

    fn check_audience(&self, expected: &Expectations) -> Result<(), Rejection> {
        let accepted = &expected.audiences;
        if accepted.is_empty() {
            return Ok(());
        }
        let is_accepted = |audience: &str| accepted.iter().any(|one| one == audience);
        let wanted = format!("this server accepts {} (MCP_JWT_AUDIENCE)", shown_list(accepted));
        let (problem, remedy) = match self.first(&["aud"]) {
            Some(Value::String(audience)) if is_accepted(audience) => return Ok(()),
            Some(Value::String(audience)) => (
                format!("it was issued for the audience {}", shown::quoted(audience)),
                OTHER_AUDIENCE,
            ),
            Some(Value::Array(audiences)) if audiences.is_empty() => {
                ("its aud claim is an empty list".to_owned(), SET_AUDIENCE)
            }
            Some(Value::Array(audiences)) => {
                let mut texts = audiences.iter().filter_map(Value::as_str);
                if texts.clone().any(is_accepted) {
                    return Ok(());
                }
                if texts.clone().next().is_none() {
                    ("its aud claim is a list without a string".to_owned(), SET_AUDIENCE)
                } else {
                    let shown = shown::list(texts.by_ref(), ", ");
                    (format!("it was issued for the audience {shown}"), OTHER_AUDIENCE)
                }
            }
            Some(other) => (
                format!(
                    "its aud claim is {}; expected a string or an array of strings",
                    shown::kind(other)
                ),
                SET_AUDIENCE,
            ),
            None => match self.client_of_access_token(expected) {
                Some(client) if is_accepted(client) => return Ok(()),
                Some(client) => (
                    format!("it has no aud claim, and its client_id is {}", shown::quoted(client)),
                    OTHER_AUDIENCE,
                ),
                None => ("it has no aud claim".to_owned(), SET_AUDIENCE),
            },
        };
        let (kind, remedy) = if self.is_id_token() {
            ("; it looks like an ID token", ACCESS_TOKEN)
        } else {
            ("", remedy)
        };
        Err(Rejection::invalid_with(
            format!("{problem}, and {wanted}{kind}"),
            remedy,
        ))
    }

    /// Returns the client of an access token of Amazon Cognito, whose tokens name it instead of an audience.
    fn client_of_access_token(&self, expected: &Expectations) -> Option<&str> {
        let is_access = self.text(&["token_use"]) == Some("access");
        (expected.accepts_client_id && is_access)
            .then(|| self.text(&["client_id"]))
            .flatten()
    }

    /// Whether the claims are those of an ID token (OIDC), which is for its client and not for this server.
    fn is_id_token(&self) -> bool {
        let says_so = self.text(&["token_use"]) == Some("id") || self.text(&["typ"]) == Some("ID");
        says_so || self.first(&["at_hash"]).is_some() || self.first(&["nonce"]).is_some()
    }
}

fn shown_list(accepted: &[String]) -> String {
    shown::list(accepted.iter().map(String::as_str), " or ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn check(claims: Value, issuer: Option<&str>, audience: Option<&str>) -> Result<Timestamp, Rejection> {
        let claims: Claims = serde_json::from_value(claims).unwrap();
        let list = |text: Option<&str>| text.into_iter().map(str::to_owned).collect();
        let expected = Expectations {
            issuers: list(issuer),
            audiences: list(audience),
            accepts_client_id: false,
        };
        claims.check(Timestamp::from_second(NOW).unwrap(), &expected)
    }

    #[test]
    fn exp_is_required_and_has_thirty_seconds_of_grace() {
        assert!(matches!(check(json!({}), None, None), Err(Rejection::Invalid { .. })));
        assert!(matches!(
            check(json!({"exp": null}), None, None),
            Err(Rejection::Invalid { .. })
        ));
        assert!(matches!(
            check(json!({"exp": "soon"}), None, None),
            Err(Rejection::Invalid { .. })
        ));
        assert!(check(json!({"exp": NOW - 29}), None, None).is_ok());
        assert!(check(json!({"exp": NOW + 60}), None, None).is_ok());
        assert!(check(json!({"exp": 1_800_000_060.5}), None, None).is_ok());
        let at = Timestamp::from_second(NOW - 30).unwrap();
        assert_eq!(
            check(json!({"exp": NOW - 30}), None, None),
            Err(Rejection::Expired { at })
        );
    }

    #[test]
    fn nbf_has_the_same_grace() {
        assert!(check(json!({"exp": NOW + 60, "nbf": NOW + 30}), None, None).is_ok());
        assert!(check(json!({"exp": NOW + 60, "nbf": NOW + 31}), None, None).is_err());
        assert!(check(json!({"exp": NOW + 60, "nbf": "x"}), None, None).is_err());
    }

    #[test]
    fn a_configured_issuer_and_audience_are_required_and_exact() {
        let good = json!({"exp": NOW + 60, "iss": "https://i", "aud": ["a", "b"]});
        assert!(check(good.clone(), Some("https://i"), Some("b")).is_ok());
        assert!(check(json!({"exp": NOW + 60, "aud": "b"}), None, Some("b")).is_ok());
        for (issuer, audience) in [(Some("https://i/"), None), (Some("https://I"), None), (None, Some("c"))] {
            assert!(
                check(good.clone(), issuer, audience).is_err(),
                "{issuer:?} {audience:?}"
            );
        }
        let bare = json!({"exp": NOW + 60});
        assert!(
            check(bare.clone(), Some("https://i"), None).is_err(),
            "an absent iss is not a match"
        );
        assert!(check(bare, None, Some("b")).is_err(), "an absent aud is not a match");
    }

    proptest! {
        #[test]
        fn no_time_claim_panics(exp in proptest::num::f64::ANY, nbf in any::<i64>()) {
            let _ = check(json!({"exp": exp, "nbf": nbf}), None, None);
            let _ = check(json!({"exp": nbf, "nbf": exp}), None, None);
        }
    }
}
