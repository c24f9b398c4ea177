//! Parsers of values. Each error states the problem and the expected format.

use std::time::Duration;

use secrecy::SecretString;

/// Maximum duration of a setting.
const MAX_DURATION: Duration = Duration::from_hours(24);

/// Parses a secret. It never fails, so no error message contains the value; the length is checked later.
pub fn secret(text: &str) -> Result<SecretString, String> {
    Ok(SecretString::from(text))
}

/// Parses a duration: `50s`, `500ms`, `2m` or a bare number of seconds.
pub fn duration(text: &str) -> Result<Duration, String> {
    let bad = || format!("`{text}` is not a duration; expected a number with ms, s or m, such as 50s");
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| bad())?;
    let duration = match unit {
        "" | "s" => Duration::from_secs(number),
        "ms" => Duration::from_millis(number),
        "m" => Duration::from_secs(number.saturating_mul(60)),
        _ => return Err(bad()),
    };
    if duration.is_zero() || duration > MAX_DURATION {
        return Err(format!(
            "`{text}` is out of range; expected more than 0s and at most 24 hours"
        ));
    }
    Ok(duration)
}

/// Parses a size in bytes: `8MiB`, `512KiB`, `1GiB` or a bare number.
pub fn bytes(text: &str) -> Result<usize, String> {
    let bad = || format!("`{text}` is not a size; expected a number with KiB, MiB or GiB, such as 8MiB");
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: usize = number.parse().map_err(|_| bad())?;
    let factor = match unit.trim() {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(bad()),
    };
    number.checked_mul(factor).filter(|size| *size > 0).ok_or_else(bad)
}

/// Parses a positive integer.
pub fn count(text: &str) -> Result<usize, String> {
    text.trim()
        .parse()
        .ok()
        .filter(|n| *n > 0)
        .ok_or_else(|| format!("`{text}` is not a positive integer; expected one such as 256"))
}

/// Parses a port. 0 selects a free one.
pub fn port(text: &str) -> Result<u16, String> {
    text.trim()
        .parse()
        .map_err(|_| format!("`{text}` is not a port; expected 0 to 65535, such as 8000"))
}

/// Parses a socket address.
pub fn socket(text: &str) -> Result<std::net::SocketAddr, String> {
    text.trim()
        .parse()
        .map_err(|_| format!("`{text}` is not an address with a port; expected one such as 127.0.0.1:9090"))
}

/// Parses an IP address or `localhost`.
pub fn ip(text: &str) -> Result<std::net::IpAddr, String> {
    if text == "localhost" {
        return Ok(std::net::Ipv4Addr::LOCALHOST.into());
    }
    text.parse()
        .map_err(|_| format!("`{text}` is not an IP address; expected one such as 127.0.0.1 or 0.0.0.0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(duration("50s"), Ok(Duration::from_secs(50)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("2m"), Ok(Duration::from_mins(2)));
        assert_eq!(duration("7"), Ok(Duration::from_secs(7)));
        assert!(duration("0s").is_err());
        assert!(duration("5h").unwrap_err().contains("such as 50s"));
        assert!(duration("").is_err());
    }

    #[test]
    fn sizes() {
        assert_eq!(bytes("8MiB"), Ok(8 << 20));
        assert_eq!(bytes("512 KiB"), Ok(512 << 10));
        assert_eq!(bytes("17"), Ok(17));
        assert!(bytes("8MB").is_err());
        assert!(bytes("99999999999GiB").is_err());
    }
}
