//! What all callers share, and the handle of one caller.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use tokio_util::task::TaskTracker;

use super::slots::Slots;
use super::{AthenaError, QueryStatus, Workgroups};
use crate::aws::AwsErrorKind;
use crate::aws::athena::UserAthena;
use crate::clock::Clock;
use crate::identity::Principal;

/// How long the workgroups of credentials are remembered, and that they may not read table metadata.
const RIGHTS_TTL: Duration = Duration::from_mins(10);
const MAX_CALLERS: u64 = 10_000;

/// What all callers share: queries in flight, and what is remembered of callers' rights.
#[derive(Clone)]
pub struct QueryService {
    slots: Slots,
    /// By access key and region.
    workgroups: Cache<(String, String), Arc<Workgroups>>,
    /// Access keys that may not read table metadata, with their regions.
    no_metadata: Cache<(String, String), ()>,
    /// Accounts of access keys.
    accounts: Cache<String, String>,
    tasks: TaskTracker,
}

impl QueryService {
    /// `tasks` are those that a shutdown waits for.
    #[must_use]
    pub fn new(tasks: TaskTracker, clock: Clock) -> Self {
        Self {
            slots: Slots::new(clock),
            workgroups: cache(),
            no_metadata: cache(),
            accounts: Cache::builder()
                .max_capacity(MAX_CALLERS)
                .time_to_live(RIGHTS_TTL)
                .build(),
            tasks,
        }
    }

    /// Returns the account of an access key, if it was asked for lately.
    #[must_use]
    pub fn account_of(&self, access_key_id: &str) -> Option<String> {
        self.accounts.get(access_key_id)
    }

    /// Remembers the account of an access key.
    pub fn remember_account(&self, access_key_id: String, account: String) {
        self.accounts.insert(access_key_id, account);
    }

    /// Returns the queries of this caller.
    #[must_use]
    pub fn acting_as(&self, aws: UserAthena, caller: Principal) -> UserQueries {
        UserQueries {
            aws,
            caller,
            service: self.clone(),
        }
    }
}

fn cache<V: Clone + Send + Sync + 'static>() -> Cache<(String, String), V> {
    Cache::builder()
        .max_capacity(MAX_CALLERS)
        .time_to_live(RIGHTS_TTL)
        .build()
}

/// Athena as one caller. Cheap to clone.
#[derive(Clone)]
pub struct UserQueries {
    pub(super) aws: UserAthena,
    pub(super) caller: Principal,
    service: QueryService,
}

impl UserQueries {
    #[must_use]
    pub fn region(&self) -> &str {
        self.aws.region()
    }

    pub(super) fn slots(&self) -> &Slots {
        &self.service.slots
    }

    pub(super) fn tasks(&self) -> &TaskTracker {
        &self.service.tasks
    }

    fn key(&self) -> (String, String) {
        (self.aws.access_key_id(), self.aws.region().to_owned())
    }

    pub(super) fn remembered_workgroups(&self) -> Option<Arc<Workgroups>> {
        self.service.workgroups.get(&self.key())
    }

    pub(super) fn remember_workgroups(&self, workgroups: Arc<Workgroups>) {
        self.service.workgroups.insert(self.key(), workgroups);
    }

    pub(super) fn may_read_metadata(&self) -> bool {
        !self.service.no_metadata.contains_key(&self.key())
    }

    pub(super) fn remember_no_metadata(&self) {
        self.service.no_metadata.insert(self.key(), ());
    }

    /// Reads the state of a query.
    pub async fn status(&self, id: &str) -> Result<QueryStatus, AthenaError> {
        let execution = self.aws.query(id).await.map_err(|error| {
            if error.kind == AwsErrorKind::InvalidRequest {
                AthenaError::NoSuchQuery {
                    id: id.to_owned(),
                    reason: error.description(),
                }
            } else {
                error.into()
            }
        })?;
        let status = execution.map(QueryStatus::of).ok_or_else(|| AthenaError::NoSuchQuery {
            id: id.to_owned(),
            reason: "Athena says nothing of it".to_owned(),
        })?;
        if status.state.is_final() {
            self.slots().ended(&self.caller, id);
        }
        Ok(status)
    }

    /// Stops a query and returns its state then. One that has ended stays as it is.
    pub async fn stop(&self, id: &str) -> Result<QueryStatus, AthenaError> {
        let before = self.status(id).await?;
        if before.state.is_final() {
            return Ok(before);
        }
        self.aws.stop_query(id).await?;
        self.status(id).await
    }
}
