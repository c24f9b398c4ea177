//! Rates of calls.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

/// A number of calls per second, minute or hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    pub count: NonZeroU32,
    unit: Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Second,
    Minute,
    Hour,
}

impl Rate {
    /// Returns the time per call.
    #[must_use]
    pub fn period(self) -> Duration {
        let seconds = match self.unit {
            Unit::Second => 1,
            Unit::Minute => 60,
            Unit::Hour => 3600,
        };
        Duration::from_secs(seconds) / self.count.get()
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            Unit::Second => "s",
            Unit::Minute => "min",
            Unit::Hour => "h",
        };
        write!(f, "{}/{unit}", self.count)
    }
}

/// The setting: a rate, or `off`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit(pub Option<Rate>);

impl FromStr for RateLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad =
            || format!("`{text}` is not a rate; expected a number a second, minute or hour, such as 600/min, or off");
        if text.trim().eq_ignore_ascii_case("off") {
            return Ok(Self(None));
        }
        let (count, unit) = text.split_once('/').ok_or_else(bad)?;
        let count = count.trim().parse().map_err(|_| bad())?;
        let unit = match unit.trim().to_ascii_lowercase().as_str() {
            "s" | "sec" | "second" => Unit::Second,
            "m" | "min" | "minute" => Unit::Minute,
            "h" | "hour" => Unit::Hour,
            _ => return Err(bad()),
        };
        Ok(Self(Some(Rate { count, unit })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates() {
        let rate = |text: &str| text.parse::<RateLimit>();
        let period = |text: &str| rate(text).unwrap().0.unwrap().period();
        assert_eq!(period("600/min"), Duration::from_millis(100));
        assert_eq!(period("5/s"), Duration::from_millis(200));
        assert_eq!(period(" 60 / h "), Duration::from_mins(1));
        assert_eq!(rate("600/minute").unwrap().0.unwrap().to_string(), "600/min");
        assert_eq!(rate("off"), Ok(RateLimit(None)));
        for bad in ["", "600", "0/min", "-1/s", "6/day", "x/s", "1.5/s", "600/"] {
            assert!(rate(bad).unwrap_err().contains("such as 600/min"), "{bad}");
        }
    }
}
