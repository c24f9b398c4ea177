//! The tables of packages: raw tables and views of the user database, and Iceberg tables, computed from a bucket's objects.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use embedded_aws::{Cell, Column, EmbeddedAws, ObjectRef, Table};
use quilt_format::json::{Object, Value, parse};

const POINTERS: &str = ".quilt/named_packages/";
const MANIFESTS: &str = ".quilt/packages/";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Packages,
    Manifests,
    PackagesView,
    ObjectsView,
    Revision,
    Tag,
    Manifest,
    Entry,
}

const ARRAY: &str = "array(varchar)";
const HASH: &str = "row(type varchar,value varchar)";
const TIME: &str = "timestamp(3)";

/// Suffix, columns and types of each kind.
type Definition = (Kind, &'static str, &'static [(&'static str, &'static str)]);

const USER: &[Definition] = &[
    (
        Kind::Packages,
        "_packages",
        &[("top_hash", "varchar"), ("$path", "varchar")],
    ),
    (
        Kind::Manifests,
        "_manifests",
        &[
            ("logical_key", "varchar"),
            ("physical_keys", ARRAY),
            ("hash", HASH),
            ("size", "bigint"),
            ("meta", "varchar"),
            ("user_meta", "varchar"),
            ("message", "varchar"),
            ("$path", "varchar"),
        ],
    ),
    (
        Kind::PackagesView,
        "_packages-view",
        &[
            ("pkg_name", "varchar"),
            ("timestamp", "varchar"),
            ("top_hash", "varchar"),
            ("message", "varchar"),
            ("meta", "varchar"),
        ],
    ),
    (
        Kind::ObjectsView,
        "_objects-view",
        &[
            ("pkg_name", "varchar"),
            ("timestamp", "varchar"),
            ("top_hash", "varchar"),
            ("logical_key", "varchar"),
            ("physical_key", "varchar"),
            ("size", "bigint"),
            ("hash", "varchar"),
            ("meta", "varchar"),
        ],
    ),
];

const ICEBERG: &[Definition] = &[
    (
        Kind::Revision,
        "_package_revision",
        &[("pkg_name", "varchar"), ("timestamp", TIME), ("top_hash", "varchar")],
    ),
    (
        Kind::Tag,
        "_package_tag",
        &[
            ("pkg_name", "varchar"),
            ("tag_name", "varchar"),
            ("top_hash", "varchar"),
        ],
    ),
    (
        Kind::Manifest,
        "_package_manifest",
        &[("top_hash", "varchar"), ("message", "varchar"), ("metadata", "varchar")],
    ),
    (
        Kind::Entry,
        "_package_entry",
        &[
            ("top_hash", "varchar"),
            ("logical_key", "varchar"),
            ("physical_key", "varchar"),
            ("hash_type", "varchar"),
            ("hash_value", "varchar"),
            ("size", "bigint"),
            ("metadata", "varchar"),
        ],
    ),
];

type Sink<'s> = &'s mut dyn FnMut(Vec<Cell>) -> ControlFlow<()>;

/// A table of a bucket's packages.
pub(super) struct PackageTable {
    bucket: String,
    kind: Kind,
}

/// A pointer to a revision.
pub(super) struct PackagePointer {
    pub package: String,
    /// `latest`, or the time of the revision.
    pub name: String,
    pub top_hash: String,
}

/// An entry of a manifest.
pub(super) struct ManifestEntry(Object);

impl ManifestEntry {
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    pub fn physical_key(&self) -> Option<&str> {
        self.0.get("physical_keys")?.as_array()?.first()?.as_str()
    }

    pub fn size(&self) -> Option<u64> {
        self.0.get("size")?.as_u64()
    }

    fn hash(&self, name: &str) -> Option<&str> {
        self.0.get("hash")?.as_object()?.get(name)?.as_str()
    }

    /// Returns a member as JSON text, with the digits of its numbers.
    fn json(&self, name: &str) -> Option<String> {
        let value = self.0.get(name).filter(|value| !matches!(value, Value::Null))?;
        let mut text = Vec::new();
        value.write_json(&mut text);
        String::from_utf8(text).ok()
    }
}

/// Returns the pointers of a bucket.
pub(super) fn pointers(aws: &EmbeddedAws, bucket: &str) -> Vec<PackagePointer> {
    let pointer = |key: String| {
        let (package, name) = key.strip_prefix(POINTERS)?.rsplit_once('/')?;
        let top_hash = String::from_utf8(aws.object_bytes(bucket, &key)?).ok()?;
        Some(PackagePointer {
            package: package.to_owned(),
            name: name.to_owned(),
            top_hash: top_hash.trim().to_owned(),
        })
    };
    aws.keys(bucket).into_iter().filter_map(pointer).collect()
}

/// Returns the rows of a manifest: its header, then its entries.
pub(super) fn manifest(aws: &EmbeddedAws, bucket: &str, top_hash: &str) -> Vec<ManifestEntry> {
    let bytes = aws
        .object_bytes(bucket, &format!("{MANIFESTS}{top_hash}"))
        .unwrap_or_default();
    let lines = bytes.split(|byte| *byte == b'\n');
    let rows = lines.filter_map(|line| match parse(std::str::from_utf8(line).ok()?) {
        Ok(Value::Object(row)) => Some(ManifestEntry(row)),
        _ => None,
    });
    rows.collect()
}

impl PackageTable {
    /// Returns the tables of a bucket in the Iceberg or the user database.
    pub fn all(bucket: &str, is_iceberg: bool) -> Vec<(Self, Table)> {
        let definitions = if is_iceberg { ICEBERG } else { USER };
        let table = |(kind, suffix, columns): &Definition| {
            let found = Self {
                bucket: bucket.to_owned(),
                kind: *kind,
            };
            let is_view = matches!(kind, Kind::PackagesView | Kind::ObjectsView);
            let table = Table {
                name: format!("{bucket}{suffix}").to_lowercase(),
                table_type: if is_view { "VIRTUAL_VIEW" } else { "EXTERNAL_TABLE" },
                columns: columns
                    .iter()
                    .map(|(name, data_type)| Column::new(*name, *data_type))
                    .collect(),
            };
            (found, table)
        };
        definitions.iter().map(table).collect()
    }

    /// Returns the objects that are read.
    pub fn objects(&self, aws: &EmbeddedAws) -> Vec<ObjectRef> {
        let prefixes: &[&str] = match self.kind {
            Kind::Packages | Kind::Revision | Kind::Tag => &[POINTERS],
            Kind::Manifests | Kind::Manifest | Kind::Entry => &[MANIFESTS],
            Kind::PackagesView | Kind::ObjectsView => &[POINTERS, MANIFESTS],
        };
        let keys = aws.keys(&self.bucket).into_iter();
        let read = keys.filter(|key| prefixes.iter().any(|prefix| key.starts_with(prefix)));
        read.map(|key| ObjectRef {
            bucket: self.bucket.clone(),
            size: aws
                .newest_version(&self.bucket, &key, 0)
                .map_or(0, |newest| newest.size),
            key,
            version_id: None,
        })
        .collect()
    }

    /// Hands the rows to `sink`.
    pub fn rows(&self, aws: &EmbeddedAws, sink: Sink<'_>) {
        let _ = match self.kind {
            Kind::Packages | Kind::Revision | Kind::Tag => self.pointer_rows(aws, sink),
            Kind::Manifests | Kind::Manifest | Kind::Entry => self.manifest_rows(aws, sink),
            Kind::PackagesView | Kind::ObjectsView => self.view_rows(aws, sink),
        };
    }

    fn pointer_rows(&self, aws: &EmbeddedAws, sink: Sink<'_>) -> ControlFlow<()> {
        for pointer in pointers(aws, &self.bucket) {
            let PackagePointer {
                package,
                name,
                top_hash,
            } = pointer;
            let row = match (self.kind, revision_time(&name)) {
                (Kind::Packages, _) => {
                    let path = format!("s3://{}/{POINTERS}{package}/{name}", self.bucket);
                    vec![top_hash.into(), path.into()]
                }
                (Kind::Revision, Some(time)) => vec![package.into(), time.into(), top_hash.into()],
                (Kind::Tag, None) => vec![package.into(), name.into(), top_hash.into()],
                _ => continue,
            };
            sink(row)?;
        }
        ControlFlow::Continue(())
    }

    fn manifest_rows(&self, aws: &EmbeddedAws, sink: Sink<'_>) -> ControlFlow<()> {
        for key in aws.keys(&self.bucket) {
            let Some(top_hash) = key.strip_prefix(MANIFESTS) else {
                continue;
            };
            for (row, is_header) in manifest(aws, &self.bucket, top_hash)
                .iter()
                .zip(std::iter::once(true).chain(std::iter::repeat(false)))
            {
                match self.kind {
                    Kind::Manifest if is_header => sink(vec![
                        top_hash.into(),
                        row.text("message").into(),
                        row.json("user_meta").into(),
                    ])?,
                    Kind::Entry if !is_header => sink(vec![
                        top_hash.into(),
                        row.text("logical_key").into(),
                        row.physical_key().into(),
                        row.hash("type").into(),
                        row.hash("value").into(),
                        row.size().into(),
                        row.json("meta").into(),
                    ])?,
                    Kind::Manifests => {
                        let hash = row.hash("type").zip(row.hash("value"));
                        let path = format!("s3://{}/{key}", self.bucket);
                        sink(vec![
                            row.text("logical_key").into(),
                            row.physical_key().map(|key| format!("[{key}]")).into(),
                            hash.map(|(kind, value)| format!("{{type={kind}, value={value}}}"))
                                .into(),
                            row.size().into(),
                            row.json("meta").into(),
                            row.json("user_meta").into(),
                            row.text("message").into(),
                            path.into(),
                        ])?;
                    }
                    _ => {}
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn view_rows(&self, aws: &EmbeddedAws, sink: Sink<'_>) -> ControlFlow<()> {
        let manifests: BTreeSet<String> = aws.keys(&self.bucket).into_iter().collect();
        for pointer in pointers(aws, &self.bucket) {
            let PackagePointer {
                package,
                name,
                top_hash,
            } = &pointer;
            if !manifests.contains(&format!("{MANIFESTS}{top_hash}")) {
                continue;
            }
            let rows = manifest(aws, &self.bucket, top_hash);
            let mut rows = rows.iter();
            let header = rows.next();
            let place = || {
                [
                    Cell::from(package.as_str()),
                    Cell::from(name.as_str()),
                    Cell::from(top_hash.as_str()),
                ]
            };
            if self.kind == Kind::PackagesView {
                let meta = header.and_then(|header| header.json("user_meta"));
                let meta = meta.map(|meta| format!("{{\"user_meta\":{meta}}}"));
                let message = header.and_then(|header| header.text("message"));
                sink(place().into_iter().chain([message.into(), meta.into()]).collect())?;
                continue;
            }
            for row in rows {
                let more: [Cell; 5] = [
                    row.text("logical_key").into(),
                    row.physical_key().into(),
                    row.size().into(),
                    row.hash("value").into(),
                    row.json("meta").into(),
                ];
                sink(place().into_iter().chain(more).collect())?;
            }
        }
        ControlFlow::Continue(())
    }
}

/// Returns the time of a revision as Athena prints it, if the name of the pointer is one.
fn revision_time(name: &str) -> Option<String> {
    let seconds = name.parse().ok().filter(|_| name.len() == 10)?;
    let time = jiff::Timestamp::from_second(seconds).ok()?;
    Some(time.strftime("%Y-%m-%d %H:%M:%S.000").to_string())
}
