//! Checks of a token's time, issuer and audience.

use jiff::Timestamp;
use serde_json::Value;

use super::super::Rejection;
use super::Claims;
use super::numeric_date::numeric_date;

/// The clock difference, in seconds, that `exp` and `nbf` allow for.
const LEEWAY_SECONDS: i64 = 30;

impl Claims {
    /// Checks `exp` (required), `nbf`, and, where configured, `iss` and `aud` (then required). Returns the expiry.
    pub fn check(&self, now: Timestamp, issuer: Option<&str>, audience: Option<&str>) -> Result<Timestamp, Rejection> {
        let expires_at = match self.first(&["exp"]) {
            None => return Err(invalid("it has no exp claim")),
            Some(value) => numeric_date(value).ok_or_else(|| invalid("its exp claim is not a time"))?,
        };
        if expires_at.as_second().saturating_add(LEEWAY_SECONDS) <= now.as_second() {
            return Err(Rejection::Expired { at: expires_at });
        }
        if let Some(value) = self.first(&["nbf"]) {
            let not_before = numeric_date(value).ok_or_else(|| invalid("its nbf claim is not a time"))?;
            if not_before.as_second().saturating_sub(LEEWAY_SECONDS) > now.as_second() {
                return Err(invalid("it is not valid yet"));
            }
        }
        if issuer.is_some_and(|wanted| self.text(&["iss"]) != Some(wanted)) {
            return Err(invalid("its issuer is not the one this server trusts"));
        }
        if audience.is_some_and(|wanted| !self.is_for(wanted)) {
            return Err(invalid("it was issued for another audience than this server"));
        }
        Ok(expires_at)
    }

    fn is_for(&self, audience: &str) -> bool {
        match self.open.get("aud") {
            Some(Value::String(one)) => one == audience,
            Some(Value::Array(many)) => many.iter().any(|one| one.as_str() == Some(audience)),
            _ => false,
        }
    }
}

fn invalid(detail: &str) -> Rejection {
    Rejection::Invalid {
        detail: detail.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn check(claims: Value, issuer: Option<&str>, audience: Option<&str>) -> Result<Timestamp, Rejection> {
        let claims: Claims = serde_json::from_value(claims).unwrap();
        claims.check(Timestamp::from_second(NOW).unwrap(), issuer, audience)
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
