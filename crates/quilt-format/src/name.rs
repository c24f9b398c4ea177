//! Package names.

use std::fmt;
use std::str::FromStr;

/// A package's name, `namespace/name`.
///
/// quilt3 takes Unicode word characters and, because of Python's `$`, a newline at the end (`util.validate_package_name`).
/// Here new names are ASCII, which every part of the platform reads alike; names that exist are taken as listed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PackageName(String);

/// Not a name of a package.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{shown}` is not a package name; expected namespace/name, each of a-z A-Z 0-9 _ -")]
pub struct InvalidName {
    shown: String,
}

impl PackageName {
    /// A name that a listing gave: any two segments.
    pub fn listed(text: &str) -> Result<Self, InvalidName> {
        let valid = text
            .split_once('/')
            .is_some_and(|(namespace, name)| !namespace.is_empty() && !name.is_empty() && !name.contains('/'));
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidName::of(text))
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl InvalidName {
    fn of(text: &str) -> Self {
        Self {
            shown: text.chars().take(80).collect(),
        }
    }
}

impl FromStr for PackageName {
    type Err = InvalidName;

    /// A name that may be created.
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let word = |part: &str| {
            part.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        };
        let name = Self::listed(text)?;
        if name.0.split('/').all(word) {
            Ok(name)
        } else {
            Err(InvalidName::of(text))
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
            assert_eq!(PackageName::listed(good).unwrap().as_str(), good);
        }
        for bad in ["a", "a/b/c", "/b", "a/"] {
            assert!(PackageName::listed(bad).is_err(), "{bad}");
        }
    }
}
