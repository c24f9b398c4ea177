//! Checks between rows: tree order, duplicate keys, and keys that are both file and directory.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::ManifestError;
use crate::LogicalKey;
use crate::logical_key::{common_prefix_len, order_after_prefix};

/// Checks keys in tree order, keeping only the last one and the directories that have metadata.
///
/// One key is enough: everything in the directory of a key directly follows it, so conflicts occur only between neighbors.
#[derive(Debug, Default)]
pub(super) struct OrderCheck {
    last: Option<(Vec<u8>, u64)>,
    directories: BTreeMap<LogicalKey, u64>,
}

impl OrderCheck {
    /// Checks the row of a directory. quilt3 writes these rows before the entries; elsewhere they are out of order.
    pub(super) fn directory(&mut self, path: &LogicalKey, line: u64) -> Result<(), ManifestError> {
        if self.last.is_some() {
            return Err(ManifestError::OutOfOrder { line });
        }
        self.directories.insert(path.clone(), line);
        Ok(())
    }

    /// Checks an entry with this key in UTF-8.
    pub(super) fn entry(&mut self, key: &[u8], line: u64) -> Result<(), ManifestError> {
        let mut shared = 0;
        if let Some((last, last_line)) = &self.last {
            shared = common_prefix_len(last, key);
            match order_after_prefix(last, key, shared) {
                Ordering::Greater => return Err(ManifestError::OutOfOrder { line }),
                Ordering::Equal => {
                    return Err(ManifestError::Duplicate {
                        key: to_text(key),
                        first: *last_line,
                        second: line,
                    });
                }
                Ordering::Less if shared == last.len() && key.get(shared) == Some(&b'/') => {
                    return Err(file_and_directory(last, *last_line, line));
                }
                Ordering::Less => {}
            }
        }
        if !self.directories.is_empty() {
            let logical_key = LogicalKey::from_manifest(to_text(key));
            if let Some((path, directory_line)) = self.directories.range(&logical_key..).next()
                && (*path == logical_key || logical_key.is_ancestor_of(path))
            {
                return Err(file_and_directory(key, line, *directory_line));
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

fn file_and_directory(file: &[u8], file_line: u64, directory_line: u64) -> ManifestError {
    ManifestError::FileAndDirectory {
        file: to_text(file),
        file_line,
        directory_line,
    }
}

fn to_text(key: &[u8]) -> String {
    String::from_utf8_lossy(key).into_owned()
}
