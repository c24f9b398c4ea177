//! Assignment of logical keys to files, the same for a dry run and a real one.

use std::collections::HashMap;

use quilt_format::{InvalidKey, LogicalKey};

use super::args::FileArg;
use super::metadata;
use crate::aws::s3::ObjectUri;
use crate::packages::PlannedObject;
use crate::tools::ToolError;

/// Rules for the keys of files that are given without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KeyRules {
    /// Use the file's name alone, not its path below the base.
    pub flatten: bool,
    /// Sort into folders by extension.
    pub auto_organize: bool,
    pub source: FileSource,
}

/// The argument that the files come from, which decides what a hint can advise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileSource {
    /// `files` of a creation.
    Files,
    /// `add` of an update, which has no rules for keys.
    Add,
    /// The objects below a prefix, which have no logical keys of their own.
    Prefix,
}

impl FileSource {
    /// Returns what to do about two files with the same key.
    fn hint_on_collision(self, rules: KeyRules) -> &'static str {
        match (self, rules.flatten) {
            (Self::Files, true) => "Give one of them another logical_key, or set flatten=false to keep their folders.",
            (Self::Prefix, true) => "Set flatten=false to keep their folders, or leave one of them out with exclude.",
            (Self::Files | Self::Add, _) => "Give one of them another logical_key.",
            (Self::Prefix, false) => "Leave one of them out with exclude.",
        }
    }

    /// Returns what to do about a key that is a file and a directory.
    fn hint_on_nesting(self) -> &'static str {
        match self {
            Self::Files | Self::Add => "Give one of them another logical_key.",
            Self::Prefix => "Leave one of them out with exclude.",
        }
    }
}

/// Folders and the extensions that are sorted into them.
const FOLDERS: [(&str, &[&str]); 7] = [
    ("data/processed", &["csv", "tsv", "parquet", "json", "jsonl", "xml"]),
    ("data/raw", &["txt", "log", "raw"]),
    ("docs", &["md", "rst", "pdf", "docx"]),
    ("code", &["py", "r", "sql", "sh", "ipynb"]),
    ("images", &["png", "jpg", "jpeg", "gif", "svg", "tiff"]),
    ("models", &["pkl", "joblib", "h5", "pth"]),
    ("config", &["yaml", "yml", "toml", "ini", "conf"]),
];

/// Returns the directory that all keys have in common, with a slash at its end; empty if there is none.
pub(super) fn common_directory<'a>(mut keys: impl Iterator<Item = &'a str>) -> String {
    let Some(first) = keys.next() else { return String::new() };
    let shared = keys.fold(first.len(), |shared, key| {
        first
            .bytes()
            .zip(key.bytes())
            .take(shared)
            .take_while(|(a, b)| a == b)
            .count()
    });
    let end = first
        .as_bytes()
        .iter()
        .take(shared)
        .rposition(|b| *b == b'/')
        .map_or(0, |slash| slash + 1);
    first.get(..end).unwrap_or_default().to_owned()
}

/// Assigns a key to each file; `base` is the part of their paths that no key contains. The result is in tree order.
pub(super) fn assign_keys(files: Vec<FileArg>, rules: KeyRules, base: &str) -> Result<Vec<PlannedObject>, ToolError> {
    let planned = files.into_iter().map(
        |FileArg {
             s3_uri,
             logical_key,
             meta,
         }| {
            let logical_key = match logical_key {
                Some(key) => key,
                None => key_of(&s3_uri, rules, base).map_err(|problem| {
                    ToolError::invalid(format!("No logical key can be made of {s3_uri}: {problem}."))
                        .with_hint("Give this file a logical_key.")
                })?,
            };
            Ok(PlannedObject {
                logical_key,
                object: s3_uri,
                meta: metadata::of_entry(meta),
                known: None,
            })
        },
    );
    in_tree_order(planned.collect::<Result<_, ToolError>>()?, rules)
}

/// Sorts files that go into one package, unless two of them exclude each other.
pub(super) fn in_tree_order(mut planned: Vec<PlannedObject>, rules: KeyRules) -> Result<Vec<PlannedObject>, ToolError> {
    refuse_collisions(&planned, rules)?;
    planned.sort_by(|a, b| a.logical_key.cmp(&b.logical_key));
    refuse_files_in_files(&planned, rules.source)?;
    Ok(planned)
}

/// Takes out the files of which no logical key can be made.
pub(super) fn take_unusable(files: &mut Vec<FileArg>, rules: KeyRules, base: &str) -> Vec<ObjectUri> {
    let is_unusable = |file: &mut FileArg| file.logical_key.is_none() && key_of(&file.s3_uri, rules, base).is_err();
    files.extract_if(.., is_unusable).map(|file| file.s3_uri).collect()
}

fn key_of(object: &ObjectUri, rules: KeyRules, base: &str) -> Result<LogicalKey, InvalidKey> {
    let key = object.key.as_str();
    let path = key.strip_prefix(base).unwrap_or(key);
    let name = path.rsplit('/').next().unwrap_or(path);
    let placed = if rules.flatten { name } else { path };
    let folder = if rules.auto_organize { folder(name) } else { None };
    let placed = folder.map_or_else(|| placed.to_owned(), |folder| format!("{folder}/{placed}"));
    placed.parse()
}

fn folder(name: &str) -> Option<&'static str> {
    let (_, extension) = name.rsplit_once('.')?;
    let extension = extension.to_ascii_lowercase();
    FOLDERS
        .iter()
        .find(|(_, extensions)| extensions.contains(&extension.as_str()))
        .map(|(folder, _)| *folder)
}

fn refuse_collisions(planned: &[PlannedObject], rules: KeyRules) -> Result<(), ToolError> {
    let mut by_key: HashMap<&LogicalKey, &ObjectUri> = HashMap::with_capacity(planned.len());
    for PlannedObject {
        logical_key, object, ..
    } in planned
    {
        if let Some(other) = by_key.insert(logical_key, object) {
            let message = format!("Two files go to the logical key `{logical_key}`: {other} and {object}.");
            return Err(ToolError::invalid(message).with_hint(rules.source.hint_on_collision(rules)));
        }
    }
    Ok(())
}

/// Refuses a key that is a file and a directory at once. In tree order everything below a key follows it directly.
fn refuse_files_in_files(planned: &[PlannedObject], source: FileSource) -> Result<(), ToolError> {
    for pair in planned.windows(2) {
        if let [file, below] = pair
            && file.logical_key.is_ancestor_of(&below.logical_key)
        {
            let message = format!(
                "The logical key `{}` of {} would be a file, and `{}` of {} makes it a directory.",
                file.logical_key, file.object, below.logical_key, below.object
            );
            return Err(ToolError::invalid(message).with_hint(source.hint_on_nesting()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(uri: &str) -> FileArg {
        FileArg {
            s3_uri: uri.parse().unwrap(),
            logical_key: None,
            meta: None,
        }
    }

    fn keys_of(uris: &[&str], rules: KeyRules) -> Result<Vec<String>, String> {
        let files: Vec<FileArg> = uris.iter().map(|uri| file(uri)).collect();
        let base = common_directory(files.iter().map(|file| file.s3_uri.key.as_str()));
        let planned = assign_keys(files, rules, &base).map_err(|error| error.message)?;
        Ok(planned.iter().map(|planned| planned.logical_key.to_string()).collect())
    }

    const FLAT: KeyRules = KeyRules {
        flatten: true,
        auto_organize: false,
        source: FileSource::Files,
    };
    const DEEP: KeyRules = KeyRules {
        flatten: false,
        auto_organize: false,
        source: FileSource::Files,
    };

    #[test]
    fn keys_are_names_or_paths_below_what_all_have_in_common() {
        let uris = ["s3://bkt/x/a/1.csv", "s3://bkt/x/ab/2.CSV", "s3://bkt/x/notes"];
        assert_eq!(keys_of(&uris, FLAT).unwrap(), ["1.csv", "2.CSV", "notes"]);
        assert_eq!(keys_of(&uris, DEEP).unwrap(), ["a/1.csv", "ab/2.CSV", "notes"]);
        assert_eq!(keys_of(&["s3://bkt/x/a/1.csv"], DEEP).unwrap(), ["1.csv"]);
        let organized = KeyRules {
            flatten: true,
            auto_organize: true,
            source: FileSource::Files,
        };
        assert_eq!(
            keys_of(&uris, organized).unwrap(),
            ["data/processed/1.csv", "data/processed/2.CSV", "notes"]
        );
        let both = KeyRules {
            flatten: false,
            auto_organize: true,
            source: FileSource::Files,
        };
        assert_eq!(
            keys_of(&uris, both).unwrap(),
            ["data/processed/a/1.csv", "data/processed/ab/2.CSV", "notes"]
        );
    }

    #[test]
    fn two_files_on_one_key_are_both_named() {
        let refused = keys_of(&["s3://bkt/a/1.csv", "s3://bkt/b/1.csv"], FLAT).unwrap_err();
        assert!(
            refused.contains("s3://bkt/a/1.csv") && refused.contains("s3://bkt/b/1.csv"),
            "{refused}"
        );
        let refused = keys_of(&["s3://bkt/a", "s3://bkt/a/b"], DEEP).unwrap_err();
        assert!(refused.contains("`a`") && refused.contains("`a/b`"), "{refused}");
        assert!(
            keys_of(&["s3://bkt/a//b", "s3://bkt/c"], DEEP)
                .unwrap_err()
                .contains("s3://bkt/a//b")
        );
    }

    proptest! {
        #[test]
        fn whatever_the_files_every_one_has_its_own_key_or_nothing_is_planned(
            uris in proptest::collection::hash_set("[ab]{1,2}(/[ab]{1,2}){0,3}\\.(csv|md|zip)", 1..12),
            flatten: bool, auto_organize: bool,
        ) {
            let uris: Vec<String> = uris.iter().map(|key| format!("s3://bkt/{key}")).collect();
            let uris: Vec<&str> = uris.iter().map(String::as_str).collect();
            if let Ok(keys) = keys_of(&uris, KeyRules { flatten, auto_organize, source: FileSource::Files }) {
                prop_assert_eq!(keys.len(), uris.len());
                let distinct: std::collections::HashSet<&String> = keys.iter().collect();
                prop_assert_eq!(distinct.len(), uris.len());
            } else {
                prop_assert!(flatten, "paths below a common directory are distinct");
            }
        }
    }
}
