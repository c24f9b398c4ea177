//! Arguments of `catalog_link`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::aws::s3::BucketName;

/// What the catalog's search page finds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    #[default]
    Packages,
    Objects,
}

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Args {
    /// Alone: a URL of the catalog, or an s3:// or quilt+s3:// URI, whose parts are returned
    pub(super) url: Option<String>,
    /// Bucket
    #[schemars(with = "Option<String>")]
    pub(super) bucket: Option<BucketName>,
    /// Object key, or a prefix that ends with /
    pub(super) key: Option<String>,
    /// Version of the object
    pub(super) version_id: Option<String>,
    /// As `namespace/name`
    pub(super) name: Option<String>,
    /// Top hash or tag of a revision; by default latest
    pub(super) hash: Option<String>,
    /// File of the package, or a folder that ends with /
    pub(super) path: Option<String>,
    /// Revision to compare hash with
    pub(super) other_hash: Option<String>,
    /// Words of a search
    pub(super) query: Option<String>,
    /// Kind of the search: packages (default) or objects
    pub(super) kind: Option<Kind>,
    /// Id of an Athena query
    pub(super) query_id: Option<String>,
    /// Workgroup of the query
    pub(super) workgroup: Option<String>,
}
