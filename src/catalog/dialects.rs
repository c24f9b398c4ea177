//! Which form of a query each registry understands: deployed stacks are of different ages, and a form that a stack does
//! not know costs a request.

use std::time::Duration;

use moka::future::Cache;

/// Registries remembered: tokens may name some, below hosts that the operator allowed.
const MOST: u64 = 1000;
/// How long: a stack that is upgraded meanwhile is asked in its old form until then, which it may still know.
const REMEMBERED: Duration = Duration::from_hours(1);

/// Where a stack lists a caller's buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BucketsField {
    /// `buckets`, in the scope of the active role; since April 2026.
    Scoped,
    /// `bucketConfigs`, which shows administrators more than their role may touch.
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

/// What is remembered, by the registry's URL. Clones share it.
#[derive(Clone)]
pub(crate) struct Dialects(Cache<String, BucketsField>);

impl Default for Dialects {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(MOST).time_to_live(REMEMBERED).build())
    }
}

impl Dialects {
    pub(super) async fn of(&self, registry: &str) -> Option<BucketsField> {
        self.0.get(registry).await
    }

    pub(super) async fn remember(&self, registry: String, field: BucketsField) {
        self.0.insert(registry, field).await;
    }
}
