//! Cache of the GraphQL schema that each registry has. Deployed stacks have different versions, and a query for another
//! version costs a request.

use std::time::Duration;

use moka::future::Cache;

/// Maximum number of registries. Tokens may name any path of the hosts that the operator allows.
const MAX_REGISTRIES: u64 = 1000;
/// Age after which an entry is dropped. Until then, the query for the old schema is sent to a stack that was upgraded.
const SCHEMA_TTL: Duration = Duration::from_hours(1);

/// The field of the schema that lists the caller's buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BucketsField {
    /// `buckets`, which lists those of the active role; since April 2026.
    Scoped,
    /// `bucketConfigs`, which lists all buckets to administrators.
    Configs,
}

impl BucketsField {
    pub(super) fn other(self) -> Self {
        match self {
            Self::Scoped => Self::Configs,
            Self::Configs => Self::Scoped,
        }
    }
}

/// The field by the registry's URL. Clones share the cache.
#[derive(Clone)]
pub(crate) struct SchemaCache(Cache<String, BucketsField>);

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
    pub(super) async fn get(&self, registry: &str) -> Option<BucketsField> {
        self.0.get(registry).await
    }

    pub(super) async fn insert(&self, registry: String, field: BucketsField) {
        self.0.insert(registry, field).await;
    }
}
