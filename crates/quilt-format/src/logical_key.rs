//! Logical keys: the paths of entries in their package.
//!
//! **Owns** the rules for new keys and the order in which a package is traversed and hashed.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// The path of an entry in its package.
///
/// Keys are ordered as quilt3 traverses a package (`Package.walk`): by path segments, each compared by code point. All keys
/// under `a/` therefore come after `a` and before `a!`, `a-b` and `a.txt`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LogicalKey(String);

/// An error for a logical key that a new entry must not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// Occurs when the key is empty or ends in a slash.
    #[error("the logical key `{0}` names no file; it must not be empty or end in `/`")]
    NotAFile(String),
    /// Occurs when a path segment is empty, `.` or `..`.
    #[error("the logical key `{0}` has a path segment that is empty, `.` or `..`")]
    Segment(String),
}

impl LogicalKey {
    /// Wraps a key of an existing manifest without checking it, as quilt3 does.
    #[must_use]
    pub fn from_manifest(text: String) -> Self {
        Self(text)
    }

    /// Returns the key as a string.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether `other` is in the directory of this name.
    #[must_use]
    pub fn is_ancestor_of(&self, other: &Self) -> bool {
        other.0.strip_prefix(&self.0).is_some_and(|rest| rest.starts_with('/'))
    }
}

impl FromStr for LogicalKey {
    type Err = InvalidKey;

    /// Parses a key for a new entry, with the rules of quilt3's `Package._set` and `util.validate_key`.
    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let excerpt = || text.chars().take(80).collect();
        if text.is_empty() || text.ends_with('/') {
            return Err(InvalidKey::NotAFile(excerpt()));
        }
        if text.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
            return Err(InvalidKey::Segment(excerpt()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl Ord for LogicalKey {
    fn cmp(&self, other: &Self) -> Ordering {
        tree_order(self.0.as_bytes(), other.0.as_bytes())
    }
}

impl PartialOrd for LogicalKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for LogicalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Compares two keys in UTF-8 by their order in a package's tree.
fn tree_order(a: &[u8], b: &[u8]) -> Ordering {
    order_after_prefix(a, b, common_prefix_len(a, b))
}

/// Returns the length of the common prefix of two keys, comparing eight bytes at a time: adjacent keys share long prefixes.
pub(crate) fn common_prefix_len(a: &[u8], b: &[u8]) -> usize {
    let (mut left, mut right) = (a, b);
    while let (Some((eight, rest_left)), Some((other, rest_right))) =
        (left.split_first_chunk::<8>(), right.split_first_chunk::<8>())
        && eight == other
    {
        (left, right) = (rest_left, rest_right);
    }
    a.len() - left.len() + left.iter().zip(right).take_while(|(a, b)| a == b).count()
}

/// Compares two keys whose common prefix has the given length.
pub(crate) fn order_after_prefix(a: &[u8], b: &[u8], common_prefix_len: usize) -> Ordering {
    // The end of a segment sorts before every character, so `/` is less than all of them. The byte order of UTF-8 is the
    // order of code points.
    let rank = |b: u8| if b == b'/' { None } else { Some(b) };
    match (a.get(common_prefix_len), b.get(common_prefix_len)) {
        (Some(a), Some(b)) => rank(*a).cmp(&rank(*b)),
        _ => a.len().cmp(&b.len()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn new_keys_are_checked_as_quilt3_checks_them() {
        for good in ["a", "a/b", ".a", "...", "a\\b", "a\nb", ".quilt/x"] {
            assert_eq!(good.parse::<LogicalKey>().unwrap().as_str(), good);
        }
        for bad in ["", "/a", "a/", "a//b", ".", "..", "a/../b", "a/./b"] {
            assert!(bad.parse::<LogicalKey>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_segments(
            common in "[/a]{0,20}", a in "[/!a.é\u{0}]{0,12}", b in "[/!a.é\u{0}]{0,12}",
        ) {
            let (a, b) = (format!("{common}{a}"), format!("{common}{b}"));
            let by_segments = a.split('/').collect::<Vec<_>>().cmp(&b.split('/').collect());
            prop_assert_eq!(LogicalKey(a).cmp(&LogicalKey(b)), by_segments);
        }
    }
}
