//! `athena_query_stop`: the end of a query that runs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::problem;
use super::results::QueryIdArgument;
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError};

pub struct AthenaQueryStop;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Whole, or its first 8 characters or more
    #[schemars(with = "String")]
    query_id: QueryIdArgument,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    query_id: String,
    state: &'static str,
    scanned_bytes: u64,
}

impl Tool for AthenaQueryStop {
    const NAME: &'static str = "athena_query_stop";
    const TITLE: &'static str = "Stop a query";
    const DESCRIPTION: &'static str = "Stops a query; one that has ended stays as it is.";
    const TOOLSET: Toolset = Toolset::Athena;
    const HINTS: Hints = Hints {
        read_only: false,
        destructive: false,
        idempotent: true,
        open_world: true,
    };
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let queries = session.athena().await?;
        let explain = |error| problem::explain(&session, error);
        let id = queries.whole_id(&args.query_id.0).await.map_err(explain)?;
        let status = queries.stop(&id).await.map_err(explain)?;
        Ok(Output {
            query_id: id,
            state: status.state.as_str(),
            scanned_bytes: status.scanned_bytes,
        }
        .into())
    }
}
