//! Cache of the GraphQL schema that each registry has. Deployed stacks have different versions, and a query for another
//! version costs a request.

use std::time::Duration;

use moka::future::Cache;

/// Maximum number of registries. Tokens may name any path of the hosts that the operator allows.
const MAX_REGISTRIES: u64 = 1000;
/// Age after which an entry is dropped. Until then, the query for the old schema is sent to a stack that was upgraded.
const SCHEMA_TTL: Duration = Duration::from_hours(1);

/// A generation of the query for the user and the user's buckets. Each is valid in the schemas of some years.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BucketsQuery {
    /// `me` and `buckets`, which lists those of the active role; since April 2026.
    Scoped,
    /// `me` and `bucketConfigs`, which lists all buckets to administrators; since May 2024, when `me` came
    /// (quiltdata/quilt#3984).
    Configs,
    /// The same without `collaborators`.
    ConfigsWithoutCollaborators,
    /// `bucketConfigs` alone: stacks before May 2024, and quilt3-local 2.0.0.
    ConfigsWithoutUser,
}

impl BucketsQuery {
    /// Every generation, the newest first.
    pub(super) const ALL: [Self; 4] = [
        Self::Scoped,
        Self::Configs,
        Self::ConfigsWithoutCollaborators,
        Self::ConfigsWithoutUser,
    ];
}

/// The generation by the registry's URL. Clones share the cache.
#[derive(Clone)]
pub(crate) struct SchemaCache(Cache<String, BucketsQuery>);

impl Default for SchemaCache {
    fn default() -> Self {
        Self(
            Cache::builder()
                .max_capacity(MAX_REGISTRIES)
                .time_to_live(SCHEMA_TTL)
                .build(),
        )
    }
}

impl SchemaCache {
    pub(super) async fn get(&self, registry: &str) -> Option<BucketsQuery> {
        self.0.get(registry).await
    }

    pub(super) async fn insert(&self, registry: String, query: BucketsQuery) {
        self.0.insert(registry, query).await;
    }
}
