//! Ordered listings of keys, with common prefixes and pages. The keys under a common prefix are skipped with one seek,
//! regardless of their number.

use std::collections::{BTreeMap, btree_map};
use std::ops::Bound;

/// The greatest character: a prefix followed by it sorts after every key that starts with the prefix.
const GREATEST: char = char::MAX;

/// The position at which a listing starts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum ListStart {
    /// At the first key.
    #[default]
    First,
    /// After this key.
    AfterKey(String),
    /// After all keys with this prefix.
    AfterPrefix(String),
    /// At this key, whose remaining versions or uploads follow.
    At(String),
}

impl ListStart {
    /// Returns the position after `marker`. A marker that is a common prefix stands for all keys under it.
    pub fn marker(marker: Option<&str>, prefix: &str, delimiter: Option<&str>) -> Self {
        match (marker, delimiter) {
            (None | Some(""), _) => Self::First,
            (Some(marker), Some(delimiter)) if common_prefix(marker, prefix, delimiter) == Some(marker) => {
                Self::AfterPrefix(marker.to_owned())
            }
            (Some(marker), _) => Self::AfterKey(marker.to_owned()),
        }
    }

    fn bound(&self, prefix: &str) -> Bound<String> {
        let bound = match self {
            Self::First => return Bound::Included(prefix.to_owned()),
            Self::AfterKey(key) => Bound::Excluded(key.clone()),
            Self::AfterPrefix(common_prefix) => Bound::Excluded(format!("{common_prefix}{GREATEST}")),
            Self::At(key) => Bound::Included(key.clone()),
        };
        match bound {
            Bound::Included(at) | Bound::Excluded(at) if at.as_str() < prefix => Bound::Included(prefix.to_owned()),
            bound => bound,
        }
    }
}

/// Returns the common prefix under which `key` is listed, if it has one.
fn common_prefix<'a>(key: &'a str, prefix: &str, delimiter: &str) -> Option<&'a str> {
    let rest = key.strip_prefix(prefix)?;
    let at = rest.find(delimiter)?;
    key.get(..prefix.len() + at + delimiter.len())
}

/// One item of a listing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ListItem<'a, T> {
    Key(&'a str, &'a T),
    Prefix(&'a str),
}

/// An iterator over the items of a listing, in order and not limited to a page.
pub(crate) struct Scan<'a, T, F> {
    map: &'a BTreeMap<String, T>,
    keys: btree_map::Range<'a, String, T>,
    prefix: &'a str,
    delimiter: Option<&'a str>,
    keep: F,
}

/// Lists the keys of `map` whose values satisfy `keep`.
pub(crate) fn scan<'a, T, F: Fn(&T) -> bool>(
    map: &'a BTreeMap<String, T>,
    prefix: &'a str,
    delimiter: Option<&'a str>,
    start: &ListStart,
    keep: F,
) -> Scan<'a, T, F> {
    let keys = map.range((start.bound(prefix), Bound::Unbounded));
    Scan {
        map,
        keys,
        prefix,
        delimiter: delimiter.filter(|delimiter| !delimiter.is_empty()),
        keep,
    }
}

impl<'a, T, F: Fn(&T) -> bool> Iterator for Scan<'a, T, F> {
    type Item = ListItem<'a, T>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (key, value) = self.keys.next()?;
            if !key.starts_with(self.prefix) {
                return None;
            }
            if !(self.keep)(value) {
                continue;
            }
            let common_prefix = self
                .delimiter
                .and_then(|delimiter| common_prefix(key, self.prefix, delimiter));
            let Some(common_prefix) = common_prefix else {
                return Some(ListItem::Key(key, value));
            };
            let next = ListStart::AfterPrefix(common_prefix.to_owned()).bound(self.prefix);
            self.keys = self.map.range((next, Bound::Unbounded));
            return Some(ListItem::Prefix(common_prefix));
        }
    }
}

/// Takes a page of at most `max` items and returns it with whether more items follow.
pub(crate) fn take_page<T>(items: impl IntoIterator<Item = T>, max: usize) -> (Vec<T>, bool) {
    let mut items = items.into_iter();
    let page: Vec<T> = items.by_ref().take(max).collect();
    let truncated = max > 0 && page.len() == max && items.next().is_some();
    (page, truncated)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(keys: &[&str]) -> BTreeMap<String, bool> {
        keys.iter()
            .map(|key| ((*key).to_owned(), !key.contains("gone")))
            .collect()
    }

    fn lines(
        map: &BTreeMap<String, bool>,
        prefix: &str,
        delimiter: Option<&str>,
        start: &ListStart,
        max: usize,
    ) -> (Vec<String>, bool) {
        let (page, truncated) = take_page(scan(map, prefix, delimiter, start, |live| *live), max);
        let text = |line: &ListItem<'_, bool>| match line {
            ListItem::Key(key, _) => (*key).to_owned(),
            ListItem::Prefix(prefix) => format!("[{prefix}]"),
        };
        (page.iter().map(text).collect(), truncated)
    }

    #[test]
    fn rolls_up_and_skips_what_is_gone() {
        let map = map(&["a", "b/1", "b/2", "b/c/3", "gone/x", "z"]);
        assert_eq!(
            lines(&map, "", Some("/"), &ListStart::First, 10),
            (vec!["a".into(), "[b/]".into(), "z".into()], false)
        );
        assert_eq!(
            lines(&map, "b/", Some("/"), &ListStart::First, 10).0,
            ["b/1", "b/2", "[b/c/]"]
        );
        assert_eq!(
            lines(&map, "b", None, &ListStart::First, 2),
            (vec!["b/1".into(), "b/2".into()], true)
        );
        assert_eq!(lines(&map, "", Some(""), &ListStart::First, 2).0, ["a", "b/1"]);
        assert_eq!(lines(&map, "", None, &ListStart::First, 0), (vec![], false));
    }

    #[test]
    fn pages_meet_without_gap_or_overlap() {
        let map = map(&["l/0/x", "l/1/x", "l/1/y", "l/2", "l/3/x", "m"]);
        for delimiter in [None, Some("/")] {
            let (whole, _) = lines(&map, "l/", delimiter, &ListStart::First, 100);
            for size in 1..=3 {
                let mut start = ListStart::First;
                let mut got = Vec::new();
                loop {
                    let (page, truncated) = lines(&map, "l/", delimiter, &start, size);
                    let last = page.last().unwrap().clone();
                    start = ListStart::marker(Some(last.trim_matches(['[', ']'])), "l/", delimiter);
                    got.extend(page);
                    if !truncated {
                        break;
                    }
                }
                assert_eq!(got, whole, "{delimiter:?} {size}");
            }
        }
    }

    #[test]
    fn starts_behind_the_marker_but_never_before_the_prefix() {
        let map = map(&["a", "b", "b/x", "c"]);
        assert_eq!(
            lines(&map, "b", None, &ListStart::AfterKey("a".into()), 9).0,
            ["b", "b/x"]
        );
        assert_eq!(
            lines(&map, "", None, &ListStart::AfterKey("b".into()), 9).0,
            ["b/x", "c"]
        );
        assert_eq!(
            lines(&map, "", None, &ListStart::At("b".into()), 9).0,
            ["b", "b/x", "c"]
        );
        assert_eq!(lines(&map, "", None, &ListStart::AfterPrefix("b".into()), 9).0, ["c"]);
    }
}
