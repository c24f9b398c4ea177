//! Tables of packages, which Quilt's stacks keep for each bucket: recognized by their names' ends, with notes on their columns.

use crate::athena::literal::identifier;

/// Ends of names, the longest first where one ends with another, and what the tables are.
const SUFFIXES: [(&str, &str); 8] = [
    ("_package_revision", "package_revision"),
    ("_package_tag", "package_tag"),
    ("_package_manifest", "package_manifest"),
    ("_package_entry", "package_entry"),
    ("_packages-view", "packages_view"),
    ("_objects-view", "objects_view"),
    ("_packages", "packages"),
    ("_manifests", "manifests"),
];

/// A table of packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct QuiltTable<'a> {
    pub kind: &'static str,
    pub bucket: &'a str,
}

impl<'a> QuiltTable<'a> {
    /// Recognizes a table of packages.
    pub fn of(table: &'a str) -> Option<Self> {
        SUFFIXES.into_iter().find_map(|(suffix, kind)| {
            let bucket = table.strip_suffix(suffix).filter(|bucket| bucket.len() >= 3)?;
            Some(Self { kind, bucket })
        })
    }

    /// Returns what a person should know of the columns.
    pub fn notes(self) -> Vec<String> {
        let note = match self.kind {
            "package_revision" => "Each revision of each package: pkg_name, timestamp, top_hash.",
            "package_tag" => "Tags of packages; the tag latest names the newest revision.",
            "package_manifest" => {
                "metadata is JSON text of the package's own metadata: json_extract_scalar(metadata, '$.field')."
            }
            "package_entry" => {
                "metadata is JSON text of the entry's whole meta: json_extract_scalar(metadata, '$.user_meta.field')."
            }
            "manifests" => {
                "Rows of manifests; those with logical_key NULL are headers, whose user_meta is the package's metadata."
            }
            "objects_view" => "Entries of packages; meta is JSON text: json_extract_scalar(meta, '$.user_meta.field').",
            _ => "Pointers of packages to the hashes of their manifests.",
        };
        vec![
            note.to_owned(),
            format!("It is an index of the packages in bucket {}.", self.bucket),
        ]
    }

    /// Returns a query that runs as it is, if there is one that says more than the first rows do.
    pub fn example(self, catalog: &str, database: &str, sql_name: &str) -> Option<String> {
        let sibling = |suffix: &str| {
            let table = format!("{}{suffix}", self.bucket);
            format!(
                "{}.{}.{}",
                identifier(catalog),
                identifier(database),
                identifier(&table)
            )
        };
        let tags = sibling("_package_tag");
        match self.kind {
            "package_entry" => Some(format!(
                "SELECT t.pkg_name, e.logical_key, e.size, json_extract_scalar(e.metadata, '$.user_meta.field') AS field FROM \
                 {sql_name} e JOIN {tags} t ON e.top_hash = t.top_hash WHERE t.tag_name = 'latest' LIMIT 10"
            )),
            "package_manifest" => Some(format!(
                "SELECT t.pkg_name, m.message, json_extract_scalar(m.metadata, '$.field') AS field FROM {sql_name} m JOIN \
                 {tags} t ON m.top_hash = t.top_hash WHERE t.tag_name = 'latest' LIMIT 10"
            )),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_packages_are_known_by_the_ends_of_their_names() {
        for (table, expected) in [
            ("my-bucket_package_entry", Some(("package_entry", "my-bucket"))),
            ("my-bucket_packages", Some(("packages", "my-bucket"))),
            ("my_bucket_packages-view", Some(("packages_view", "my_bucket"))),
            ("_packages", None),
            ("packages", None),
            ("entries", None),
        ] {
            let found = QuiltTable::of(table).map(|table| (table.kind, table.bucket));
            assert_eq!(found, expected, "{table}");
        }
    }
}
