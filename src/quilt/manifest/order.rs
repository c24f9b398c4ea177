//! What rows are to each other: their order, and that no key is there twice or is file and directory at once.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::ManifestError;
use crate::quilt::LogicalKey;

/// Sees keys in tree order, and keeps one of them besides the directories that have metadata.
///
/// One is enough: everything below a key follows directly behind it, so a conflict is always between neighbours.
#[derive(Debug, Default)]
pub(super) struct Order {
    last: Option<(LogicalKey, u64)>,
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

    /// An entry.
    pub(super) fn entry(&mut self, key: &LogicalKey, line: u64) -> Result<(), ManifestError> {
        if let Some((last, last_line)) = &self.last {
            match last.cmp(key) {
                Ordering::Greater => return Err(ManifestError::OutOfOrder { line }),
                Ordering::Equal => {
                    return Err(ManifestError::Duplicate { key: key.to_string(), first: *last_line, second: line });
                }
                Ordering::Less if last.is_ancestor_of(key) => return Err(both(last, *last_line, line)),
                Ordering::Less => {}
            }
        }
        if let Some((path, directory_line)) = self.directories.range(key..).next()
            && (path == key || key.is_ancestor_of(path))
        {
            return Err(both(key, line, *directory_line));
        }
        match &mut self.last {
            Some((last, last_line)) => {
                last.clone_from(key);
                *last_line = line;
            }
            None => self.last = Some((key.clone(), line)),
        }
        Ok(())
    }
}

fn both(file: &LogicalKey, file_line: u64, directory_line: u64) -> ManifestError {
    ManifestError::FileAndDirectory { file: file.to_string(), file_line, directory_line }
}
