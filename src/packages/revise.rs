//! A new revision's manifest: the entries of the one before with what changes, merged in tree order. Neither of the two is
//! taken apart in memory; the new one's bytes are held, because its name comes out only at its end.

use std::cmp::Ordering;
use std::fmt;

use bytes::Bytes;
use quilt_format::manifest::{Directory, ManifestWriter};
use quilt_format::{Entry, Header, LogicalKey, PackageName, TopHash};

use super::{ChangeCounts, Draft, Latest, ManifestFile, PackageBucket, PackageError, Rows};

/// Largest manifest that is written, in bytes: some 300,000 entries.
const LARGEST: usize = 96 * 1024 * 1024;

/// A manifest that is ready to be written.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// Its bytes.
    pub manifest: Bytes,
    /// Its name.
    pub top_hash: TopHash,
    /// How many entries it has.
    pub entries: u64,
    /// The sum of their sizes.
    pub total_bytes: u128,
}

impl Prepared {
    /// The revision as it is committed.
    #[must_use]
    pub fn draft(&self, name: &PackageName, parent: Option<Latest>) -> Draft {
        let (name, top_hash) = (name.clone(), self.top_hash.clone());
        Draft {
            name,
            top_hash,
            manifest: self.manifest.clone(),
            parent,
        }
    }
}

/// What is taken out of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removal {
    /// One entry.
    Entry(LogicalKey),
    /// A directory, with all that is in it.
    Directory(LogicalKey),
}

impl fmt::Display for Removal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entry(key) => write!(f, "{key}"),
            Self::Directory(key) => write!(f, "{key}/"),
        }
    }
}

impl Removal {
    fn takes(&self, key: &LogicalKey) -> bool {
        match self {
            Self::Entry(entry) => entry == key,
            Self::Directory(directory) => directory.is_ancestor_of(key),
        }
    }
}

/// What is different in a new revision.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// What is taken out.
    pub remove: Vec<Removal>,
    /// What is put in, in tree order. An entry that has the key already is replaced.
    pub add: Vec<Entry>,
}

/// The manifest of a package with these entries, which are in tree order.
pub fn compose(header: &Header, entries: &[Entry]) -> Result<Prepared, PackageError> {
    let mut composer = Composer::new(header, std::iter::empty())?;
    for entry in entries {
        composer.entry(entry)?;
    }
    Ok(composer.finish())
}

/// Manifests of more entries are composed away from the async workers.
const FEW: usize = 2000;

impl PackageBucket {
    /// The manifest of a package with these entries, which are brought into tree order and given back.
    pub async fn compose(
        &self,
        header: Header,
        mut entries: Vec<Entry>,
    ) -> Result<(Vec<Entry>, Prepared), PackageError> {
        let is_few = entries.len() <= FEW;
        let memory = self.memory.clone();
        let work = move || {
            let _memory = memory;
            entries.sort_by(|a, b| a.logical_key.cmp(&b.logical_key));
            let prepared = compose(&header, &entries)?;
            Ok((entries, prepared))
        };
        if is_few {
            work()
        } else {
            self.cpu.run(move |_| work()).await?
        }
    }
}

/// The revision that comes after another.
#[derive(Debug, Clone)]
pub struct Revised {
    /// Its manifest.
    pub prepared: Prepared,
    /// How many entries are different.
    pub counts: ChangeCounts,
    /// Removals that found nothing to remove.
    pub missing: Vec<Removal>,
}

/// The revision that comes after `file` by these changes.
pub async fn revise(file: &ManifestFile, header: &Header, changes: &Changes) -> Result<Revised, PackageError> {
    let stays = |path: &LogicalKey| {
        !changes.remove.iter().any(|removal| match removal {
            Removal::Entry(_) => false,
            Removal::Directory(directory) => directory == path || directory.is_ancestor_of(path),
        })
    };
    let directories = file.index.directories.iter().filter(|(path, _)| stays(path));
    let directories = directories.map(|(path, meta)| Directory {
        path: path.clone(),
        meta: meta.clone(),
    });
    let mut composer = Composer::new(header, directories)?;
    let mut merge = Merge::new(file, changes);
    while let Some(entry) = merge.next().await? {
        composer.entry(&entry)?;
    }
    let missing = merge.remove.iter().zip(&merge.found).filter(|(_, found)| !**found);
    let missing = missing.map(|(removal, _)| removal.clone()).collect();
    Ok(Revised {
        prepared: composer.finish(),
        counts: merge.counts,
        missing,
    })
}

/// The entries of the revision that comes after `file` by these changes, for those who judge all of them.
pub async fn entries_after(file: &ManifestFile, changes: &Changes) -> Result<Vec<Entry>, PackageError> {
    let mut merge = Merge::new(file, changes);
    let mut entries = Vec::new();
    while let Some(entry) = merge.next().await? {
        entries.push(entry);
    }
    Ok(entries)
}

/// Old entries and changes, in one order.
struct Merge<'a> {
    rows: Rows,
    ahead: Option<Entry>,
    adds: std::slice::Iter<'a, Entry>,
    add: Option<&'a Entry>,
    remove: &'a [Removal],
    /// Which removals found something.
    found: Vec<bool>,
    counts: ChangeCounts,
}

impl<'a> Merge<'a> {
    fn new(file: &ManifestFile, changes: &'a Changes) -> Self {
        let mut adds = changes.add.iter();
        Self {
            rows: file.all(),
            ahead: None,
            add: adds.next(),
            adds,
            remove: &changes.remove,
            found: vec![false; changes.remove.len()],
            counts: ChangeCounts::default(),
        }
    }

    async fn next(&mut self) -> Result<Option<Entry>, PackageError> {
        loop {
            if self.ahead.is_none() {
                self.ahead = self.rows.next().await?;
            }
            let turn = match (&self.ahead, self.add) {
                (Some(old), Some(add)) => old.logical_key.cmp(&add.logical_key),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => return Ok(None),
            };
            let old = if turn == Ordering::Greater {
                None
            } else {
                self.ahead.take()
            };
            let add = if turn == Ordering::Less {
                None
            } else {
                std::mem::replace(&mut self.add, self.adds.next())
            };
            let removed = old.as_ref().is_some_and(|old| self.removes(&old.logical_key));
            match (old, add) {
                (Some(old), Some(add)) => {
                    self.counts.changed += u64::from(!old.same_content(add));
                    return Ok(Some(add.clone()));
                }
                (Some(_), None) if removed => self.counts.removed += 1,
                (Some(old), None) => return Ok(Some(old)),
                (None, Some(add)) => {
                    self.counts.added += 1;
                    return Ok(Some(add.clone()));
                }
                (None, None) => return Ok(None),
            }
        }
    }

    fn removes(&mut self, key: &LogicalKey) -> bool {
        let mut removed = false;
        for (removal, found) in self.remove.iter().zip(&mut self.found) {
            let takes = removal.takes(key);
            *found |= takes;
            removed |= takes;
        }
        removed
    }
}

/// Writes a manifest into memory, bounded.
struct Composer {
    writer: ManifestWriter,
    bytes: Vec<u8>,
    entries: u64,
    total_bytes: u128,
}

impl Composer {
    fn new(header: &Header, directories: impl Iterator<Item = Directory>) -> Result<Self, PackageError> {
        let mut writer = ManifestWriter::new(header)?;
        for directory in directories {
            writer.directory(&directory)?;
        }
        Ok(Self {
            writer,
            bytes: Vec::new(),
            entries: 0,
            total_bytes: 0,
        })
    }

    fn entry(&mut self, entry: &Entry) -> Result<(), PackageError> {
        self.writer.entry(entry)?;
        self.bytes.append(&mut self.writer.take());
        self.entries += 1;
        self.total_bytes += u128::from(entry.size);
        if self.bytes.len() > LARGEST {
            let message =
                format!("the manifest would have more than {LARGEST} bytes, and no larger one is written here");
            return Err(PackageError::TooLarge(message));
        }
        Ok(())
    }

    fn finish(self) -> Prepared {
        let Self {
            writer,
            mut bytes,
            entries,
            total_bytes,
        } = self;
        let (mut rest, top_hash) = writer.finish();
        bytes.append(&mut rest);
        Prepared {
            manifest: bytes.into(),
            top_hash,
            entries,
            total_bytes,
        }
    }
}
