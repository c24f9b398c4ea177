//! `athena_query_execute`: one statement that reads, with the caller's rights.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::dry_run::{self, Plan};
use super::query_output::{QueryOutput, output};
use super::wait::waiting;
use super::{MAX_ANSWER_CHARS, QUERIES, problem};
use crate::athena::literal::literal;
use crate::athena::{QueryRun, QueryState, Statement, UserQueries};
use crate::aws::athena::NewQuery;
use crate::error_code::ErrorCode;
use crate::tools::arguments::types::Bounded;
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError};

pub struct AthenaQueryExecute;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// One SELECT, SHOW, DESCRIBE or EXPLAIN
    sql: String,
    /// Values of its `?`; also JSON numbers, booleans and null
    #[schemars(with = "Option<Vec<Parameter>>")]
    parameters: Option<Vec<Value>>,
    /// Of names without one
    database: Option<String>,
    /// By default `AwsDataCatalog`
    catalog: Option<String>,
    /// By default the role's own
    workgroup: Option<String>,
    /// 1 to 1000, by default 100
    #[serde(default)]
    max_rows: Bounded<1, 1000, 100>,
    /// 0 to 45, by default 40
    #[serde(default)]
    wait_seconds: Bounded<0, 45, 40>,
    /// Age of an earlier result to take, 0 to 10080; by default 0
    #[serde(default)]
    reuse_minutes: Bounded<0, 10_080, 0>,
    /// Only check it, for free
    #[serde(default)]
    dry_run: bool,
}

/// The value of a parameter. It is listed as a string, since clients fail on lists of several types.
struct Parameter;

impl JsonSchema for Parameter {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Parameter".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "x-any": true })
    }
}

/// The result of a query, or the plan of one that is not run.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    query: Option<QueryOutput>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    plan: Option<Plan>,
}

impl Tool for AthenaQueryExecute {
    const NAME: &'static str = "athena_query_execute";
    const TITLE: &'static str = "Run a query";
    const DESCRIPTION: &'static str = "Runs SQL of Athena that only reads, as the caller; costs by bytes scanned. Stopped if the \
                                       client leaves; after wait_seconds, athena_query_results goes on.";
    const TOOLSET: Toolset = Toolset::Athena;
    const HINTS: Hints = QUERIES;
    type Args = Args;
    type Output = Output;

    fn estimate_json_bytes(_: &Output) -> usize {
        MAX_ANSWER_CHARS
    }

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let statement = Statement::parse(&args.sql).map_err(|refusal| problem::refused(&refusal))?;
        let parameters = literals(args.parameters.as_deref().unwrap_or_default())?;
        if statement.parameters() != parameters.len() {
            let message = format!(
                "Argument parameters: the statement has {} places (?) outside of quotes, and {} values are given.",
                statement.parameters(),
                parameters.len()
            );
            return Err(ToolError::invalid(message));
        }
        let queries = session.athena().await?;
        super::results::reserve(&session, args.max_rows.get()).await?;
        let named = args.workgroup.as_deref().filter(|name| !name.is_empty());
        let work_group = queries.workgroup(named).await;
        let mut query = NewQuery {
            sql: args.sql.clone(),
            parameters,
            work_group: work_group.map_err(|error| problem::explain(&session, error))?,
            catalog: args.catalog.clone(),
            database: args.database.clone(),
            reuse_minutes: i32::try_from(args.reuse_minutes.get()).unwrap_or(0),
        };
        if args.dry_run {
            query.sql = dry_run::explained(&statement, &query.parameters)?;
            query.parameters.clear();
            let plan = dry_run::run(&session, &queries, query).await?;
            return Ok(Output {
                query: None,
                plan: Some(plan),
            }
            .into());
        }
        let wait = Duration::from_secs(args.wait_seconds.get());
        let run = QueryRun {
            kind: statement.kind,
            ..waiting(&session, query, wait)
        };
        let query = execute(&session, &queries, run, args.max_rows.get()).await?;
        Ok(Output {
            query: Some(query),
            plan: None,
        }
        .into())
    }
}

async fn execute(
    session: &Session,
    queries: &UserQueries,
    run: QueryRun,
    max_rows: u64,
) -> Result<QueryOutput, ToolError> {
    let (ended, account) = futures::join!(queries.run(run), session.aws_account());
    let status = ended.map_err(|error| problem::explain(session, error))?;
    let (id, is_paid) = (status.id.clone(), status.state == QueryState::Succeeded);
    let read = output(session, queries, status, None, max_rows, account).await;
    read.map_err(|error| {
        if !is_paid {
            return error;
        }
        let error = ToolError {
            retryable: false,
            ..error.with_details(json!({ "query_id": id }))
        };
        // What is too large for a result is so for athena_query_results, too.
        if error.code == ErrorCode::TooLarge {
            return error;
        }
        error.with_hint("The query has run: read its result with athena_query_results, and do not send it again.")
    })
}

fn literals(parameters: &[Value]) -> Result<Vec<String>, ToolError> {
    let literals = parameters.iter().enumerate().map(|(index, value)| {
        literal(value).map_err(|error| ToolError::invalid(format!("Argument parameters[{index}]: {error}.")))
    });
    literals.collect()
}
