//! `ListDataCatalogs`, `GetDataCatalog` and `ListDatabases`.

use super::client::on;
use super::{Page, UserAthena};
use crate::aws::AwsError;

/// A data catalog of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataCatalogRow {
    pub name: String,
    /// `GLUE`, `LAMBDA`, `HIVE` or `FEDERATED`.
    pub kind: Option<String>,
}

impl UserAthena {
    /// Lists the data catalogs of the account, 50 at a time. Which of them the caller may use is not said.
    pub async fn list_data_catalogs(
        &self,
        work_group: Option<&str>,
        next_token: Option<&str>,
    ) -> Result<Page<DataCatalogRow>, AwsError> {
        let request = self
            .client()
            .list_data_catalogs()
            .set_work_group(work_group.map(str::to_owned))
            .set_next_token(next_token.map(str::to_owned));
        let operation = on("athena:ListDataCatalogs", "");
        let answer = self
            .call(operation, |signed| {
                request.clone().customize().config_override(signed).send()
            })
            .await?;
        let rows = answer.data_catalogs_summary.unwrap_or_default().into_iter();
        let rows = rows.filter_map(|row| {
            Some(DataCatalogRow {
                name: row.catalog_name?,
                kind: row.r#type.map(|kind| kind.as_str().to_owned()),
            })
        });
        Ok(Page::new(Some(rows.collect()), answer.next_token))
    }

    /// Asks for a data catalog, which succeeds for those that the caller may use.
    pub async fn check_data_catalog(&self, name: &str, work_group: Option<&str>) -> Result<(), AwsError> {
        let request = self
            .client()
            .get_data_catalog()
            .name(name)
            .set_work_group(work_group.map(str::to_owned));
        let operation = on("athena:GetDataCatalog", name);
        self.call(operation, |signed| {
            request.clone().customize().config_override(signed).send()
        })
        .await
        .map(drop)
    }

    /// Lists the names of databases of a data catalog, 50 at a time.
    pub async fn list_databases(
        &self,
        catalog: &str,
        work_group: Option<&str>,
        next_token: Option<&str>,
    ) -> Result<Page<String>, AwsError> {
        let request = self
            .client()
            .list_databases()
            .catalog_name(catalog)
            .set_work_group(work_group.map(str::to_owned))
            .set_next_token(next_token.map(str::to_owned));
        let operation = on("athena:ListDatabases", catalog);
        let answer = self
            .call(operation, |signed| {
                request.clone().customize().config_override(signed).send()
            })
            .await?;
        let databases = answer.database_list.unwrap_or_default();
        let names = databases.into_iter().map(|database| database.name).collect();
        Ok(Page::new(Some(names), answer.next_token))
    }
}
