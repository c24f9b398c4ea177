//! Arguments of the searches.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalog::SearchKind;

/// What is searched for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    #[default]
    Packages,
    Objects,
    All,
}

/// What facets are asked of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum FacetKind {
    #[default]
    Packages,
    Objects,
}

impl From<FacetKind> for SearchKind {
    fn from(kind: FacetKind) -> Self {
        match kind {
            FacetKind::Packages => Self::Packages,
            FacetKind::Objects => Self::Objects,
        }
    }
}

/// The kind by its names in quilt-mcp 0.22.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) enum Scope {
    Package,
    PackageEntry,
    File,
    Global,
}

impl From<Scope> for Kind {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Package | Scope::PackageEntry => Self::Packages,
            Scope::File => Self::Objects,
            Scope::Global => Self::All,
        }
    }
}

/// Filters on the fields of packages and objects.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub(super) struct Filters {
    /// Date or time
    pub modified_after: Option<String>,
    /// Date or time
    pub modified_before: Option<String>,
    /// Bytes
    #[schemars(with = "Option<i64>")]
    pub size_min: Option<u64>,
    /// Bytes
    #[schemars(with = "Option<i64>")]
    pub size_max: Option<u64>,
    /// Objects: such as csv
    pub ext: Option<Vec<String>>,
    /// Objects: with * and ?
    pub key: Option<String>,
    /// Objects: words of the text
    pub content: Option<String>,
    /// Objects: find delete markers
    #[serde(default)]
    pub deleted: bool,
    /// Packages: with * and ?
    pub name: Option<String>,
    /// Packages: with * and ?
    pub hash: Option<String>,
    /// Packages
    #[schemars(with = "Option<i64>")]
    pub entries_min: Option<u64>,
    /// Packages
    #[schemars(with = "Option<i64>")]
    pub entries_max: Option<u64>,
    /// Packages: words of the commit message
    pub message: Option<String>,
    /// Packages: ids of workflows
    pub workflow: Option<Vec<String>>,
}

impl Filters {
    /// Returns the filters of one kind that are given, which the other kind does not have.
    pub(super) fn only_of(&self, kind: SearchKind) -> Vec<&'static str> {
        let given = match kind {
            SearchKind::Objects => vec![
                ("ext", self.ext.is_some()),
                ("key", self.key.is_some()),
                ("content", self.content.is_some()),
                ("deleted", self.deleted),
            ],
            SearchKind::Packages => vec![
                ("name", self.name.is_some()),
                ("hash", self.hash.is_some()),
                ("entries_min", self.entries_min.is_some()),
                ("entries_max", self.entries_max.is_some()),
                ("message", self.message.is_some()),
                ("workflow", self.workflow.is_some()),
            ],
        };
        let given = given.into_iter().filter(|(_, is_given)| *is_given);
        given.map(|(name, _)| name).collect()
    }
}

/// A condition on a field of packages' metadata.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub(super) struct MetadataFilter {
    /// JSON pointer, such as /sample/organism
    pub path: String,
    /// Any of these strings
    pub equals: Option<Vec<String>>,
    /// With * and ?
    pub wildcard: Option<String>,
    /// Number
    pub min: Option<f64>,
    /// Number
    pub max: Option<f64>,
    /// Date or time
    pub after: Option<String>,
    /// Date or time
    pub before: Option<String>,
    /// Words of a long text
    pub text: Option<String>,
    /// Boolean
    pub is: Option<bool>,
}
