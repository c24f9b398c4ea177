//! Durations and times, as people write and read them.

use jiff::{SignedDuration, Timestamp};

/// Maximum lifetime of a minted token: a token cannot be revoked.
const MAX_TTL_DAYS: u32 = 365;

/// Parses the lifetime of a token: `15m`, `12h`, `30d`, `90s` or a bare number of seconds.
pub(super) fn ttl(text: &str) -> Result<SignedDuration, String> {
    let bad = || format!("`{text}` is not a duration; expected a number with s, m, h or d, such as 12h");
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u32 = number.parse().map_err(|_| bad())?;
    let seconds = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 24 * 3600,
        _ => return Err(bad()),
    };
    let ttl = SignedDuration::from_secs(i64::from(number) * seconds);
    if ttl.is_zero() || ttl > SignedDuration::from_hours(24 * i64::from(MAX_TTL_DAYS)) {
        return Err(format!("`{text}` is not between 1s and {MAX_TTL_DAYS}d"));
    }
    Ok(ttl)
}

/// Formats a time with its distance from now.
pub(super) fn beside(at: Timestamp, now: Timestamp) -> String {
    let distance = SignedDuration::from_secs(at.duration_since(now).as_secs().abs());
    if at > now {
        format!("{at}, in {distance:#}")
    } else {
        format!("{at}, {distance:#} ago")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes() {
        assert_eq!(ttl("90"), Ok(SignedDuration::from_secs(90)));
        assert_eq!(ttl("12h"), Ok(SignedDuration::from_hours(12)));
        assert_eq!(ttl("365d"), Ok(SignedDuration::from_hours(365 * 24)));
        for bad in ["", "h", "1w", "-1h", "1.5h", "0s", "366d", "99999999999"] {
            assert!(ttl(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_time_is_shown_with_its_distance() {
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let later: Timestamp = "2026-11-23T13:30:00Z".parse().unwrap();
        assert_eq!(beside(later, now), "2026-11-23T13:30:00Z, in 1h 30m");
        assert_eq!(beside(now, later), "2026-11-23T12:00:00Z, 1h 30m ago");
    }
}
