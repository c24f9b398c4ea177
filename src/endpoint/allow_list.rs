//! Allow-lists of Host and Origin, the defence against web pages that call a server without their user's knowledge.

use std::str::FromStr as _;
use std::sync::Arc;

use axum::http::HeaderValue;
use axum::http::uri::Authority;
use url::Url;

const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Host names that this server answers to.
#[derive(Debug, Clone)]
pub struct AllowedHosts {
    entries: Arc<[String]>,
    any: bool,
}

impl AllowedHosts {
    /// The loopback names alone.
    #[must_use]
    pub fn loopback() -> Self {
        Self {
            entries: LOOPBACK.map(str::to_owned).into(),
            any: false,
        }
    }

    /// The loopback names and these. An entry with a port covers that port only; `*` alone covers everything, for proxies
    /// that check Host themselves.
    pub fn new(configured: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let configured = configured
            .into_iter()
            .map(|text| host_entry(&text))
            .filter(|entry| entry.as_deref() != Ok(""));
        let entries = LOOPBACK
            .into_iter()
            .map(|name| Ok(name.to_owned()))
            .chain(configured)
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            any: entries.iter().any(|entry| entry == "*"),
            entries: entries.into(),
        })
    }

    /// Whether the authority of a request is one of these.
    #[must_use]
    pub fn allows(&self, authority: &str) -> bool {
        let Ok(authority) = Authority::from_str(authority) else {
            return false;
        };
        if authority.as_str().contains('@') {
            return false;
        }
        let whole = authority.as_str().to_ascii_lowercase();
        self.any
            || self
                .entries
                .iter()
                .any(|entry| *entry == whole || entry.eq_ignore_ascii_case(authority.host()))
    }
}

/// An entry in lower case, if it can match anything.
fn host_entry(text: &str) -> Result<String, String> {
    let entry = text.trim().to_ascii_lowercase();
    let is_authority = Authority::from_str(&entry).is_ok_and(|authority| {
        let port = authority.as_str().strip_prefix(authority.host()).unwrap_or_default();
        let is_port = port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
        is_port && !authority.as_str().contains('@')
    });
    if entry.is_empty() || entry == "*" || (is_authority && !entry.contains('*')) {
        return Ok(entry);
    }
    Err(format!(
        "`{text}` is not a host name; expected names such as mcp.example.com or mcp.example.com:8443, or * alone"
    ))
}

/// Browser origins that may call this server.
#[derive(Debug, Clone)]
pub struct AllowedOrigins(Arc<[Entry]>);

#[derive(Debug)]
struct Entry {
    scheme: String,
    host: String,
    port: Port,
}

#[derive(Debug, PartialEq, Eq)]
enum Port {
    Any,
    /// Schemes other than `http` and `https` have no default.
    Unspecified,
    Number(u16),
}

impl Port {
    fn of(url: &Url) -> Self {
        url.port_or_known_default().map_or(Self::Unspecified, Self::Number)
    }
}

impl AllowedOrigins {
    /// Origins of any scheme, such as `https://app.example.com`, `http://localhost:*` or `vscode-webview://panel`. They are
    /// compared exactly; only a port may be `*`.
    pub fn new(configured: &[String]) -> Result<Self, String> {
        let texts = configured
            .iter()
            .map(|text| text.trim())
            .filter(|text| !text.is_empty());
        texts
            .map(Entry::parse)
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
                && (entry.port == Port::Any || entry.port == Port::of(&url))
        })
    }
}

impl Entry {
    fn parse(text: &str) -> Result<Self, String> {
        let bad = || {
            format!(
                "`{text}` is not an origin; expected one such as https://app.example.com or chrome-extension://ID, without \
                 a path and without wildcards but for the port"
            )
        };
        let (rest, any_port) = text.strip_suffix(":*").map_or((text, false), |rest| (rest, true));
        let url = Url::parse(rest).map_err(|_| bad())?;
        let is_bare = matches!(url.path(), "" | "/")
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
            && !rest.ends_with('/');
        // Browsers have no origin of their own for files, and these schemes have no host.
        let host = url
            .host_str()
            .filter(|host| is_bare && !host.is_empty() && !host.contains('*'))
            .ok_or_else(bad)?;
        let port = if any_port { Port::Any } else { Port::of(&url) };
        Ok(Self {
            scheme: url.scheme().to_owned(),
            host: host.to_owned(),
            port,
        })
    }
}

/// Parses an origin: a scheme, a host and perhaps a port (RFC 6454 section 6.1), and nothing that only a URL has.
fn parse(origin: &HeaderValue) -> Option<Url> {
    let text = origin.to_str().ok()?;
    let (_, authority) = text.split_once("://")?;
    let is_origin = !authority.is_empty() && !authority.contains(['/', '\\', '@', '?', '#']);
    Url::parse(text).ok().filter(|_| is_origin)
}

/// Whether an origin is the very host that the request was sent to.
#[must_use]
pub fn is_same_host(origin: &HeaderValue, authority: &str) -> bool {
    let Some(url) = parse(origin).filter(|url| matches!(url.scheme(), "http" | "https")) else {
        return false;
    };
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
        let hosts = AllowedHosts::new(["mcp.example.com".to_owned(), "other:8443".to_owned()]).unwrap();
        for good in [
            "localhost",
            "LOCALHOST:9",
            "127.0.0.1:8000",
            "[::1]:8000",
            "mcp.example.com:443",
            "other:8443",
        ] {
            assert!(hosts.allows(good), "{good}");
        }
        for bad in [
            "evil.example.com",
            "other",
            "other:1",
            "mcp.example.com.evil.com",
            "",
            "a b",
            "localhost@evil.com",
        ] {
            assert!(!hosts.allows(bad), "{bad}");
        }
        assert!(
            AllowedHosts::new(["*".to_owned()])
                .unwrap()
                .allows("anything.example.com")
        );
        for bad in [
            "*.example.com",
            "https://mcp.example.com",
            "a b",
            "user@host",
            "a:99999",
            "[::1]:x",
        ] {
            assert!(AllowedHosts::new([bad.to_owned()]).is_err(), "{bad}");
        }
    }

    #[test]
    fn origins_match_exactly() {
        let origins = AllowedOrigins::new(&["https://app.example.com".into(), "http://localhost:*".into()]).unwrap();
        let allows = |text: &str| origins.allows(&HeaderValue::from_str(text).unwrap());
        assert!(allows("https://app.example.com") && allows("https://app.example.com:443"));
        assert!(allows("http://localhost") && allows("http://localhost:6274"));
        for bad in [
            "http://app.example.com",
            "https://app.example.com:8443",
            "https://x.app.example.com",
            "null",
            "",
            "https://app.example.com/",
            "https://user@app.example.com",
            "https:app.example.com",
            "https://app.example.com\\@evil.com",
        ] {
            assert!(!allows(bad), "{bad}");
        }
        for bad in [
            "app.example.com",
            "https://a/b",
            "https://a/",
            "*",
            "null",
            "file:///",
            "https://*.example.com",
        ] {
            assert!(AllowedOrigins::new(&[bad.into()]).is_err(), "{bad}");
        }
    }

    #[test]
    fn origins_of_extensions_and_apps_match_exactly() {
        let listed = [
            "chrome-extension://abcdefghijklmnop",
            "moz-extension://0f2c6c0e-2d5c-4b6e-9d0a-0123456789ab",
            "vscode-webview://1h3kqqm",
            "tauri://localhost",
            "app://obsidian.md",
        ];
        let origins = AllowedOrigins::new(&listed.map(str::to_owned)).unwrap();
        for origin in listed {
            assert!(origins.allows(&HeaderValue::from_static(origin)), "{origin}");
        }
        for bad in [
            "chrome-extension://other",
            "moz-extension://abcdefghijklmnop",
            "tauri://localhost:1",
            "app://obsidian.md.evil",
        ] {
            assert!(!origins.allows(&HeaderValue::from_static(bad)), "{bad}");
        }
    }

    #[test]
    fn the_own_host_is_no_foreign_origin() {
        let origin = HeaderValue::from_static("http://localhost:8000");
        assert!(is_same_host(&origin, "localhost:8000"));
        assert!(!is_same_host(&origin, "localhost:8001"));
        for bad in [
            "null",
            "ftp://localhost:8000",
            "http://user@localhost:8000",
            "http://localhost:8000/path",
        ] {
            assert!(!is_same_host(&HeaderValue::from_static(bad), "localhost:8000"), "{bad}");
        }
    }
}
