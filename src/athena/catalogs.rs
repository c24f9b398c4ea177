//! Data catalogs and their databases.

use futures::future::join_all;

use super::{AthenaError, GLUE_CATALOG, UserQueries, is_tabulator};
use crate::aws::athena::DataCatalogRow;
use crate::aws::{AwsError, AwsErrorKind};

/// Maximum number of pages of 50 catalogs or databases.
const MAX_PAGES: usize = 40;

/// A data catalog with its databases.
#[derive(Debug, Clone)]
pub struct CatalogDatabases {
    pub name: String,
    /// `GLUE`, `LAMBDA`, `HIVE` or `FEDERATED`.
    pub kind: Option<String>,
    pub databases: Vec<String>,
    /// The error because of which databases are missing.
    pub error: Option<AwsError>,
}

/// What a caller may query.
#[derive(Debug, Clone)]
pub struct Databases {
    pub catalogs: Vec<CatalogDatabases>,
    /// The error because of which catalogs are missing.
    pub incomplete: Option<AwsError>,
}

impl Databases {
    /// Returns the names of the databases of all catalogs.
    pub(super) fn names(self) -> Vec<String> {
        let catalogs = self.catalogs.into_iter();
        catalogs.flat_map(|catalog| catalog.databases).collect()
    }
}

impl UserQueries {
    /// Returns the data catalog of Tabulator that the caller may use. An account may have those of several stacks.
    pub async fn tabulator_catalog(&self) -> Result<Option<String>, AthenaError> {
        let (rows, _incomplete) = self.data_catalogs(None).await?;
        for row in rows.into_iter().filter(|row| is_tabulator(&row.name)) {
            match self.aws.check_data_catalog(&row.name, None).await {
                Ok(()) => return Ok(Some(row.name)),
                Err(error) if matches!(error.kind, AwsErrorKind::AccessDenied | AwsErrorKind::InvalidRequest) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    /// Lists the data catalogs that the caller may use, with their databases; or those of one.
    pub async fn databases(&self, only: Option<&str>, work_group: Option<&str>) -> Result<Databases, AthenaError> {
        let (rows, incomplete) = match only {
            Some(name) => {
                let row = DataCatalogRow {
                    name: name.to_owned(),
                    kind: None,
                };
                (vec![row], None)
            }
            None => self.data_catalogs(work_group).await?,
        };
        let is_only = only.is_some();
        let catalogs = join_all(rows.into_iter().map(|row| self.catalog(row, work_group, is_only))).await;
        let catalogs: Vec<CatalogDatabases> = catalogs.into_iter().flatten().collect();
        let failed = catalogs
            .iter()
            .filter_map(|catalog| catalog.error.as_ref().filter(|_| catalog.databases.is_empty()));
        if let Some(error) = failed.clone().next()
            && failed.count() == catalogs.len()
        {
            return Err(error.clone().into());
        }
        Ok(Databases { catalogs, incomplete })
    }

    /// Lists the catalogs of the account. Without the right to do so, that of Glue remains.
    async fn data_catalogs(
        &self,
        work_group: Option<&str>,
    ) -> Result<(Vec<DataCatalogRow>, Option<AwsError>), AthenaError> {
        let mut rows: Vec<DataCatalogRow> = Vec::new();
        let mut incomplete = None;
        let mut next_token: Option<String> = None;
        for _ in 0..MAX_PAGES {
            match self.aws.list_data_catalogs(work_group, next_token.as_deref()).await {
                Ok(page) => {
                    rows.extend(page.items);
                    next_token = page.next_token;
                }
                Err(error) if error.kind == AwsErrorKind::AccessDenied || !rows.is_empty() => {
                    incomplete = Some(error);
                    next_token = None;
                }
                Err(error) => return Err(error.into()),
            }
            if next_token.is_none() {
                break;
            }
        }
        if !rows.iter().any(|row| row.name.eq_ignore_ascii_case(GLUE_CATALOG)) {
            rows.push(DataCatalogRow {
                name: GLUE_CATALOG.to_owned(),
                kind: Some("GLUE".to_owned()),
            });
        }
        rows.sort_by(|a, b| a.name.cmp(&b.name));
        Ok((rows, incomplete))
    }

    /// Reads the databases of a catalog; `None` if it is not the caller's.
    async fn catalog(&self, row: DataCatalogRow, work_group: Option<&str>, is_only: bool) -> Option<CatalogDatabases> {
        let is_glue = row.name.eq_ignore_ascii_case(GLUE_CATALOG);
        let mut found = CatalogDatabases {
            name: row.name,
            kind: row.kind,
            databases: Vec::new(),
            error: None,
        };
        if !is_glue && !is_only {
            match self.aws.check_data_catalog(&found.name, work_group).await {
                Ok(()) => {}
                Err(error) if matches!(error.kind, AwsErrorKind::AccessDenied | AwsErrorKind::InvalidRequest) => {
                    return None;
                }
                Err(error) => {
                    found.error = Some(error);
                    return Some(found);
                }
            }
        }
        let mut next_token: Option<String> = None;
        for _ in 0..MAX_PAGES {
            match self
                .aws
                .list_databases(&found.name, work_group, next_token.as_deref())
                .await
            {
                Ok(page) => {
                    found.databases.extend(page.items);
                    next_token = page.next_token;
                }
                Err(error) => {
                    found.error = Some(error);
                    next_token = None;
                }
            }
            if next_token.is_none() {
                break;
            }
        }
        found.databases.sort();
        Some(found)
    }
}
