//! The state of Athena: what was set up, and the executions of queries.

use super::executions::Executions;
use super::settings::SettingsStore;

#[derive(Default)]
pub(crate) struct Athena {
    pub settings: SettingsStore,
    pub executions: Executions,
}
