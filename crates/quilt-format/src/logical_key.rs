//! Logical keys: where an entry stands in its package's tree.
//!
//! Owns the rules for new keys and the order in which a package is walked and hashed.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// The path of an entry in its package.
///
/// Ordered as quilt3 walks a package (`Package.walk`): by path segments, each compared by code point. So everything under
/// `a/` comes before `a!`, `a-b` and `a.txt`, and after `a`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LogicalKey(String);

/// Not a key that an entry may be given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// Name a file.
    #[error("the logical key `{0}` names no file; it must not be empty or end in `/`")]
    NotAFile(String),
    /// Write the path without them.
    #[error("the logical key `{0}` has a path segment that is empty, `.` or `..`")]
    Segment(String),
}

impl LogicalKey {
    /// A key that stands in a manifest. quilt3 does not check the keys that it reads.
    #[must_use]
    pub fn found(text: String) -> Self {
        Self(text)
    }

    /// The key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `other` lies in the tree under this key, so that this one would have to be a directory.
    #[must_use]
    pub fn is_ancestor_of(&self, other: &Self) -> bool {
        other.0.strip_prefix(&self.0).is_some_and(|rest| rest.starts_with('/'))
    }
}

impl FromStr for LogicalKey {
    type Err = InvalidKey;

    /// A key that may be created: quilt3's `Package._set` and `util.validate_key`.
    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let shown = || text.chars().take(80).collect();
        if text.is_empty() || text.ends_with('/') {
            return Err(InvalidKey::NotAFile(shown()));
        }
        if text.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
            return Err(InvalidKey::Segment(shown()));
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

/// The order of two keys, which are UTF-8, in a package's tree.
fn tree_order(a: &[u8], b: &[u8]) -> Ordering {
    order_behind(a, b, in_common(a, b))
}

/// How many bytes two keys have in common at the front. Neighbours have many.
pub(crate) fn in_common(a: &[u8], b: &[u8]) -> usize {
    let (mut left, mut right) = (a, b);
    while let (Some((eight, behind_left)), Some((other, behind_right))) =
        (left.split_first_chunk::<8>(), right.split_first_chunk::<8>())
        && eight == other
    {
        (left, right) = (behind_left, behind_right);
    }
    a.len() - left.len() + left.iter().zip(right).take_while(|(a, b)| a == b).count()
}

/// The order of two keys that have so many bytes in common.
pub(crate) fn order_behind(a: &[u8], b: &[u8], in_common: usize) -> Ordering {
    // A segment's end comes before every character, so `/` is taken as less than all of them. UTF-8's order of bytes is the
    // order of code points.
    let rank = |b: u8| if b == b'/' { None } else { Some(b) };
    match (a.get(in_common), b.get(in_common)) {
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
