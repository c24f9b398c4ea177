//! `ListNamedQueries` and `BatchGetNamedQuery`.

use aws_sdk_athena::types::NamedQuery;

use super::UserAthena;
use super::client::on;
use crate::aws::AwsError;

impl UserAthena {
    /// Reads the saved queries of a workgroup, at most 50.
    pub async fn saved_queries(&self, work_group: &str) -> Result<Vec<NamedQuery>, AwsError> {
        let request = self.client().list_named_queries().work_group(work_group);
        let operation = on("athena:ListNamedQueries", work_group);
        let listed = self
            .call(operation, |signed| {
                request.clone().customize().config_override(signed).send()
            })
            .await?;
        let ids = listed.named_query_ids.unwrap_or_default();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let request = self.client().batch_get_named_query().set_named_query_ids(Some(ids));
        let operation = on("athena:BatchGetNamedQuery", work_group);
        let answer = self
            .call(operation, |signed| {
                request.clone().customize().config_override(signed).send()
            })
            .await?;
        Ok(answer.named_queries.unwrap_or_default())
    }
}
