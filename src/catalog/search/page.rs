//! Pages of hits.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::answer::{Data, Outcome, PageOrError, SearchError, Total};
use super::hits::{Hit, ObjectHit, PackageHit};
use super::request::{SearchKind, SearchRequest};
use crate::catalog::documents::{MoreObjectsQuery, MorePackagesQuery, ObjectsQuery, PackagesQuery};
use crate::catalog::graphql::query;
use crate::catalog::schema_cache::in_generations;
use crate::catalog::{GraphqlError, RegistryAccess, RegistryError};

/// One page of hits.
#[derive(Debug, Clone, Default)]
pub struct SearchPage {
    pub hits: Vec<Hit>,
    /// The number of all hits. Absent if the registry does not count, and on later pages.
    pub total: Option<u64>,
    /// Names the next page; absent on the last one.
    pub cursor: Option<String>,
    /// Whether the catalog is too old to search the latest revisions only.
    pub has_all_revisions: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Set<H> {
    #[serde(flatten)]
    total: Total,
    /// The place of the total before 2025-07-18.
    #[serde(default)]
    stats: Option<Total>,
    first_page: PageOrError<H>,
}

impl<H> Set<H> {
    fn into_page(self, hit: impl Fn(H) -> Hit) -> Result<SearchPage, SearchError> {
        let total = self.total.counted().or(self.stats.and_then(Total::counted));
        let (cursor, hits) = self.first_page.into_page()?;
        Ok(SearchPage {
            hits: hits.into_iter().map(hit).collect(),
            total,
            cursor,
            has_all_revisions: false,
        })
    }
}

fn package(hit: PackageHit) -> Hit {
    Hit::Package(Box::new(hit))
}

fn object(hit: ObjectHit) -> Hit {
    Hit::Object(Box::new(hit))
}

/// Requests the first page of a search, of up to `size` hits.
pub async fn search(access: &RegistryAccess, request: &SearchRequest, size: u64) -> Result<SearchPage, SearchError> {
    let mut size = size;
    loop {
        let page = match request.kind {
            SearchKind::Packages => packages(access, request, size).await,
            SearchKind::Objects => objects(access, request, size).await,
        };
        match page {
            Err(error) if is_too_large(&error) && size > 1 => size = smaller(size),
            page => return page,
        }
    }
}

/// Requests the page after a cursor. The registry knows from the cursor what is searched for.
pub async fn search_more(
    access: &RegistryAccess,
    request: &SearchRequest,
    cursor: &str,
    size: u64,
) -> Result<SearchPage, SearchError> {
    let mut size = size;
    loop {
        let page = match request.kind {
            SearchKind::Packages => more_packages(access, cursor, size).await,
            SearchKind::Objects => more_objects(access, request.with_text, cursor, size).await,
        };
        match page {
            Err(error) if is_too_large(&error) && size > 1 => size = smaller(size),
            page => return page,
        }
    }
}

fn is_too_large(error: &SearchError) -> bool {
    matches!(
        error,
        SearchError::Graphql(GraphqlError::Registry(RegistryError::TooLarge))
    )
}

fn smaller(size: u64) -> u64 {
    (size / 4).max(1)
}

async fn packages(access: &RegistryAccess, request: &SearchRequest, size: u64) -> Result<SearchPage, SearchError> {
    let (outcome, generation): (Outcome<Set<PackageHit>>, PackagesQuery) =
        in_generations(access, |access, generation: PackagesQuery| async move {
            let has_latest_only = generation != PackagesQuery::AllRevisions;
            let mut variables = request.variables(has_latest_only);
            let order = match generation {
                PackagesQuery::Ordering => json!(request.order.expression()),
                PackagesQuery::OperationError | PackagesQuery::LatestOnly => json!(request.order.value(true)?),
                PackagesQuery::AllRevisions => json!(request.order.value(false)?),
            };
            variables.insert("o".to_owned(), order);
            variables.insert("n".to_owned(), size.into());
            let outcome = answer(access, &generation.document(), variables.into()).await?;
            Ok((outcome, generation))
        })
        .await?;
    let page = outcome.into_set()?.map(|set| set.into_page(package));
    let has_all_revisions = generation == PackagesQuery::AllRevisions;
    Ok(SearchPage {
        has_all_revisions,
        ..page.unwrap_or_else(|| Ok(empty()))?
    })
}

async fn objects(access: &RegistryAccess, request: &SearchRequest, size: u64) -> Result<SearchPage, SearchError> {
    let outcome: Outcome<Set<ObjectHit>> = in_generations(access, |access, generation: ObjectsQuery| async move {
        let mut variables = request.variables(false);
        let order = request.order.value(generation != ObjectsQuery::StatsTotal)?;
        variables.insert("o".to_owned(), order.into());
        variables.insert("n".to_owned(), size.into());
        answer(access, &generation.document(request.with_text), variables.into()).await
    })
    .await?;
    let page = outcome.into_set()?.map(|set| set.into_page(object));
    page.unwrap_or_else(|| Ok(empty()))
}

async fn more_packages(access: &RegistryAccess, cursor: &str, size: u64) -> Result<SearchPage, SearchError> {
    let page: PageOrError<PackageHit> = in_generations(access, |access, generation: MorePackagesQuery| async move {
        answer(access, &generation.document(), json!({ "a": cursor, "n": size })).await
    })
    .await?;
    let (cursor, hits) = page.into_page()?;
    Ok(SearchPage {
        hits: hits.into_iter().map(package).collect(),
        cursor,
        ..SearchPage::default()
    })
}

async fn more_objects(
    access: &RegistryAccess,
    with_text: bool,
    cursor: &str,
    size: u64,
) -> Result<SearchPage, SearchError> {
    let page: PageOrError<ObjectHit> = in_generations(access, |access, generation: MoreObjectsQuery| async move {
        answer(
            access,
            &generation.document(with_text),
            json!({ "a": cursor, "n": size }),
        )
        .await
    })
    .await?;
    let (cursor, hits) = page.into_page()?;
    Ok(SearchPage {
        hits: hits.into_iter().map(object).collect(),
        cursor,
        ..SearchPage::default()
    })
}

fn empty() -> SearchPage {
    SearchPage {
        total: Some(0),
        ..SearchPage::default()
    }
}

/// Sends a document of a search, and returns the answer to its only field.
pub(super) async fn answer<T: DeserializeOwned>(
    access: &RegistryAccess,
    document: &str,
    variables: Value,
) -> Result<T, GraphqlError> {
    let data: Data<T> = query(access, document, variables).await?;
    Ok(data.answer)
}
