//! Cache of the generation of each GraphQL query that a registry accepts. Deployed stacks have different versions, and a
//! query for another version costs a request.

use std::time::Duration;

use jiff::SignedDuration;
use moka::future::Cache;

use super::documents::{Family, Generation};
use super::{GraphqlError, RegistryAccess};
use crate::clock::{Clock, Moment};

/// Maximum number of entries: registries, of which tokens may name any path of the hosts that the operator allows, with some
/// queries each.
const MAX_ENTRIES: u64 = 4000;
/// Age after which an entry is dropped. Until then, the query for the old schema is sent first to a stack that was upgraded.
const SCHEMA_TTL: Duration = Duration::from_hours(1);

/// Time for which a registry is not asked again for a query of which it has no generation.
const REFUSAL_TTL: SignedDuration = SignedDuration::from_mins(5);

/// What is known of a registry and a query, by the registry's URL. Clones share the cache.
#[derive(Clone)]
pub(crate) struct SchemaCache {
    /// The generation that was accepted, as its place in [`Generation::ALL`].
    accepted: Cache<(String, Family), usize>,
    /// When all generations were refused, and the error.
    refused: Cache<(String, Family), (Moment, GraphqlError)>,
    clock: Clock,
}

impl SchemaCache {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            accepted: Cache::builder()
                .max_capacity(MAX_ENTRIES)
                .time_to_live(SCHEMA_TTL)
                .build(),
            refused: Cache::builder().max_capacity(MAX_ENTRIES).build(),
            clock,
        }
    }

    async fn get<G: Generation>(&self, registry: &str) -> Option<G> {
        let place = self.accepted.get(&(registry.to_owned(), G::FAMILY)).await?;
        G::ALL.get(place).copied()
    }

    async fn insert<G: Generation>(&self, registry: String, generation: G) {
        if let Some(place) = G::ALL.iter().position(|other| *other == generation) {
            self.accepted.insert((registry, G::FAMILY), place).await;
        }
    }

    /// Returns the error of a registry that refused all generations a moment ago.
    async fn refusal<G: Generation>(&self, registry: &str) -> Option<GraphqlError> {
        let (at, error) = self.refused.get(&(registry.to_owned(), G::FAMILY)).await?;
        (self.clock.monotonic() < at.after(REFUSAL_TTL)).then_some(error)
    }

    async fn insert_refusal<G: Generation>(&self, registry: String, error: GraphqlError) {
        let refused = (self.clock.monotonic(), error);
        self.refused.insert((registry, G::FAMILY), refused).await;
    }
}

/// Sends a query in the generation that is cached for the registry, then in the others from the newest on, until one fits the
/// schema. A registry that refuses all of them is not asked again for some minutes. While a stack is upgraded, its old and its new part may answer in turns, so the cached generation is tried once
/// more in the end.
pub(super) async fn in_generations<'a, G: Generation, T, F>(
    access: &'a RegistryAccess,
    send: impl Fn(&'a RegistryAccess, G) -> F + Send,
) -> Result<T, GraphqlError>
where
    F: Future<Output = Result<T, GraphqlError>> + Send,
{
    let registry = access.registry.url().await?.to_string();
    if let Some(error) = access.schemas.refusal::<G>(&registry).await {
        return Err(error);
    }
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
    let error = refused.unwrap_or(GraphqlError::Shape);
    // Which buckets a user has is asked anew each time: without an answer, hardly anything works.
    if G::FAMILY != Family::Buckets {
        access.schemas.insert_refusal::<G>(registry, error.clone()).await;
    }
    Err(error)
}
