//! Parsers of values. Each error states the problem and the expected format.

use std::time::Duration;

use secrecy::SecretString;

/// Maximum duration of a setting.
const MAX_DURATION: Duration = Duration::from_hours(24);

/// Parses a secret. It never fails, so no error message contains the value; the length is checked later.
pub fn secret(text: &str) -> Result<SecretString, String> {
    Ok(SecretString::from(text))
}

/// Maximum length of a line of text, in characters.
const MAX_LINE_CHARS: usize = 300;

/// Parses a short text of one line, which people read.
pub fn line(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.chars().any(char::is_control) {
        return Err("it has control characters or line breaks; expected one line of text".to_owned());
    }
    if text.chars().count() > MAX_LINE_CHARS {
        return Err(format!("it is longer than {MAX_LINE_CHARS} characters"));
    }
    Ok(text.to_owned())
}

/// Parses a switch: `true` or `false` in any case, or `1`, `0`, `yes`, `no`, `on`, `off`.
pub fn switch(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err(format!("`{text}` is not one of the expected values: true, false")),
    }
}

/// Levels of the log, with the names that other languages have for them.
const LOG_LEVELS: [(&str, &[&str]); 6] = [
    ("off", &["none", "silent"]),
    (
        "error",
        &[
            "err",
            "severe",
            "critical",
            "crit",
            "fatal",
            "alert",
            "emerg",
            "emergency",
            "panic",
        ],
    ),
    ("warn", &["warning"]),
    ("info", &["information", "informational", "notice", "config"]),
    ("debug", &["fine", "verbose"]),
    ("trace", &["finer", "finest", "all", "silly"]),
];

/// Parses a log filter: a level, in the spelling of any language, or `target=level` pairs, separated by commas. Returns it
/// with the levels' own names. A word that is neither a level nor a module of this program is refused: the filter would take
/// it for the name of a target, and switch everything else off.
pub fn log_filter(text: &str) -> Result<String, String> {
    let level = |name: &str| {
        let name = name.trim().to_ascii_lowercase();
        let is_it = |(level, others): &&(&str, &[&str])| *level == name || others.contains(&name.as_str());
        LOG_LEVELS.iter().find(is_it).map(|(level, _)| (*level).to_owned())
    };
    let is_module = |name: &str| {
        ["quilt_mcp", "quilt_format", "embedded_aws"]
            .iter()
            .any(|own| name.starts_with(own))
    };
    let directive = |directive: &str| match directive.split_once('=') {
        Some((target, name)) => level(name).map(|level| format!("{}={level}", target.trim())),
        None => level(directive).or_else(|| is_module(directive).then(|| directive.to_owned())),
    };
    let directives = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let read: Option<Vec<String>> = directives.map(directive).collect();
    match read {
        Some(read) if !read.is_empty() => Ok(read.join(",")),
        _ => Err(format!(
            "`{text}` is not a log filter; expected off, error, warn, info, debug or trace, or target=level pairs such as \
             info,quilt_mcp::credentials=debug"
        )),
    }
}

/// Parses a duration: `50s`, `500ms`, `2m` or a bare number of seconds.
pub fn duration(text: &str) -> Result<Duration, String> {
    let bad = || format!("`{text}` is not a duration; expected a number with ms, s or m, such as 50s");
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| bad())?;
    let duration = match unit.to_ascii_lowercase().as_str() {
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
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
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
    let text = text.trim();
    if text.eq_ignore_ascii_case("localhost") {
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
    fn log_filters() {
        for (text, filter) in [
            ("info", "info"),
            ("INFO", "info"),
            ("WARNING", "warn"),
            ("critical", "error"),
            ("Information", "info"),
            (" debug , quilt_mcp::aws = TRACE ", "debug,quilt_mcp::aws=trace"),
            ("quilt_mcp::credentials", "quilt_mcp::credentials"),
            ("none", "off"),
        ] {
            let read = log_filter(&text.replace(" = ", "=")).unwrap();
            assert_eq!(read, filter, "{text}");
        }
        for bad in ["", ",", "loud", "info,lod", "quilt_mcp=loud", "20"] {
            assert!(log_filter(bad).unwrap_err().contains("warn, info"), "{bad}");
        }
    }

    #[test]
    fn switches() {
        for (text, value) in [
            ("true", true),
            ("TRUE", true),
            ("1", true),
            ("Off", false),
            ("no ", false),
        ] {
            assert_eq!(switch(text), Ok(value), "{text}");
        }
        for bad in ["", "maybe", "2"] {
            assert!(switch(bad).is_err(), "{bad}");
        }
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
