//! What rows are to each other: their order, and that no key is there twice or is file and directory at once.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::ManifestError;
use crate::LogicalKey;
use crate::logical_key::{in_common, order_behind};

/// Sees keys in tree order, and keeps one of them besides the directories that have metadata.
///
/// One is enough: everything below a key follows directly behind it, so a conflict is always between neighbours.
#[derive(Debug, Default)]
pub(super) struct Order {
    last: Option<(Vec<u8>, u64)>,
    directories: BTreeMap<LogicalKey, u64>,
}

impl Order {
    /// A directory row. quilt3 writes them before the entries; elsewhere they are out of order.
    pub(super) fn directory(&mut self, path: &LogicalKey, line: u64) -> Result<(), ManifestError> {
        if self.last.is_some() {
            return Err(ManifestError::OutOfOrder { line });
        }
        self.directories.insert(path.clone(), line);
        Ok(())
    }

    /// An entry of this key, which is UTF-8.
    pub(super) fn entry(&mut self, key: &[u8], line: u64) -> Result<(), ManifestError> {
        let mut shared = 0;
        if let Some((last, last_line)) = &self.last {
            shared = in_common(last, key);
            match order_behind(last, key, shared) {
                Ordering::Greater => return Err(ManifestError::OutOfOrder { line }),
                Ordering::Equal => {
                    return Err(ManifestError::Duplicate {
                        key: shown(key),
                        first: *last_line,
                        second: line,
                    });
                }
                Ordering::Less if shared == last.len() && key.get(shared) == Some(&b'/') => {
                    return Err(both(last, *last_line, line));
                }
                Ordering::Less => {}
            }
        }
        if !self.directories.is_empty() {
            let found = LogicalKey::found(shown(key));
            if let Some((path, directory_line)) = self.directories.range(&found..).next()
                && (*path == found || found.is_ancestor_of(path))
            {
                return Err(both(key, line, *directory_line));
            }
        }
        match &mut self.last {
            Some((last, last_line)) => {
                last.truncate(shared);
                last.extend_from_slice(key.get(shared..).unwrap_or_default());
                *last_line = line;
            }
            None => self.last = Some((key.to_vec(), line)),
        }
        Ok(())
    }
}

fn both(file: &[u8], file_line: u64, directory_line: u64) -> ManifestError {
    ManifestError::FileAndDirectory {
        file: shown(file),
        file_line,
        directory_line,
    }
}

fn shown(key: &[u8]) -> String {
    String::from_utf8_lossy(key).into_owned()
}
