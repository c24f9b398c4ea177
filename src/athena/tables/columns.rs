//! Columns of a table.

use tokio::time::Instant;

use super::{ReadBy, TableColumn, TableColumns, TableName, is_of_statement};
use crate::athena::literal::{hive_identifier, identifier, string};
use crate::athena::{AthenaError, StatementKind, UserQueries};
use crate::aws::athena::{Column, TableMetadata};

impl UserQueries {
    /// Reads the columns of a table.
    pub async fn columns(
        &self,
        of: &TableName,
        workgroup: Option<&str>,
        deadline: Instant,
    ) -> Result<TableColumns, AthenaError> {
        if self.may_read_metadata() {
            match self.aws.table(&of.catalog, &of.database, &of.table).await {
                Ok(Some(table)) => {
                    let columns = of_metadata(table);
                    if !columns.is_empty() {
                        return Ok(TableColumns {
                            columns,
                            read_by: ReadBy::Metadata,
                            scanned_bytes: 0,
                        });
                    }
                }
                Ok(None) => {}
                Err(error) if self.is_for_sql(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let found = match self.columns_by_sql(of, workgroup, deadline).await {
            Err(error) if is_of_statement(&error) && of.is_glue() => self
                .columns_by_describe(of, workgroup, deadline)
                .await
                .map_err(|_| error)?,
            outcome => outcome?,
        };
        if found.columns.is_empty() {
            return Err(AthenaError::NoSuchTable(of.table.clone()));
        }
        Ok(found)
    }

    async fn columns_by_sql(
        &self,
        of: &TableName,
        workgroup: Option<&str>,
        deadline: Instant,
    ) -> Result<TableColumns, AthenaError> {
        let sql = format!(
            "SELECT column_name, data_type FROM {}.\"information_schema\".\"columns\" WHERE table_schema = {} AND table_name = \
             {} ORDER BY ordinal_position",
            identifier(&of.catalog),
            string(&of.database.to_lowercase()),
            string(&of.table.to_lowercase())
        );
        let answer = self.ask(of, StatementKind::Query, sql, workgroup, deadline).await?;
        let columns = answer.rows.into_iter().filter_map(|row| {
            let mut cells = row.into_iter();
            Some(TableColumn {
                name: cells.next()?,
                kind: cells.next().unwrap_or_default(),
                is_partition: None,
                comment: None,
            })
        });
        Ok(TableColumns {
            columns: columns.collect(),
            read_by: ReadBy::Sql,
            scanned_bytes: answer.scanned_bytes,
        })
    }

    async fn columns_by_describe(
        &self,
        of: &TableName,
        workgroup: Option<&str>,
        deadline: Instant,
    ) -> Result<TableColumns, AthenaError> {
        let sql = format!(
            "DESCRIBE {}.{}",
            hive_identifier(&of.database),
            hive_identifier(&of.table)
        );
        let answer = self.ask(of, StatementKind::Describe, sql, workgroup, deadline).await?;
        Ok(TableColumns {
            columns: of_description(&answer.rows),
            read_by: ReadBy::Sql,
            scanned_bytes: answer.scanned_bytes,
        })
    }
}

fn of_metadata(table: TableMetadata) -> Vec<TableColumn> {
    let column = |is_partition: bool| {
        move |column: Column| TableColumn {
            name: column.name,
            kind: column.r#type.unwrap_or_default(),
            is_partition: Some(is_partition),
            comment: column.comment.filter(|comment| !comment.is_empty()),
        }
    };
    let plain = table.columns.unwrap_or_default().into_iter().map(column(false));
    let partitions = table.partition_keys.unwrap_or_default().into_iter().map(column(true));
    plain.chain(partitions).collect()
}

/// Reads the rows of DESCRIBE: parts between tabs, and the partition columns once more below a heading.
fn of_description(rows: &[Vec<String>]) -> Vec<TableColumn> {
    let mut columns: Vec<TableColumn> = Vec::new();
    let mut is_below_heading = false;
    for row in rows {
        let line = row.join("\t");
        let parts: Vec<&str> = line.split('\t').map(str::trim).collect();
        let name = parts.first().copied().unwrap_or_default();
        if name.starts_with('#') {
            is_below_heading |= name.to_lowercase().contains("partition");
            continue;
        }
        if name.is_empty() {
            continue;
        }
        if let Some(known) = columns.iter_mut().find(|column| column.name == name) {
            known.is_partition = Some(is_below_heading);
            continue;
        }
        let text = |index: usize| parts.get(index).copied().unwrap_or_default();
        columns.push(TableColumn {
            name: name.to_owned(),
            kind: text(1).to_owned(),
            is_partition: Some(is_below_heading),
            comment: Some(text(2).to_owned()).filter(|comment| !comment.is_empty()),
        });
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_split_at_tabs_and_names_the_partition_columns() {
        let lines = [
            "id                  \tbigint              \tthe id              ",
            "day                 \tstring              \t                    ",
            "\t \t ",
            "# Partition Information\t \t ",
            "# col_name            \tdata_type           \tcomment             ",
            "day                 \tstring              \t                    ",
        ];
        let rows: Vec<Vec<String>> = lines.iter().map(|line| vec![(*line).to_owned()]).collect();
        let column = |name: &str, kind: &str, is_partition, comment: Option<&str>| TableColumn {
            name: name.to_owned(),
            kind: kind.to_owned(),
            is_partition: Some(is_partition),
            comment: comment.map(str::to_owned),
        };
        assert_eq!(
            of_description(&rows),
            [
                column("id", "bigint", false, Some("the id")),
                column("day", "string", true, None)
            ]
        );
    }
}
