//! Queries of a workgroup, and queries by the beginning of their ids.

use super::{AthenaError, QueryStatus, UserQueries};
use crate::aws::AwsError;
use crate::aws::athena::NamedQuery;

/// Ids that Athena takes at once.
const BATCH: usize = 50;
/// Length of a whole id.
const ID_CHARS: usize = 36;
/// Minimum length of the beginning of an id.
const MIN_PREFIX_CHARS: usize = 8;

/// The id of a query, or its beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryId(String);

impl std::str::FromStr for QueryId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim().to_ascii_lowercase();
        let is_of_id = text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        if is_of_id && (MIN_PREFIX_CHARS..=ID_CHARS).contains(&text.len()) {
            Ok(Self(text))
        } else {
            Err("expected the id of a query, a UUID, or its first 8 characters or more".to_owned())
        }
    }
}

/// One page of the history.
pub struct HistoryPage {
    /// The newest first.
    pub queries: Vec<QueryStatus>,
    pub next_token: Option<String>,
}

impl UserQueries {
    /// Returns the whole id: of the last 50 queries of the workgroup, the one that begins so.
    pub async fn whole_id(&self, id: &QueryId) -> Result<String, AthenaError> {
        let prefix = &id.0;
        if prefix.len() == ID_CHARS {
            return Ok(prefix.clone());
        }
        let work_group = self.workgroup(None).await?;
        let page = self.aws.list_queries(&work_group, 50, None).await?;
        let mut ids: Vec<String> = page.items.into_iter().filter(|id| id.starts_with(prefix)).collect();
        match (ids.pop(), ids.is_empty()) {
            (Some(id), true) => Ok(id),
            (Some(id), false) => {
                ids.push(id);
                Err(AthenaError::AmbiguousQuery {
                    prefix: prefix.clone(),
                    ids,
                })
            }
            (None, _) => Err(AthenaError::NoSuchQuery {
                id: prefix.clone(),
                reason: format!("none of the last 50 queries of workgroup {work_group} begins so"),
            }),
        }
    }

    /// Lists queries of a workgroup, the newest first. They may be other callers' if the workgroup is shared.
    pub async fn history(
        &self,
        work_group: &str,
        limit: i32,
        next_token: Option<&str>,
    ) -> Result<HistoryPage, AthenaError> {
        let page = self.aws.list_queries(work_group, limit, next_token).await?;
        let mut queries = Vec::new();
        for ids in page.items.chunks(BATCH) {
            let found = self.aws.queries(ids.to_vec()).await?;
            queries.extend(found.into_iter().map(QueryStatus::of));
        }
        let place = |status: &QueryStatus| page.items.iter().position(|id| *id == status.id);
        queries.sort_by_key(place);
        Ok(HistoryPage {
            queries,
            next_token: page.next_token,
        })
    }

    /// Reads the saved queries of a workgroup.
    pub async fn saved(&self, work_group: &str) -> Result<Vec<NamedQuery>, AwsError> {
        self.aws.saved_queries(work_group).await
    }
}
