//! The GraphQL documents of this server, each with the dates between which the registry's schema accepts it.
//!
//! **Owns** the text of every document. A query exists in generations, because deployed stacks have schemas of different
//! ages: [`Generation::ALL`] lists them from the newest on, and [`super::schema_cache`] remembers which one a registry
//! accepts. **Does not own** variables and answers. The dates are those of `shared/graphql/schema.graphql` in quiltdata/quilt.

pub(super) mod account;
pub(super) mod tabulator;

/// A query that exists in generations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Family {
    Buckets,
    Packages,
    Objects,
    MorePackages,
    MoreObjects,
    PackageFacets,
    ObjectFacets,
}

/// A generation of a query.
pub(super) trait Generation: Copy + PartialEq + Send + 'static {
    const FAMILY: Family;
    /// Every generation, the newest first.
    const ALL: &'static [Self];
}

/// The user of a token, since 2024-05-21 (quiltdata/quilt#3984).
pub(super) const ME: &str = "query Me { me { name email isAdmin role { name } roles { name } } }";

const USER: &str = "me { name email isAdmin role { name } roles { name } }";
const COLLABORATORS: &str = " collaborators { collaborator { email username } permissionLevel }";

/// A generation of the query for the user and the user's buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BucketsQuery {
    /// `me` and `buckets`, which lists those of the active role; since 2026-04-22.
    Scoped,
    /// `me` and `bucketConfigs`, which lists all buckets to administrators; since May 2024, when `me` came.
    Configs,
    /// The same without `collaborators`.
    ConfigsWithoutCollaborators,
    /// `bucketConfigs` alone: stacks before May 2024, and quilt3-local 2.0.0.
    ConfigsWithoutUser,
}

impl Generation for BucketsQuery {
    const FAMILY: Family = Family::Buckets;
    const ALL: &'static [Self] = &[
        Self::Scoped,
        Self::Configs,
        Self::ConfigsWithoutCollaborators,
        Self::ConfigsWithoutUser,
    ];
}

impl BucketsQuery {
    /// Returns the document. The collaborators of all buckets may exceed the maximum size of a response.
    pub(super) fn document(self, with_collaborators: bool) -> String {
        let (name, me, field, has_collaborators) = match self {
            Self::Scoped => ("Buckets", USER, "buckets", true),
            Self::Configs => ("BucketConfigs", USER, "bucketConfigs", true),
            Self::ConfigsWithoutCollaborators => ("BucketConfigs", USER, "bucketConfigs", false),
            Self::ConfigsWithoutUser => ("BucketConfigs", "", "bucketConfigs", false),
        };
        let collaborators = if has_collaborators && with_collaborators {
            COLLABORATORS
        } else {
            ""
        };
        format!("query {name} {{ {me} {field} {{ name title description{collaborators} }} }}")
    }
}

/// The errors that a search may answer until 2025-08-21.
const INPUT_ERRORS: &str = "... on InvalidInput { errors { path message name } }";
/// The errors that a search may answer since 2025-08-22.
const ERRORS: &str = "... on InvalidInput { errors { path message name } } ... on OperationError { name message }";

/// The fields of a package that a search finds, since 2025-07-18.
const PACKAGE: &str = "bucket name pointer hash score size modified totalEntriesCount comment meta workflow \
                       matchLocations { name comment meta workflow } \
                       matchingEntries { logicalKey physicalKey size \
                       matchLocations { logicalKey physicalKey meta contents } }";
/// The fields of a package that a search finds, since 2023-10-13. `meta` was an object then and is its JSON text now.
const OLD_PACKAGE: &str = "bucket name hash score size modified comment meta workflow";
/// The fields of an object that a search finds, since 2023-10-13.
const OBJECT: &str = "bucket key version score size modified deleted";

/// A generation of the search for packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PackagesQuery {
    /// `ordering`, and a first page that may be an error; since 2026-08-21.
    Ordering,
    /// `order`, and `OperationError`; from 2025-08-22 to 2026-08-20.
    OperationError,
    /// From 2025-07-18 to 2026-08-20.
    LatestOnly,
    /// The total among the statistics; from 2023-10-13 to 2025-07-17. Searches all revisions.
    AllRevisions,
}

impl Generation for PackagesQuery {
    const FAMILY: Family = Family::Packages;
    const ALL: &'static [Self] = &[
        Self::Ordering,
        Self::OperationError,
        Self::LatestOnly,
        Self::AllRevisions,
    ];
}

impl PackagesQuery {
    /// Returns the document, with the variables `b`, `q`, `f`, `m`, `n`, `o` and, since 2025-07-18, `l`.
    pub(super) fn document(self) -> String {
        let (order, errors) = match self {
            Self::Ordering => ("PackageOrdering", ERRORS),
            Self::OperationError => ("SearchResultOrder", ERRORS),
            Self::LatestOnly | Self::AllRevisions => ("SearchResultOrder", INPUT_ERRORS),
        };
        let page = match self {
            Self::Ordering => format!(
                "total firstPage(size: $n, ordering: $o) {{ __typename ... on PackagesSearchResultSetPage {{ cursor hits {{ \
                 {PACKAGE} }} }} {errors} }}"
            ),
            Self::OperationError | Self::LatestOnly => {
                format!("total firstPage(size: $n, order: $o) {{ cursor hits {{ {PACKAGE} }} }}")
            }
            Self::AllRevisions => {
                format!("stats {{ total }} firstPage(size: $n, order: $o) {{ cursor hits {{ {OLD_PACKAGE} }} }}")
            }
        };
        let (latest, latest_only) = self.latest_only();
        format!(
            "query SearchPackages($b: [String!], $q: String, $f: PackagesSearchFilter, $m: [PackageUserMetaPredicate!], \
             {latest}$n: Int!, $o: {order}) {{ searchPackages(buckets: $b, searchString: $q, filter: $f, \
             userMetaFilters: $m{latest_only}) {{ __typename ... on PackagesSearchResultSet {{ {page} }} {errors} }} }}"
        )
    }

    /// Returns the definition and the use of the variable `l`.
    fn latest_only(self) -> (&'static str, &'static str) {
        match self {
            Self::AllRevisions => ("", ""),
            _ => LATEST_ONLY,
        }
    }
}

const LATEST_ONLY: (&str, &str) = ("$l: Boolean!, ", ", latestOnly: $l");

/// A generation of the search for objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ObjectsQuery {
    /// `OperationError`; since 2025-08-22.
    OperationError,
    /// `total` of the set; since 2025-07-18.
    Total,
    /// The total among the statistics; from 2023-10-13 to 2025-07-17.
    StatsTotal,
}

impl Generation for ObjectsQuery {
    const FAMILY: Family = Family::Objects;
    const ALL: &'static [Self] = &[Self::OperationError, Self::Total, Self::StatsTotal];
}

impl ObjectsQuery {
    /// Returns the document, with the variables `b`, `q`, `f`, `n` and `o`. The indexed text exists since 2024-10-11, and is
    /// asked for since 2025-07-18.
    pub(super) fn document(self, with_text: bool) -> String {
        let (total, errors) = match self {
            Self::OperationError => ("total", ERRORS),
            Self::Total => ("total", INPUT_ERRORS),
            Self::StatsTotal => ("stats { total }", INPUT_ERRORS),
        };
        let text = indexed_text(with_text && self != Self::StatsTotal);
        format!(
            "query SearchObjects($b: [String!], $q: String, $f: ObjectsSearchFilter, $n: Int!, $o: SearchResultOrder) {{ \
             searchObjects(buckets: $b, searchString: $q, filter: $f) {{ __typename ... on ObjectsSearchResultSet {{ {total} \
             firstPage(size: $n, order: $o) {{ cursor hits {{ {OBJECT}{text} }} }} }} {errors} }} }}"
        )
    }
}

fn indexed_text(is_asked: bool) -> &'static str {
    if is_asked { " indexedContent" } else { "" }
}

/// A generation of the search for the next page of packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MorePackagesQuery {
    /// Since 2025-08-22.
    OperationError,
    /// Since 2025-07-18.
    Pointer,
    /// Since 2023-10-13.
    Old,
}

impl Generation for MorePackagesQuery {
    const FAMILY: Family = Family::MorePackages;
    const ALL: &'static [Self] = &[Self::OperationError, Self::Pointer, Self::Old];
}

impl MorePackagesQuery {
    /// Returns the document, with the variables `a` and `n`.
    pub(super) fn document(self) -> String {
        let (fields, errors) = match self {
            Self::OperationError => (PACKAGE, ERRORS),
            Self::Pointer => (PACKAGE, INPUT_ERRORS),
            Self::Old => (OLD_PACKAGE, INPUT_ERRORS),
        };
        format!(
            "query SearchMorePackages($a: String!, $n: Int!) {{ searchMorePackages(after: $a, size: $n) {{ __typename \
             ... on PackagesSearchResultSetPage {{ cursor hits {{ {fields} }} }} {errors} }} }}"
        )
    }
}

/// A generation of the search for the next page of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MoreObjectsQuery {
    /// Since 2025-08-22.
    OperationError,
    /// Since 2024-10-11.
    IndexedContent,
    /// Since 2023-10-13.
    Old,
}

impl Generation for MoreObjectsQuery {
    const FAMILY: Family = Family::MoreObjects;
    const ALL: &'static [Self] = &[Self::OperationError, Self::IndexedContent, Self::Old];
}

impl MoreObjectsQuery {
    /// Returns the document, with the variables `a` and `n`.
    pub(super) fn document(self, with_text: bool) -> String {
        let errors = match self {
            Self::OperationError => ERRORS,
            Self::IndexedContent | Self::Old => INPUT_ERRORS,
        };
        let text = indexed_text(with_text && self != Self::Old);
        format!(
            "query SearchMoreObjects($a: String!, $n: Int!) {{ searchMoreObjects(after: $a, size: $n) {{ __typename \
             ... on ObjectsSearchResultSetPage {{ cursor hits {{ {OBJECT}{text} }} }} {errors} }} }}"
        )
    }
}

/// A facet of metadata. The three kinds of extents have different types, and cannot have one name.
const FACET: &str = "{ __typename ... on IPackageUserMetaFacet { path } \
                     ... on NumberPackageUserMetaFacet { n: extents { min max } } \
                     ... on DatetimePackageUserMetaFacet { d: extents { min max } } \
                     ... on KeywordPackageUserMetaFacet { k: extents { values } } }";

/// A generation of the query for the facets of packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PackageFacetsQuery {
    /// `OperationError`; since 2025-08-22.
    OperationError,
    /// `total` of the set, and `latestOnly`; since 2025-07-18.
    Total,
    /// The total among the statistics; from 2023-12-11 to 2025-07-17.
    StatsTotal,
    /// All facets, and no search among them; from 2023-10-13 to 2025-07-17.
    Whole,
}

impl Generation for PackageFacetsQuery {
    const FAMILY: Family = Family::PackageFacets;
    const ALL: &'static [Self] = &[Self::OperationError, Self::Total, Self::StatsTotal, Self::Whole];
}

impl PackageFacetsQuery {
    /// Returns the document, with the variables `b`, `q`, `f`, `m`, since 2025-07-18 `l`, and `p` if paths are searched for.
    pub(super) fn document(self, with_path: bool) -> String {
        let errors = match self {
            Self::OperationError => ERRORS,
            Self::Total | Self::StatsTotal | Self::Whole => INPUT_ERRORS,
        };
        let (total, stats_total) = match self {
            Self::OperationError | Self::Total => ("total", ""),
            Self::StatsTotal | Self::Whole => ("", "total "),
        };
        let (latest, latest_only) = match self {
            Self::OperationError | Self::Total => LATEST_ONLY,
            Self::StatsTotal | Self::Whole => ("", ""),
        };
        let ranges = "modified { min max } size { min max } entries { min max } workflow { values }";
        let (path, facets) = match self {
            Self::Whole => ("", format!("userMeta {FACET} }}")),
            _ if with_path => (
                ", $p: String!",
                format!("userMetaTruncated }} filteredUserMetaFacets(path: $p) {FACET}"),
            ),
            _ => ("", format!("userMetaTruncated userMeta {FACET} }}")),
        };
        format!(
            "query PackageFacets($b: [String!], $q: String, {latest}$f: PackagesSearchFilter, \
             $m: [PackageUserMetaPredicate!]{path}) {{ searchPackages(buckets: $b, searchString: $q, filter: $f, \
             userMetaFilters: $m{latest_only}) {{ __typename ... on PackagesSearchResultSet {{ {total} stats {{ \
             {stats_total}{ranges} {facets} }} {errors} }} }}"
        )
    }
}

/// A generation of the query for the facets of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ObjectFacetsQuery {
    /// `OperationError`; since 2025-08-22.
    OperationError,
    /// `total` of the set; since 2025-07-18.
    Total,
    /// The total among the statistics; from 2023-10-13 to 2025-07-17.
    StatsTotal,
}

impl Generation for ObjectFacetsQuery {
    const FAMILY: Family = Family::ObjectFacets;
    const ALL: &'static [Self] = &[Self::OperationError, Self::Total, Self::StatsTotal];
}

impl ObjectFacetsQuery {
    /// Returns the document, with the variables `b`, `q` and `f`.
    pub(super) fn document(self) -> String {
        let (total, stats_total, errors) = match self {
            Self::OperationError => ("total", "", ERRORS),
            Self::Total => ("total", "", INPUT_ERRORS),
            Self::StatsTotal => ("", "total ", INPUT_ERRORS),
        };
        format!(
            "query ObjectFacets($b: [String!], $q: String, $f: ObjectsSearchFilter) {{ searchObjects(buckets: $b, \
             searchString: $q, filter: $f) {{ __typename ... on ObjectsSearchResultSet {{ {total} stats {{ {stats_total}\
             modified {{ min max }} size {{ min max }} ext {{ values }} }} }} {errors} }} }}"
        )
    }
}
