//! The queries of the front end's pages, told apart by their names and answered by whole objects: fields that a query does not
//! select do no harm.

use std::collections::BTreeMap;

use bytes::Bytes;
use embedded_aws::EmbeddedAws;
use quilt_format::layout::{self, Pointer, PointerKind};
use quilt_format::{PackageName, TopHash};
use serde_json::{Value, json};

use super::super::registry_users::RegistryRole;
use super::super::search::package::Manifest;

/// The revisions or packages of a page, where a query does not say.
const PER_PAGE: u64 = 25;
/// The packages' pointers in a bucket.
const POINTERS: &str = ".quilt/named_packages/";

/// The registry as the user of the pages sees it.
pub(super) struct Queries<'a> {
    pub aws: &'a EmbeddedAws,
    pub role: &'a RegistryRole,
}

/// A revision: its hash, and the time of its pointer.
struct Revision {
    hash: String,
    modified: String,
}

impl Queries<'_> {
    /// Answers a request in the form of GraphQL.
    pub fn answer(&self, request: &Value) -> Value {
        let name = operation(request);
        let empty = json!({});
        let variables = Variables(request.get("variables").unwrap_or(&empty));
        match self.data(name, &variables) {
            Some(data) => json!({ "data": data }),
            None => json!({ "errors": [{ "message": format!("the development catalog does not answer {name}") }] }),
        }
    }

    fn data(&self, name: &str, variables: &Variables<'_>) -> Option<Value> {
        let page = name.rsplit_once("_gql_").map_or(name, |(_, last)| last);
        Some(match page {
            "utils_BucketConfigList" => {
                let buckets: Vec<Value> = self
                    .role
                    .buckets
                    .iter()
                    .map(|(bucket, _)| bucket_config(bucket))
                    .collect();
                json!({ "bucketConfigs": buckets })
            }
            "utils_StatusReportsBucket" => json!({ "status": { "__typename": "Unavailable" } }),
            "containers_Bucket_OverviewBucketConfig"
            | "utils_LinkedDataBuckets"
            | "containers_NavBar_BucketCollaborators" => {
                let bucket = variables.text("bucket");
                let known = self.may_read(bucket).then(|| bucket_config(bucket));
                json!({ "bucketConfig": known })
            }
            "PackageCount" | "PackageList" => json!({ "packages": self.packages(variables) }),
            "RevisionCount" | "RevisionList" | "Revision" | "Dir" | "File" | "Manifest" => {
                json!({ "package": self.package(variables) })
            }
            _ => return None,
        })
    }

    fn may_read(&self, bucket: &str) -> bool {
        self.role.level(bucket).is_some()
    }

    fn modified(&self, bucket: &str, key: &str) -> String {
        let newest = self.aws.newest_version(bucket, key, 0);
        newest.map(|version| version.modified.to_string()).unwrap_or_default()
    }

    /// Returns the hash that a pointer contains.
    fn pointed(&self, bucket: &str, key: &str) -> Option<String> {
        let content = String::from_utf8(self.aws.object_bytes(bucket, key)?).ok()?;
        Some(content.trim().to_owned())
    }

    /// Returns the revisions of the packages of a bucket, the newest first.
    fn revisions(&self, bucket: &str) -> BTreeMap<String, Vec<Revision>> {
        let mut packages: BTreeMap<String, Vec<Revision>> = BTreeMap::new();
        for key in self.aws.keys(bucket).into_iter().rev() {
            let name = key.strip_prefix(POINTERS).and_then(|rest| rest.rsplit_once('/'));
            let Some(name) = name.and_then(|(name, _)| PackageName::from_listing(name).ok()) else {
                continue;
            };
            if let PointerKind::Revision(_) = layout::pointer_kind(&name, &key)
                && let Some(hash) = self.pointed(bucket, &key)
            {
                let modified = self.modified(bucket, &key);
                let revisions = packages.entry(name.to_string()).or_default();
                revisions.push(Revision { hash, modified });
            }
        }
        packages
    }

    fn packages(&self, variables: &Variables<'_>) -> Value {
        let bucket = variables.text("bucket");
        if !self.may_read(bucket) {
            return Value::Null;
        }
        let filter = variables.text("filter").to_lowercase();
        let mut found: Vec<(String, Vec<Revision>)> = self
            .revisions(bucket)
            .into_iter()
            .filter(|(name, _)| name.to_lowercase().contains(&filter))
            .collect();
        if variables.text("order") != "NAME" {
            let newest = |revisions: &[Revision]| revisions.first().map(|newest| newest.modified.clone());
            found.sort_by_key(|(_, revisions)| std::cmp::Reverse(newest(revisions)));
        }
        let total = found.len();
        let page: Vec<Value> = variables
            .page(&found)
            .map(|(name, revisions)| {
                let newest = revisions.first();
                json!({
                    "__typename": "Package", "bucket": bucket, "name": name,
                    "modified": newest.map(|newest| &newest.modified), "accessCounts": null,
                    "revisions": { "__typename": "PackageRevisionList", "total": revisions.len() },
                    "revision": newest.map(|newest| self.revision(bucket, &newest.hash, Some(&newest.modified))),
                })
            })
            .collect();
        json!({ "__typename": "PackageList", "total": total, "page": page })
    }

    fn package(&self, variables: &Variables<'_>) -> Value {
        let (bucket, name) = (variables.text("bucket"), variables.text("name"));
        if !self.may_read(bucket) {
            return Value::Null;
        }
        let Some(revisions) = self.revisions(bucket).remove(name) else {
            return Value::Null;
        };
        let page: Vec<Value> = variables
            .page(&revisions)
            .map(|found| self.revision(bucket, &found.hash, Some(&found.modified)))
            .collect();
        let asked = [variables.text("hash"), variables.text("hashOrTag")];
        let asked = asked.into_iter().find(|asked| !asked.is_empty());
        let hash = asked.and_then(|asked| self.resolve(bucket, name, asked));
        let revision = hash.map(|hash| self.revision_at(bucket, &hash, variables.text("path")));
        json!({
            "__typename": "Package", "bucket": bucket, "name": name,
            "modified": revisions.first().map(|newest| &newest.modified),
            "revisions": { "__typename": "PackageRevisionList", "total": revisions.len(), "page": page },
            "revision": revision,
        })
    }

    /// Returns the hash that a page names: a top hash, or the name of a pointer.
    fn resolve(&self, bucket: &str, name: &str, hash_or_tag: &str) -> Option<String> {
        if hash_or_tag.parse::<TopHash>().is_ok() {
            return Some(hash_or_tag.to_owned());
        }
        let name = PackageName::from_listing(name).ok()?;
        let key = if hash_or_tag == "latest" {
            layout::pointer(&name, Pointer::Latest)
        } else {
            layout::tag(&name, hash_or_tag)
        };
        self.pointed(bucket, &key)
    }

    fn manifest(&self, bucket: &str, hash: &str) -> Option<Manifest> {
        let key = layout::manifest(&hash.parse().ok()?);
        Manifest::read(&Bytes::from(self.aws.object_bytes(bucket, &key)?))
    }

    fn revision(&self, bucket: &str, hash: &str, modified: Option<&str>) -> Value {
        let manifest = self.manifest(bucket, hash).unwrap_or_default();
        summary(&manifest, hash, modified)
    }

    /// Returns a revision with what is at a path of it: a folder, and a file.
    fn revision_at(&self, bucket: &str, hash: &str, path: &str) -> Value {
        let Some(manifest) = self.manifest(bucket, hash) else {
            return Value::Null;
        };
        let mut revision = summary(&manifest, hash, None);
        if let Value::Object(fields) = &mut revision {
            fields.insert("dir".to_owned(), folder(&manifest, path));
            fields.insert("file".to_owned(), file(&manifest, path));
        }
        revision
    }
}

fn summary(manifest: &Manifest, hash: &str, modified: Option<&str>) -> Value {
    let workflow = manifest.workflow_id().map(|id| json!({ "id": id }));
    json!({
        "__typename": "PackageRevision", "hash": hash, "modified": modified, "message": manifest.comment,
        "userMeta": manifest.meta, "metadata": header(manifest), "totalEntries": manifest.total_files,
        "totalBytes": manifest.total_bytes, "accessCounts": null, "workflow": workflow, "contentsFlatMap": null,
    })
}

/// Returns the first record of a manifest, which the page of the package shows as its message and metadata.
fn header(manifest: &Manifest) -> Value {
    json!({ "version": "v0", "message": manifest.comment, "user_meta": manifest.meta, "workflow": manifest.workflow })
}

fn folder(manifest: &Manifest, path: &str) -> Value {
    let prefix = match path.trim_end_matches('/') {
        "" => String::new(),
        folder => format!("{folder}/"),
    };
    let mut folders: BTreeMap<String, u64> = BTreeMap::new();
    let mut files: BTreeMap<&str, Value> = BTreeMap::new();
    for entry in &manifest.entries {
        let Some(rest) = entry.logical_key.strip_prefix(&prefix) else {
            continue;
        };
        if let Some((folder, _)) = rest.split_once('/') {
            *folders.entry(format!("{prefix}{folder}/")).or_default() += entry.size;
        } else {
            let file = json!({
                "__typename": "PackageFile", "path": entry.logical_key, "size": entry.size,
                "physicalKey": entry.physical_key,
            });
            files.insert(&entry.logical_key, file);
        }
    }
    let folders = folders
        .into_iter()
        .map(|(path, size)| json!({ "__typename": "PackageDir", "path": path, "size": size }));
    let children: Vec<Value> = folders.chain(files.into_values()).collect();
    let metadata = if prefix.is_empty() { header(manifest) } else { json!({}) };
    json!({ "__typename": "PackageDir", "path": path, "metadata": metadata, "children": children })
}

fn file(manifest: &Manifest, path: &str) -> Value {
    let found = manifest.entries.iter().find(|entry| &*entry.logical_key == path);
    found.map_or(Value::Null, |entry| {
        let meta = entry
            .meta
            .as_deref()
            .and_then(|meta| serde_json::from_str::<Value>(meta).ok());
        json!({
            "__typename": "PackageFile", "path": path, "size": entry.size, "physicalKey": entry.physical_key,
            "metadata": meta,
        })
    })
}

fn bucket_config(bucket: &str) -> Value {
    json!({
        "__typename": "BucketConfig", "name": bucket, "title": bucket, "iconUrl": null, "description": null,
        "linkedData": null, "overviewUrl": null, "tags": [], "relevanceScore": 100, "collaborators": [],
    })
}

/// Returns the name of a request's operation.
fn operation(request: &Value) -> &str {
    if let Some(name) = request.get("operationName").and_then(Value::as_str) {
        return name;
    }
    let document = request.get("query").and_then(Value::as_str).unwrap_or_default();
    let rest = document.trim_start().strip_prefix("query ").unwrap_or_default();
    let end = rest.find(|symbol: char| !symbol.is_alphanumeric() && symbol != '_');
    rest.get(..end.unwrap_or(rest.len())).unwrap_or_default()
}

/// The variables of a request.
struct Variables<'a>(&'a Value);

impl Variables<'_> {
    fn text(&self, name: &str) -> &str {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    fn number(&self, name: &str, default: u64) -> usize {
        let number = self.0.get(name).and_then(Value::as_u64).unwrap_or(default);
        usize::try_from(number).unwrap_or(usize::MAX)
    }

    /// Returns the rows of the page that is asked for.
    fn page<'r, T>(&self, rows: &'r [T]) -> impl Iterator<Item = &'r T> + use<'r, T> {
        let per_page = self.number("perPage", PER_PAGE);
        let before = self.number("page", 1).saturating_sub(1).saturating_mul(per_page);
        rows.iter().skip(before).take(per_page)
    }
}
