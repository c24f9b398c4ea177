//! Facets: which values the fields of the hits have.

use serde::Deserialize;
use serde_json::Value;

use super::answer::{Outcome, SearchError, Total};
use super::page::answer;
use super::request::{SearchKind, SearchRequest};
use crate::catalog::RegistryAccess;
use crate::catalog::documents::{ObjectFacetsQuery, PackageFacetsQuery};
use crate::catalog::schema_cache::in_generations;

/// The facets of a search.
#[derive(Debug, Clone, Default)]
pub struct Facets {
    /// The number of all hits. Absent if the registry does not count.
    pub total: Option<u64>,
    /// The times between which the hits were modified.
    pub modified: Option<(String, String)>,
    pub size: Option<(f64, f64)>,
    /// The numbers of entries of packages.
    pub entries: Option<(f64, f64)>,
    /// The workflows of packages.
    pub workflows: Vec<String>,
    /// The extensions of objects.
    pub extensions: Vec<String>,
    /// The fields of packages' metadata.
    pub metadata: Vec<Facet>,
    /// Whether there are more fields of metadata.
    pub is_truncated: bool,
}

/// A field of metadata.
#[derive(Debug, Clone)]
pub struct Facet {
    /// A JSON pointer.
    pub path: String,
    pub values: FacetValues,
}

/// The type of a field, and its values.
#[derive(Debug, Clone)]
pub enum FacetValues {
    Number(f64, f64),
    Datetime(String, String),
    Keyword(Vec<String>),
    Text,
    Boolean,
}

#[derive(Deserialize)]
struct Extents<T> {
    min: T,
    max: T,
}

impl<T> From<Extents<T>> for (T, T) {
    fn from(extents: Extents<T>) -> Self {
        (extents.min, extents.max)
    }
}

#[derive(Default, Deserialize)]
struct Values {
    values: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Set {
    #[serde(flatten)]
    total: Total,
    stats: Stats,
    /// The facets that were searched for.
    #[serde(default)]
    filtered_user_meta_facets: Vec<RawFacet>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stats {
    #[serde(flatten)]
    total: Total,
    #[serde(default)]
    modified: Option<Extents<String>>,
    #[serde(default)]
    size: Option<Extents<f64>>,
    #[serde(default)]
    entries: Option<Extents<f64>>,
    #[serde(default)]
    workflow: Values,
    #[serde(default)]
    ext: Values,
    #[serde(default)]
    user_meta: Vec<RawFacet>,
    #[serde(default)]
    user_meta_truncated: bool,
}

#[derive(Deserialize)]
struct RawFacet {
    #[serde(rename = "__typename")]
    kind: String,
    #[serde(default)]
    path: String,
    n: Option<Extents<f64>>,
    d: Option<Extents<String>>,
    k: Option<Values>,
}

impl RawFacet {
    /// Returns the facet; `None` if it is of a type that this server does not know.
    fn known(self) -> Option<Facet> {
        let values = match (self.kind.as_str(), self.n, self.d, self.k) {
            (_, Some(extents), _, _) => FacetValues::Number(extents.min, extents.max),
            (_, _, Some(extents), _) => FacetValues::Datetime(extents.min, extents.max),
            (_, _, _, Some(values)) => FacetValues::Keyword(values.values),
            ("TextPackageUserMetaFacet", ..) => FacetValues::Text,
            ("BooleanPackageUserMetaFacet", ..) => FacetValues::Boolean,
            _ => return None,
        };
        Some(Facet {
            path: self.path,
            values,
        })
    }
}

impl From<Set> for Facets {
    fn from(set: Set) -> Self {
        let Set {
            total,
            stats,
            filtered_user_meta_facets,
        } = set;
        let metadata = stats.user_meta.into_iter().chain(filtered_user_meta_facets);
        Self {
            total: total.counted().or(stats.total.counted()),
            modified: stats.modified.map(Into::into),
            size: stats.size.map(Into::into),
            entries: stats.entries.map(Into::into),
            workflows: stats.workflow.values,
            extensions: stats.ext.values,
            metadata: metadata.filter_map(RawFacet::known).collect(),
            is_truncated: stats.user_meta_truncated,
        }
    }
}

/// Requests the facets of a search. With a `path`, those of metadata are the ones whose path contains it.
pub async fn search_facets(
    access: &RegistryAccess,
    request: &SearchRequest,
    path: Option<&str>,
) -> Result<Facets, SearchError> {
    let outcome: Outcome<Set> = match request.kind {
        SearchKind::Packages => {
            in_generations(access, |access, generation: PackageFacetsQuery| async move {
                let (has_latest_only, finds_paths) = match generation {
                    PackageFacetsQuery::OperationError | PackageFacetsQuery::Total => (true, true),
                    PackageFacetsQuery::StatsTotal => (false, true),
                    PackageFacetsQuery::Whole => (false, false),
                };
                let mut variables = request.variables(has_latest_only);
                if let Some(path) = path.filter(|_| finds_paths) {
                    variables.insert("p".to_owned(), path.into());
                }
                answer(access, &generation.document(path.is_some()), Value::Object(variables)).await
            })
            .await?
        }
        SearchKind::Objects => {
            in_generations(access, |access, generation: ObjectFacetsQuery| async move {
                let variables = Value::Object(request.variables(false));
                answer(access, &generation.document(), variables).await
            })
            .await?
        }
    };
    let nothing = || Facets {
        total: Some(0),
        ..Facets::default()
    };
    Ok(outcome.into_set()?.map_or_else(nothing, Facets::from))
}
