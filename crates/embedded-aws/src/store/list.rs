//! Listing: keys in order, those with a common prefix rolled into one, page by page. A rolled-up prefix is passed over
//! with one seek, however many keys it hides.

use std::collections::{BTreeMap, btree_map};
use std::ops::Bound;

/// Sorts behind every key that begins with the text before it.
const LAST: char = char::MAX;

/// Where a listing begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum After {
    #[default]
    Start,
    /// Behind this key.
    Key(String),
    /// Behind every key with this prefix.
    Prefix(String),
    /// At this key, which has more to tell (its older versions).
    From(String),
}

impl After {
    /// The place behind `marker`, where a marker that is itself a rolled-up prefix stands for all it hides.
    pub fn marker(marker: Option<&str>, prefix: &str, delimiter: Option<&str>) -> Self {
        match (marker, delimiter) {
            (None | Some(""), _) => Self::Start,
            (Some(marker), Some(delimiter)) if common(marker, prefix, delimiter) == Some(marker) => {
                Self::Prefix(marker.to_owned())
            }
            (Some(marker), _) => Self::Key(marker.to_owned()),
        }
    }

    fn bound(&self, prefix: &str) -> Bound<String> {
        let bound = match self {
            Self::Start => return Bound::Included(prefix.to_owned()),
            Self::Key(key) => Bound::Excluded(key.clone()),
            Self::Prefix(group) => Bound::Excluded(format!("{group}{LAST}")),
            Self::From(key) => Bound::Included(key.clone()),
        };
        match bound {
            Bound::Included(at) | Bound::Excluded(at) if at.as_str() < prefix => Bound::Included(prefix.to_owned()),
            bound => bound,
        }
    }
}

/// The prefix under which `key` is rolled up.
fn common<'a>(key: &'a str, prefix: &str, delimiter: &str) -> Option<&'a str> {
    let rest = key.strip_prefix(prefix)?;
    let at = rest.find(delimiter)?;
    key.get(..prefix.len() + at + delimiter.len())
}

/// One line of a listing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'a, T> {
    Key(&'a str, &'a T),
    Prefix(&'a str),
}

/// The lines of a listing, in order and without end.
pub(crate) struct Walk<'a, T, F> {
    map: &'a BTreeMap<String, T>,
    keys: btree_map::Range<'a, String, T>,
    prefix: &'a str,
    delimiter: Option<&'a str>,
    keep: F,
}

/// Lists the keys of `map` that `keep` lets through.
pub(crate) fn walk<'a, T, F: Fn(&T) -> bool>(
    map: &'a BTreeMap<String, T>,
    prefix: &'a str,
    delimiter: Option<&'a str>,
    after: &After,
    keep: F,
) -> Walk<'a, T, F> {
    let keys = map.range((after.bound(prefix), Bound::Unbounded));
    Walk {
        map,
        keys,
        prefix,
        delimiter: delimiter.filter(|delimiter| !delimiter.is_empty()),
        keep,
    }
}

impl<'a, T, F: Fn(&T) -> bool> Iterator for Walk<'a, T, F> {
    type Item = Line<'a, T>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (key, value) = self.keys.next()?;
            if !key.starts_with(self.prefix) {
                return None;
            }
            if !(self.keep)(value) {
                continue;
            }
            let group = self.delimiter.and_then(|delimiter| common(key, self.prefix, delimiter));
            let Some(group) = group else {
                return Some(Line::Key(key, value));
            };
            let behind = After::Prefix(group.to_owned()).bound(self.prefix);
            self.keys = self.map.range((behind, Bound::Unbounded));
            return Some(Line::Prefix(group));
        }
    }
}

/// A page of at most `max` lines, and whether more follow.
pub(crate) fn page<L>(lines: impl IntoIterator<Item = L>, max: usize) -> (Vec<L>, bool) {
    let mut lines = lines.into_iter();
    let page: Vec<L> = lines.by_ref().take(max).collect();
    let truncated = max > 0 && page.len() == max && lines.next().is_some();
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
        after: &After,
        max: usize,
    ) -> (Vec<String>, bool) {
        let (page, truncated) = page(walk(map, prefix, delimiter, after, |live| *live), max);
        let text = |line: &Line<'_, bool>| match line {
            Line::Key(key, _) => (*key).to_owned(),
            Line::Prefix(prefix) => format!("[{prefix}]"),
        };
        (page.iter().map(text).collect(), truncated)
    }

    #[test]
    fn rolls_up_and_skips_what_is_gone() {
        let map = map(&["a", "b/1", "b/2", "b/c/3", "gone/x", "z"]);
        assert_eq!(
            lines(&map, "", Some("/"), &After::Start, 10),
            (vec!["a".into(), "[b/]".into(), "z".into()], false)
        );
        assert_eq!(
            lines(&map, "b/", Some("/"), &After::Start, 10).0,
            ["b/1", "b/2", "[b/c/]"]
        );
        assert_eq!(
            lines(&map, "b", None, &After::Start, 2),
            (vec!["b/1".into(), "b/2".into()], true)
        );
        assert_eq!(lines(&map, "", Some(""), &After::Start, 2).0, ["a", "b/1"]);
        assert_eq!(lines(&map, "", None, &After::Start, 0), (vec![], false));
    }

    #[test]
    fn pages_meet_without_gap_or_overlap() {
        let map = map(&["l/0/x", "l/1/x", "l/1/y", "l/2", "l/3/x", "m"]);
        for delimiter in [None, Some("/")] {
            let (whole, _) = lines(&map, "l/", delimiter, &After::Start, 100);
            for size in 1..=3 {
                let (mut after, mut got) = (After::Start, Vec::new());
                loop {
                    let (page, truncated) = lines(&map, "l/", delimiter, &after, size);
                    let last = page.last().unwrap().clone();
                    after = After::marker(Some(last.trim_matches(['[', ']'])), "l/", delimiter);
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
        assert_eq!(lines(&map, "b", None, &After::Key("a".into()), 9).0, ["b", "b/x"]);
        assert_eq!(lines(&map, "", None, &After::Key("b".into()), 9).0, ["b/x", "c"]);
        assert_eq!(lines(&map, "", None, &After::From("b".into()), 9).0, ["b", "b/x", "c"]);
        assert_eq!(lines(&map, "", None, &After::Prefix("b".into()), 9).0, ["c"]);
    }
}
