//! Package names.

use std::fmt;
use std::str::FromStr;

/// The name of a package, `namespace/name`.
///
/// quilt3 accepts Unicode word characters and, because of Python's `$`, a trailing newline (`util.validate_package_name`).
/// Here, new names must be ASCII, which all parts of the Quilt platform treat alike; names of existing packages are accepted
/// as they are.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PackageName(String);

/// Occurs when a string is not a package name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{excerpt}` is not a package name; expected namespace/name, each of a-z A-Z 0-9 _ -")]
pub struct InvalidName {
    excerpt: String,
}

impl PackageName {
    /// Parses the name of an existing package: any two non-empty segments.
    pub fn from_listing(text: &str) -> Result<Self, InvalidName> {
        let valid = text
            .split_once('/')
            .is_some_and(|(namespace, name)| !namespace.is_empty() && !name.is_empty() && !name.contains('/'));
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidName::new(text))
        }
    }

    /// Returns a name that was entered without the spaces and tabs around it. A newline at its end stays, because a name may
    /// have one.
    #[must_use]
    pub fn trimmed(entered: &str) -> &str {
        entered.trim_matches([' ', '\t'])
    }

    /// Returns the name as a string.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl InvalidName {
    fn new(text: &str) -> Self {
        Self {
            excerpt: text.chars().take(80).collect(),
        }
    }
}

impl FromStr for PackageName {
    type Err = InvalidName;

    /// Parses a name for a new package.
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let is_valid = |part: &str| {
            part.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        };
        let name = Self::from_listing(text)?;
        if name.0.split('/').all(is_valid) {
            Ok(name)
        } else {
            Err(InvalidName::new(text))
        }
    }
}

impl fmt::Display for PackageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_names_are_ascii() {
        for good in ["a/b", "a-b/c_d", "A9/_-"] {
            assert_eq!(good.parse::<PackageName>().unwrap().as_str(), good);
        }
        for bad in [
            "a/b/c",
            "a",
            "a.b/c",
            "é/日本",
            "a/b\n",
            "/b",
            "a/",
            "ａ/b",
            "a b/c",
            "٣/x",
            "",
        ] {
            assert!(bad.parse::<PackageName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn names_that_exist_are_taken_as_listed() {
        for good in ["é/日本", "a.b/c", "a/b\n"] {
            assert_eq!(PackageName::from_listing(good).unwrap().as_str(), good);
        }
        for bad in ["a", "a/b/c", "/b", "a/"] {
            assert!(PackageName::from_listing(bad).is_err(), "{bad}");
        }
    }
}
