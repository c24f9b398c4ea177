//! What is different between two packages, by a merge of their entries.

use std::cmp::Ordering;

use super::manifest::Entry;

/// One difference. What counts as one is what quilt3 counts (`Package.diff`): size, checksum and metadata, but not where
/// the bytes lie.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Only the second package has it.
    Added(Entry),
    /// Only the first package has it.
    Removed(Entry),
    /// Both have it, and it differs.
    Changed {
        /// In the first package.
        from: Entry,
        /// In the second package.
        to: Entry,
    },
}

/// Which of the two packages has the next entry, for callers that read the packages themselves.
#[must_use]
pub fn turn(from: Option<&Entry>, to: Option<&Entry>) -> Option<Ordering> {
    match (from, to) {
        (Some(from), Some(to)) => Some(from.logical_key.cmp(&to.logical_key)),
        (Some(_), None) => Some(Ordering::Less),
        (None, Some(_)) => Some(Ordering::Greater),
        (None, None) => None,
    }
}

/// The differences between two packages whose entries come in tree order, in that order. Holds one entry of each. The
/// first error of either side ends it.
pub fn diff<E>(
    from: impl IntoIterator<Item = Result<Entry, E>>,
    to: impl IntoIterator<Item = Result<Entry, E>>,
) -> impl Iterator<Item = Result<Change, E>> {
    Diff {
        from: from.into_iter(),
        to: to.into_iter(),
        next: (None, None),
        broken: false,
    }
}

struct Diff<A, B> {
    from: A,
    to: B,
    next: (Option<Entry>, Option<Entry>),
    broken: bool,
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
            match turn(self.next.0.as_ref(), self.next.1.as_ref()) {
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
        if self.broken {
            return None;
        }
        let step = self.step().transpose();
        self.broken = !matches!(step, Some(Ok(_)));
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
        let told: Vec<String> = diff(from, to)
            .map(|change| match change.unwrap() {
                Change::Added(entry) => format!("+{}", entry.logical_key),
                Change::Removed(entry) => format!("-{}", entry.logical_key),
                Change::Changed { from, to } => format!("{}~{}", from.logical_key, to.logical_key),
            })
            .collect();
        assert_eq!(told, ["a-b~a-b", "+b", "-c"]);
    }

    #[test]
    fn the_first_error_ends_it() {
        let from = vec![Err("broken"), Err("never asked")];
        assert_eq!(diff(from, Vec::new()).collect::<Vec<_>>(), [Err("broken")]);
    }
}
