//! `GetQueryExecution`, `BatchGetQueryExecution`, `ListQueryExecutions` and `StopQueryExecution`.

use aws_sdk_athena::types::QueryExecution;

use super::client::on;
use super::{Page, UserAthena};
use crate::aws::AwsError;

impl UserAthena {
    /// Reads state, statistics and text of a query.
    pub async fn query(&self, id: &str) -> Result<Option<QueryExecution>, AwsError> {
        let request = self.client().get_query_execution().query_execution_id(id);
        let operation = on("athena:GetQueryExecution", id);
        let answer = self
            .call(operation, |signed| {
                request.clone().customize().config_override(signed).send()
            })
            .await?;
        Ok(answer.query_execution)
    }

    /// Reads the same of at most 50 queries. Those that do not exist, or that the caller may not read, are left out.
    pub async fn queries(&self, ids: Vec<String>) -> Result<Vec<QueryExecution>, AwsError> {
        let request = self
            .client()
            .batch_get_query_execution()
            .set_query_execution_ids(Some(ids));
        let operation = on("athena:BatchGetQueryExecution", "");
        let answer = self
            .call(operation, |signed| {
                request.clone().customize().config_override(signed).send()
            })
            .await?;
        Ok(answer.query_executions.unwrap_or_default())
    }

    /// Lists the ids of a workgroup's queries, the newest first.
    pub async fn list_queries(
        &self,
        work_group: &str,
        limit: i32,
        next_token: Option<&str>,
    ) -> Result<Page<String>, AwsError> {
        let request = self
            .client()
            .list_query_executions()
            .work_group(work_group)
            .max_results(limit)
            .set_next_token(next_token.map(str::to_owned));
        let operation = on("athena:ListQueryExecutions", work_group);
        let answer = self
            .call(operation, |signed| {
                request.clone().customize().config_override(signed).send()
            })
            .await?;
        Ok(Page::new(answer.query_execution_ids, answer.next_token))
    }

    /// Stops a query; one that has ended stays as it is.
    pub async fn stop_query(&self, id: &str) -> Result<(), AwsError> {
        let request = self.client().stop_query_execution().query_execution_id(id);
        let operation = on("athena:StopQueryExecution", id);
        self.call(operation, |signed| {
            request.clone().customize().config_override(signed).send()
        })
        .await
        .map(drop)
    }
}
