//! `ListTableMetadata` and `GetTableMetadata`, which Quilt's own roles may not call.

use aws_sdk_athena::types::TableMetadata;

use super::client::on;
use super::{Page, UserAthena};
use crate::aws::AwsError;

impl UserAthena {
    /// Lists the names of a database's tables, 50 at a time.
    pub async fn list_tables(
        &self,
        catalog: &str,
        database: &str,
        next_token: Option<&str>,
    ) -> Result<Page<String>, AwsError> {
        let request = self
            .client()
            .list_table_metadata()
            .catalog_name(catalog)
            .database_name(database)
            .set_next_token(next_token.map(str::to_owned));
        let operation = on("athena:ListTableMetadata", database);
        let answer = self
            .call(operation, |signed| {
                request.clone().customize().config_override(signed).send()
            })
            .await?;
        let tables = answer.table_metadata_list.unwrap_or_default();
        let names = tables.into_iter().map(|table| table.name).collect();
        Ok(Page::new(Some(names), answer.next_token))
    }

    /// Reads the columns of a table.
    pub async fn table(&self, catalog: &str, database: &str, table: &str) -> Result<Option<TableMetadata>, AwsError> {
        let request = self
            .client()
            .get_table_metadata()
            .catalog_name(catalog)
            .database_name(database)
            .table_name(table);
        let operation = on("athena:GetTableMetadata", table);
        let answer = self
            .call(operation, |signed| {
                request.clone().customize().config_override(signed).send()
            })
            .await?;
        Ok(answer.table_metadata)
    }
}
