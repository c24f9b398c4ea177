//! `athena_query_results`: rows of a query that was started before.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use tokio::time::Instant;

use super::query_output::{QueryOutput, output, position};
use super::{MAX_ANSWER_CHARS, problem};
use crate::athena::QueryId;
use crate::tools::arguments::types::Bounded;
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError};

/// Pause between two questions about the state.
const PAUSE: Duration = Duration::from_secs(1);
/// Memory of a row while it is read: Athena's text, of which a page has 2 KiB a row, the SDK's values, and ours.
const ROW_BYTES: usize = 6 * 1024;

pub struct AthenaQueryResults;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Whole, or its first 8 characters or more
    #[schemars(with = "String")]
    query_id: QueryIdArgument,
    /// A `next_cursor`
    cursor: Option<String>,
    /// 1 to 1000, by default 100
    #[serde(default)]
    max_rows: Bounded<1, 1000, 100>,
    /// 0 to 45, by default 40
    #[serde(default)]
    wait_seconds: Bounded<0, 45, 40>,
}

/// The id of a query in arguments.
#[derive(Debug, Clone)]
pub struct QueryIdArgument(pub(super) QueryId);

impl<'de> Deserialize<'de> for QueryIdArgument {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(serde::de::Error::custom)
    }
}

/// Reserves the memory of a page of rows.
pub(super) async fn reserve(session: &Session, max_rows: u64) -> Result<(), ToolError> {
    let rows = usize::try_from(max_rows.clamp(128, 1000)).unwrap_or(1000);
    session.reserve(rows * ROW_BYTES + 8 * MAX_ANSWER_CHARS).await
}

impl Tool for AthenaQueryResults {
    const NAME: &'static str = "athena_query_results";
    const TITLE: &'static str = "Rows of a query";
    const DESCRIPTION: &'static str = "Waits for a query and returns rows; does not run or stop it.";
    const TOOLSET: Toolset = Toolset::Athena;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = QueryOutput;

    fn estimate_json_bytes(_: &QueryOutput) -> usize {
        MAX_ANSWER_CHARS
    }

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<QueryOutput>, ToolError> {
        let queries = session.athena().await?;
        reserve(&session, args.max_rows.get()).await?;
        let explain = |error| problem::explain(&session, error);
        let id = queries.whole_id(&args.query_id.0).await.map_err(explain)?;
        let from = position(args.cursor.as_deref(), &id)?;
        let wait = Duration::from_secs(args.wait_seconds.get());
        let began = Instant::now();
        let until = (began + wait).min(session.deadline());
        loop {
            let status = queries.status(&id).await.map_err(explain)?;
            let now = Instant::now();
            if status.state.is_final() || now >= until {
                let account = session.aws_account().await;
                let output = output(&session, &queries, status, from, args.max_rows.get(), account);
                return Ok(output.await?.into());
            }
            let waited = (now - began).as_secs();
            let message = format!(
                "{} for {waited} s, {} bytes scanned",
                status.state.as_str(),
                status.scanned_bytes
            );
            session.report_message(waited, wait.as_secs(), message);
            tokio::time::sleep_until(until.min(now + PAUSE)).await;
        }
    }
}
