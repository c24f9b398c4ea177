//! Differences between two packages, computed by merging their sorted entries.

use std::cmp::Ordering;

use super::manifest::Entry;

/// A difference between two packages. As in quilt3 (`Package.diff`), entries differ if their size, checksum or metadata
/// differs; the physical key is not compared.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// The entry exists only in the second package.
    Added(Entry),
    /// The entry exists only in the first package.
    Removed(Entry),
    /// The entry exists in both packages, with different content.
    Changed {
        /// The entry of the first package.
        from: Entry,
        /// The entry of the second package.
        to: Entry,
    },
}

/// Compares the next entries of two packages by logical key: `Less` if the first package's entry comes next, `Greater` if
/// the second's does, `Equal` if both have it, and `None` at the end of both. For callers that merge the packages
/// themselves, such as asynchronous ones.
#[must_use]
pub fn compare_next(from: Option<&Entry>, to: Option<&Entry>) -> Option<Ordering> {
    match (from, to) {
        (Some(from), Some(to)) => Some(from.logical_key.cmp(&to.logical_key)),
        (Some(_), None) => Some(Ordering::Less),
        (None, Some(_)) => Some(Ordering::Greater),
        (None, None) => None,
    }
}

/// Iterates over the differences between two packages whose entries are in tree order. Keeps one entry of each package in
/// memory. The first error of either side ends the iteration.
pub fn diff<E>(
    from: impl IntoIterator<Item = Result<Entry, E>>,
    to: impl IntoIterator<Item = Result<Entry, E>>,
) -> impl Iterator<Item = Result<Change, E>> {
    Diff {
        from: from.into_iter(),
        to: to.into_iter(),
        next: (None, None),
        done: false,
    }
}

struct Diff<A, B> {
    from: A,
    to: B,
    next: (Option<Entry>, Option<Entry>),
    done: bool,
}

impl<A, B, E> Diff<A, B>
where
    A: Iterator<Item = Result<Entry, E>>,
    B: Iterator<Item = Result<Entry, E>>,
{
    fn step(&mut self) -> Result<Option<Change>, E> {
        loop {
            if self.next.0.is_none() {
                self.next.0 = self.from.next().transpose()?;
            }
            if self.next.1.is_none() {
                self.next.1 = self.to.next().transpose()?;
            }
            match compare_next(self.next.0.as_ref(), self.next.1.as_ref()) {
                None => return Ok(None),
                Some(Ordering::Less) => return Ok(self.next.0.take().map(Change::Removed)),
                Some(Ordering::Greater) => return Ok(self.next.1.take().map(Change::Added)),
                Some(Ordering::Equal) => {
                    if let (Some(from), Some(to)) = (self.next.0.take(), self.next.1.take())
                        && !from.same_content(&to)
                    {
                        return Ok(Some(Change::Changed { from, to }));
                    }
                }
            }
        }
    }
}

impl<A, B, E> Iterator for Diff<A, B>
where
    A: Iterator<Item = Result<Entry, E>>,
    B: Iterator<Item = Result<Entry, E>>,
{
    type Item = Result<Change, E>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let step = self.step().transpose();
        self.done = !matches!(step, Some(Ok(_)));
        step
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::fmt::Write as _;

    use super::*;
    use crate::Manifest;

    fn entries(rows: &[(&str, &str, &str)]) -> Vec<Result<Entry, Infallible>> {
        let mut manifest = String::from("{}\n");
        for (key, hash, physical) in rows {
            let _ = writeln!(
                manifest,
                r#"{{"logical_key":"{key}","physical_keys":["s3://b/{physical}"],"size":1,"hash":{hash},"meta":{{}}}}"#
            );
        }
        Manifest::read(manifest.as_bytes())
            .unwrap()
            .entries()
            .cloned()
            .map(Ok)
            .collect()
    }

    #[test]
    fn differences_come_in_tree_order() {
        let from = entries(&[("a/x", "1", "p"), ("a-b", "1", "p"), ("c", "1", "p"), ("d", "1", "p")]);
        let to = entries(&[
            ("a/x", "1.0", "elsewhere"),
            ("a-b", "2", "p"),
            ("b", "1", "p"),
            ("d", "1", "p"),
        ]);
        let changes: Vec<String> = diff(from, to)
            .map(|change| match change.unwrap() {
                Change::Added(entry) => format!("+{}", entry.logical_key),
                Change::Removed(entry) => format!("-{}", entry.logical_key),
                Change::Changed { from, to } => format!("{}~{}", from.logical_key, to.logical_key),
            })
            .collect();
        assert_eq!(changes, ["a-b~a-b", "+b", "-c"]);
    }

    #[test]
    fn the_first_error_ends_it() {
        let from = vec![Err("broken"), Err("never asked")];
        assert_eq!(diff(from, Vec::new()).collect::<Vec<_>>(), [Err("broken")]);
    }
}
