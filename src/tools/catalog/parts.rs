//! The parts of what a page shows, under the names of the tools' arguments.

use std::collections::BTreeMap;

use quilt_format::Revision;
use schemars::JsonSchema;
use serde::Serialize;

use super::subject::revision;
use crate::catalog::CatalogPage;

/// What a page shows.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Parts {
    #[serde(skip_serializing_if = "Option::is_none")]
    bucket: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
    /// The name of a pointer in place of a hash.
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    other_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<String>,
    /// `packages` or `objects`.
    #[serde(skip_serializing_if = "Option::is_none")]
    search_kind: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    buckets: Vec<String>,
    /// The other parameters of a search page.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    parameters: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    query_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    workgroup: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    table: Option<String>,
}

impl Parts {
    pub(super) fn of(page: &CatalogPage) -> Self {
        use CatalogPage as P;
        let mut parts = Self::default();
        match page.clone() {
            P::Home | P::Other => {}
            P::Bucket { bucket } | P::PackageList { bucket } => parts.bucket = Some(bucket),
            P::Prefix { bucket, prefix } => {
                parts.bucket = Some(bucket);
                parts.prefix = Some(prefix);
            }
            P::Object {
                bucket,
                key,
                version_id,
            } => {
                parts.bucket = Some(bucket);
                parts.key = Some(key);
                parts.version_id = version_id;
            }
            P::Package {
                bucket,
                name,
                revision: named,
                path,
            } => {
                parts.bucket = Some(bucket);
                parts.name = Some(name);
                match revision(named.as_deref()) {
                    Revision::Unspecified => {}
                    Revision::Hash(hash) => parts.hash = Some(hash),
                    Revision::Tag(tag) => parts.tag = Some(tag),
                }
                parts.path = path;
            }
            P::Revisions { bucket, name } => {
                parts.bucket = Some(bucket);
                parts.name = Some(name);
            }
            P::Comparison {
                bucket,
                name,
                base,
                other,
            } => {
                parts.bucket = Some(bucket);
                parts.name = Some(name);
                parts.hash = Some(base);
                parts.other_hash = other;
            }
            P::Search { parameters } => parts.add_search(parameters),
            P::Query {
                bucket,
                workgroup,
                query_id,
            } => {
                parts.bucket = bucket;
                parts.workgroup = Some(workgroup);
                parts.query_id = Some(query_id);
            }
            P::QueryEditor { bucket, table } => {
                parts.bucket = bucket;
                parts.table = table;
            }
        }
        parts
    }

    fn add_search(&mut self, parameters: Vec<(String, String)>) {
        let mut buckets = Vec::new();
        for (name, value) in parameters {
            match name.as_str() {
                "q" => self.query = Some(value),
                "t" => {
                    self.search_kind = match value.as_str() {
                        "p" => Some("packages".to_owned()),
                        "o" => Some("objects".to_owned()),
                        _ => Some(value),
                    }
                }
                "b" | "buckets" => {
                    let names = value.split(',').filter(|name| !name.is_empty());
                    buckets.extend(names.map(str::to_owned));
                }
                _ => drop(self.parameters.insert(name, value)),
            }
        }
        self.buckets = buckets;
    }

    /// Returns the name of what a page shows.
    pub(super) fn kind(page: &CatalogPage) -> &'static str {
        use CatalogPage as P;
        match page {
            P::Home => "home",
            P::Bucket { .. } => "bucket",
            P::Prefix { .. } => "prefix",
            P::Object { .. } => "object",
            P::PackageList { .. } => "package_list",
            P::Package { path: Some(_), .. } => "file",
            P::Package { .. } => "package",
            P::Revisions { .. } => "revisions",
            P::Comparison { .. } => "comparison",
            P::Search { .. } => "search",
            P::Query { .. } => "query",
            P::QueryEditor { .. } => "query_editor",
            P::Other => "other",
        }
    }
}
