//! `ListWorkGroups` and `GetWorkGroup`.

use aws_sdk_athena::types::WorkGroup;

use super::client::on;
use super::{Page, UserAthena};
use crate::aws::AwsError;

impl UserAthena {
    /// Lists the names of workgroups of the account, 50 at a time. Which of them the caller may use is not said.
    pub async fn list_work_groups(&self, next_token: Option<&str>) -> Result<Page<String>, AwsError> {
        let request = self
            .client()
            .list_work_groups()
            .set_next_token(next_token.map(str::to_owned));
        let operation = on("athena:ListWorkGroups", "");
        let answer = self
            .call(operation, |signed| {
                request.clone().customize().config_override(signed).send()
            })
            .await?;
        let groups = answer.work_groups.unwrap_or_default();
        let names = groups.into_iter().filter_map(|group| group.name).collect();
        Ok(Page::new(Some(names), answer.next_token))
    }

    /// Reads a workgroup's configuration.
    pub async fn work_group(&self, name: &str) -> Result<Option<WorkGroup>, AwsError> {
        let request = self.client().get_work_group().work_group(name);
        let operation = on("athena:GetWorkGroup", name);
        let answer = self
            .call(operation, |signed| {
                request.clone().customize().config_override(signed).send()
            })
            .await?;
        Ok(answer.work_group)
    }
}
