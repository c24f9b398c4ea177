//! Cache of the generation of each GraphQL query that a registry accepts. Deployed stacks have different versions, and a
//! query for another version costs a request.

use std::time::Duration;

use moka::future::Cache;

use super::documents::{Family, Generation};
use super::{GraphqlError, RegistryAccess};

/// Maximum number of entries: registries, of which tokens may name any path of the hosts that the operator allows, with some
/// queries each.
const MAX_ENTRIES: u64 = 4000;
/// Age after which an entry is dropped. Until then, the query for the old schema is sent first to a stack that was upgraded.
const SCHEMA_TTL: Duration = Duration::from_hours(1);

/// The generation, as its place in [`Generation::ALL`], by the registry's URL and the query. Clones share the cache.
#[derive(Clone)]
pub(crate) struct SchemaCache(Cache<(String, Family), usize>);

impl Default for SchemaCache {
    fn default() -> Self {
        Self(
            Cache::builder()
                .max_capacity(MAX_ENTRIES)
                .time_to_live(SCHEMA_TTL)
                .build(),
        )
    }
}

impl SchemaCache {
    async fn get<G: Generation>(&self, registry: &str) -> Option<G> {
        let place = self.0.get(&(registry.to_owned(), G::FAMILY)).await?;
        G::ALL.get(place).copied()
    }

    async fn insert<G: Generation>(&self, registry: String, generation: G) {
        if let Some(place) = G::ALL.iter().position(|other| *other == generation) {
            self.0.insert((registry, G::FAMILY), place).await;
        }
    }
}

/// Sends a query in the generation that is cached for the registry, then in the others from the newest on, until one fits the
/// schema. While a stack is upgraded, its old and its new part may answer in turns, so the cached generation is tried once
/// more in the end.
pub(super) async fn in_generations<'a, G: Generation, T, F>(
    access: &'a RegistryAccess,
    send: impl Fn(&'a RegistryAccess, G) -> F + Send,
) -> Result<T, GraphqlError>
where
    F: Future<Output = Result<T, GraphqlError>> + Send,
{
    let registry = access.registry.url().await?.to_string();
    let cached: Option<G> = access.schemas.get(&registry).await;
    let others = G::ALL.iter().copied().filter(|other| cached != Some(*other));
    let mut refused = None;
    for generation in cached.into_iter().chain(others).chain(cached) {
        match send(access, generation).await {
            // The error about the newest generation tells most.
            Err(error @ GraphqlError::Schema(_)) => drop(refused.get_or_insert(error)),
            response => {
                if response.is_ok() && cached != Some(generation) {
                    access.schemas.insert(registry, generation).await;
                }
                return response;
            }
        }
    }
    Err(refused.unwrap_or(GraphqlError::Shape))
}
