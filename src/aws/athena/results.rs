//! `GetQueryResults`.

use aws_sdk_athena::types::{ColumnInfo, Row};

use super::UserAthena;
use super::client::on;
use crate::aws::AwsError;

/// One page of a query's result. The first page of a query may begin with the names of the columns.
#[derive(Debug, Clone, Default)]
pub struct ResultPage {
    pub columns: Vec<ColumnInfo>,
    pub rows: Vec<Row>,
    pub next_token: Option<String>,
}

impl UserAthena {
    /// Reads at most `max_rows` rows of a result, 1,000 at most.
    pub async fn results(&self, id: &str, max_rows: i32, next_token: Option<&str>) -> Result<ResultPage, AwsError> {
        let request = self
            .client()
            .get_query_results()
            .query_execution_id(id)
            .max_results(max_rows)
            .set_next_token(next_token.map(str::to_owned));
        let operation = on("athena:GetQueryResults", id);
        let answer = self
            .call(operation, |signed| {
                request.clone().customize().config_override(signed).send()
            })
            .await?;
        let set = answer.result_set;
        let (rows, metadata) = set.map(|set| (set.rows, set.result_set_metadata)).unwrap_or_default();
        Ok(ResultPage {
            columns: metadata.and_then(|metadata| metadata.column_info).unwrap_or_default(),
            rows: rows.unwrap_or_default(),
            next_token: answer.next_token.filter(|token| !token.is_empty()),
        })
    }
}
