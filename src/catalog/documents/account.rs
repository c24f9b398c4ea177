//! Documents about the caller's account: the switch of the role, and access counts.

/// The switch of the caller's role, since 2024-06-18 (quiltdata/quilt#3990), with the variable `r`.
pub(in crate::catalog) const SWITCH_ROLE: &str = "mutation SwitchRole($r: String!) { switchRole(roleName: $r) { __typename \
    ... on Me { name email isAdmin role { name } roles { name } } \
    ... on InvalidInput { errors { path message name } } ... on OperationError { name message } } }";

/// Access counts of a bucket, since 2024-11-19 (quiltdata/quilt#4218), with the variables `b` and `w`.
pub(in crate::catalog) const BUCKET_USAGE: &str = "query BucketUsage($b: String!, $w: Int!) { bucketConfig(name: $b) { name } \
    bucketAccessCounts(bucket: $b, window: $w) { byExt(groups: 10) { ext counts { total } } \
    combined { total counts { date value } } } }";

/// Access counts of an object, since 2024-11-19, with the variables `b`, `k` and `w`.
pub(in crate::catalog) const OBJECT_USAGE: &str = "query ObjectUsage($b: String!, $k: String!, $w: Int!) { \
    bucketConfig(name: $b) { name } objectAccessCounts(bucket: $b, key: $k, window: $w) { total counts { date value } } }";

/// Access counts of a package, since 2021-12-30 (quiltdata/quilt#2552), with the variables `b`, `n` and `w`.
pub(in crate::catalog) const PACKAGE_USAGE: &str = "query PackageUsage($b: String!, $n: String!, $w: Int!) { \
    package(bucket: $b, name: $n) { accessCounts(window: $w) { total counts { date value } } } }";

/// Access counts of a revision, since 2021-12-30, with the variables `b`, `n`, `h` and `w`.
pub(in crate::catalog) const REVISION_USAGE: &str = "query RevisionUsage($b: String!, $n: String!, $h: String!, $w: Int!) { \
    package(bucket: $b, name: $n) { revision(hashOrTag: $h) { hash accessCounts(window: $w) { total counts { date value } } } } }";
