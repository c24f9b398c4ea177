//! The allow-lists of Host and Origin: the defence against pages that call a server behind the user's back.

use std::str::FromStr as _;
use std::sync::Arc;

use axum::http::HeaderValue;
use axum::http::uri::Authority;
use url::Url;

/// Names under which this server may be called.
#[derive(Debug, Clone)]
pub struct AllowedHosts {
    entries: Arc<[String]>,
    any: bool,
}

impl AllowedHosts {
    /// The loopback names and these. An entry with a port covers that port only; `*` covers everything, for proxies that
    /// check Host themselves.
    #[must_use]
    pub fn new(configured: impl IntoIterator<Item = String>) -> Self {
        let loopback = ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned);
        let entries: Vec<String> =
            loopback.into_iter().chain(configured).map(|entry| entry.trim().to_ascii_lowercase()).collect();
        Self { any: entries.iter().any(|entry| entry == "*"), entries: entries.into() }
    }

    /// Whether the authority of a request is one of these.
    #[must_use]
    pub fn allows(&self, authority: &str) -> bool {
        let Ok(authority) = Authority::from_str(authority) else { return false };
        let whole = authority.as_str().to_ascii_lowercase();
        self.any || self.entries.iter().any(|entry| *entry == whole || entry.eq_ignore_ascii_case(authority.host()))
    }
}

/// Browser origins that may call this server.
#[derive(Debug, Clone)]
pub struct AllowedOrigins(Arc<[Entry]>);

#[derive(Debug)]
struct Entry {
    scheme: String,
    host: String,
    /// `None` for any port.
    port: Option<u16>,
}

impl AllowedOrigins {
    /// Origins such as `https://app.example.com`, `http://localhost:5173` or `http://localhost:*`.
    pub fn new(configured: &[String]) -> Result<Self, String> {
        configured
            .iter()
            .map(|text| Entry::parse(text.trim()))
            .collect::<Result<Vec<_>, _>>()
            .map(|list| Self(list.into()))
    }

    /// Whether a request's `Origin` is one of these.
    #[must_use]
    pub fn allows(&self, origin: &HeaderValue) -> bool {
        let Some(url) = parse(origin) else { return false };
        self.0.iter().any(|entry| {
            entry.scheme == url.scheme()
                && Some(entry.host.as_str()) == url.host_str()
                && entry.port.is_none_or(|port| Some(port) == url.port_or_known_default())
        })
    }
}

impl Entry {
    fn parse(text: &str) -> Result<Self, String> {
        let bad = || format!("`{text}` is not an origin; expected one such as https://app.example.com");
        let (rest, any_port) = text.strip_suffix(":*").map_or((text, false), |rest| (rest, true));
        let url = Url::parse(rest).map_err(|_| bad())?;
        let is_bare = url.path() == "/" && url.query().is_none() && !rest.ends_with('/');
        let host = url.host_str().filter(|_| is_bare && matches!(url.scheme(), "http" | "https")).ok_or_else(bad)?;
        let port = if any_port { None } else { url.port_or_known_default() };
        Ok(Self { scheme: url.scheme().to_owned(), host: host.to_owned(), port })
    }
}

fn parse(origin: &HeaderValue) -> Option<Url> {
    Url::parse(origin.to_str().ok()?).ok()
}

/// Whether an origin is the very host that the request was sent to.
#[must_use]
pub fn is_same_host(origin: &HeaderValue, authority: &str) -> bool {
    let Some(url) = parse(origin) else { return false };
    let own = match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => return false,
    };
    own.eq_ignore_ascii_case(authority)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_match_by_name_and_by_port_where_given() {
        let hosts = AllowedHosts::new(["mcp.example.com".to_owned(), "other:8443".to_owned()]);
        for good in ["localhost", "LOCALHOST:9", "127.0.0.1:8000", "[::1]:8000", "mcp.example.com:443", "other:8443"] {
            assert!(hosts.allows(good), "{good}");
        }
        for bad in ["evil.example.com", "other", "other:1", "mcp.example.com.evil.com", "", "a b", "localhost@evil.com"]
        {
            assert!(!hosts.allows(bad), "{bad}");
        }
        assert!(AllowedHosts::new(["*".to_owned()]).allows("anything.example.com"));
    }

    #[test]
    fn origins_match_exactly() {
        let origins = AllowedOrigins::new(&["https://app.example.com".into(), "http://localhost:*".into()]).unwrap();
        let allows = |text: &str| origins.allows(&HeaderValue::from_str(text).unwrap());
        assert!(allows("https://app.example.com") && allows("https://app.example.com:443"));
        assert!(allows("http://localhost") && allows("http://localhost:6274"));
        for bad in ["http://app.example.com", "https://app.example.com:8443", "https://x.app.example.com", "null", ""] {
            assert!(!allows(bad), "{bad}");
        }
        for bad in ["app.example.com", "https://a/b", "https://a/", "*", "ftp://a"] {
            assert!(AllowedOrigins::new(&[bad.into()]).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_own_host_is_no_foreign_origin() {
        let origin = HeaderValue::from_static("http://localhost:8000");
        assert!(is_same_host(&origin, "localhost:8000"));
        assert!(!is_same_host(&origin, "localhost:8001"));
        assert!(!is_same_host(&HeaderValue::from_static("null"), "localhost"));
    }
}
