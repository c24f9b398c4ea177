//! `StartQueryExecution`.

use std::fmt;

use aws_sdk_athena::types::{QueryExecutionContext, ResultReuseByAgeConfiguration, ResultReuseConfiguration};

use super::UserAthena;
use super::client::on;
use crate::aws::AwsError;

/// A query to start. The workgroup says where its result is stored; a request never does.
#[derive(Clone)]
pub struct NewQuery {
    pub sql: String,
    /// Literals in place of its `?`.
    pub parameters: Vec<String>,
    pub work_group: String,
    pub catalog: Option<String>,
    pub database: Option<String>,
    /// Maximum age of a result that may be used again; 0 for none.
    pub reuse_minutes: i32,
}

/// Without the SQL, which may hold what is private.
impl fmt::Debug for NewQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewQuery")
            .field("bytes", &self.sql.len())
            .field("work_group", &self.work_group)
            .finish_non_exhaustive()
    }
}

impl UserAthena {
    /// Starts a query and returns its id. `token` is of this query alone: only the SDK's repetitions of one request are the
    /// same query.
    pub async fn start_query(&self, query: &NewQuery, token: &str) -> Result<Option<String>, AwsError> {
        let context = (query.catalog.is_some() || query.database.is_some()).then(|| {
            QueryExecutionContext::builder()
                .set_catalog(query.catalog.clone())
                .set_database(query.database.clone())
                .build()
        });
        let reuse = (query.reuse_minutes > 0).then(|| {
            let by_age = ResultReuseByAgeConfiguration::builder()
                .enabled(true)
                .max_age_in_minutes(query.reuse_minutes)
                .build();
            ResultReuseConfiguration::builder()
                .result_reuse_by_age_configuration(by_age)
                .build()
        });
        let request = self
            .client()
            .start_query_execution()
            .query_string(&query.sql)
            .work_group(&query.work_group)
            .client_request_token(token)
            .set_query_execution_context(context)
            .set_result_reuse_configuration(reuse)
            .set_execution_parameters(Some(query.parameters.clone()).filter(|parameters| !parameters.is_empty()));
        let operation = on("athena:StartQueryExecution", &query.work_group);
        let answer = self
            .call(operation, |signed| {
                request.clone().customize().config_override(signed).send()
            })
            .await?;
        Ok(answer.query_execution_id)
    }
}
