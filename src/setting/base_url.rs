//! Base URLs of other services.

use std::fmt;
use std::str::FromStr;

use url::Url;

/// An absolute `http` or `https` URL without query, fragment, user name or trailing slash.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BaseUrl(Url);

impl BaseUrl {
    /// Returns the URL of a path below this one. `path` begins with `/`.
    #[must_use]
    pub fn join(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}{path}"));
        url
    }

    /// Returns the URL of the host, without a path.
    #[must_use]
    pub fn origin(&self) -> Self {
        let mut url = self.0.clone();
        url.set_path("");
        Self(url)
    }

    /// Returns the path without a trailing slash; empty for the root.
    #[must_use]
    pub fn path(&self) -> String {
        self.0.path().trim_end_matches('/').to_owned()
    }

    /// Returns the host name or address in lower case.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// Whether the connection is encrypted, or cannot leave this machine.
    #[must_use]
    pub fn is_safe_for_tokens(&self) -> bool {
        self.0.scheme() == "https" || self.is_loopback()
    }

    /// Whether the URL is at `allowed`, which is a host, or a host and a port.
    #[must_use]
    pub fn is_at(&self, allowed: &str) -> bool {
        let allowed = allowed.trim();
        let with_port = self
            .0
            .port_or_known_default()
            .map(|port| format!("{}:{port}", self.host()));
        allowed.eq_ignore_ascii_case(self.host()) || with_port.is_some_and(|own| own.eq_ignore_ascii_case(allowed))
    }

    /// Returns the IP address if the host is not a name.
    #[must_use]
    pub fn ip(&self) -> Option<std::net::IpAddr> {
        match self.0.host()? {
            url::Host::Ipv4(ip) => Some(ip.into()),
            url::Host::Ipv6(ip) => Some(ip.into()),
            url::Host::Domain(_) => None,
        }
    }

    /// Whether the host is this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
            Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        }
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for BaseUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = "expected an absolute URL such as https://catalog.example.com";
        // The text before an @ may be a password, so the value is not repeated.
        let shown = if text.contains('@') { "this" } else { text };
        let url = Url::parse(text.trim()).map_err(|e| format!("`{shown}` is not a URL ({e}); {expected}"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(format!("`{shown}` is not an http or https URL; {expected}"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(format!("a URL must not have a user name or password; {expected}"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(format!("`{shown}` has a query or fragment; {expected}"));
        }
        Ok(Self(url))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_paths_whether_or_not_the_base_ends_in_a_slash() {
        for base in ["https://r.example.com", "https://r.example.com/"] {
            let url: BaseUrl = base.parse().unwrap();
            assert_eq!(url.join("/api/x").as_str(), "https://r.example.com/api/x");
            assert_eq!(url.to_string(), "https://r.example.com");
        }
        let nested: BaseUrl = "https://h/base/".parse().unwrap();
        assert_eq!(nested.join("/graphql").as_str(), "https://h/base/graphql");
    }

    #[test]
    fn refuses_what_is_not_a_base_url() {
        for bad in [
            "catalog.example.com",
            "ftp://h",
            "https://u:p@h",
            "https://h/?a=b",
            "https://h/#f",
            "",
        ] {
            assert!(bad.parse::<BaseUrl>().is_err(), "{bad}");
        }
        for with_password in ["https://u:hunter2@h", "https://u:hunter2@h:99999", "ftp://u:hunter2@h"] {
            assert!(!with_password.parse::<BaseUrl>().unwrap_err().contains("hunter2"));
        }
    }
}
