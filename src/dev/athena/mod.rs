//! Athena as a Quilt stack sets it up: workgroups, the tables of packages, Tabulator tables, and the policy of roles.
//!
//! **Does not own** the SQL and the protocol, which are the embedded account's, nor the configurations of Tabulator tables.

mod csv;
mod packages;
mod tabulator_table;

use std::ops::ControlFlow;
use std::sync::Arc;

use embedded_aws::{Cell, DataCatalog, EmbeddedAws, NamedQuery, ObjectRef, Table, TableSource, Workgroup};
use packages::PackageTable;
use serde_json::{Value, json};
use tabulator_table::TabulatorTable;

use super::samples::SHARED;
use super::tabulator::TabulatorTables;

const GLUE: &str = "AwsDataCatalog";
/// The data catalog of Tabulator.
const TABULATOR: &str = "quilt-dev-tabulator";
/// The database with the raw tables and views of packages.
const USER_DATABASE: &str = "userathenadatabase-dev";
/// The database with the Iceberg tables of packages.
const ICEBERG_DATABASE: &str = "quilt_dev_iceberg";
/// The workgroup of external programs, when Tabulator's open query is switched on.
const OPEN_QUERY: &str = "QuiltTabulatorOpenQuery-quilt-dev";
/// The workgroup of roles that the registry does not manage.
const NON_MANAGED: &str = "QuiltUserAthena-quilt-dev-NonManagedRoleWorkgroup";

/// Returns the name of the workgroup of a managed role.
pub(super) fn workgroup(role: &str) -> String {
    format!("QuiltUserAthena-quilt-dev-{role}")
}

/// Creates workgroups and a saved query, and hands the tables to Athena.
pub(super) fn seed(aws: &EmbeddedAws, roles: &[&str], tabulator: &TabulatorTables) {
    let results = "s3://quilt-dev-athena-results/athena-results";
    let names = roles.iter().map(|role| (workgroup(role), *role));
    let more = [
        (NON_MANAGED.to_owned(), "non-managed-roles"),
        (OPEN_QUERY.to_owned(), "tabulator-open-query"),
    ];
    for (name, folder) in names.chain(more) {
        aws.put_workgroup(Workgroup {
            name,
            output_location: Some(format!("{results}/{folder}/")),
            ..Workgroup::default()
        });
    }
    // AWS creates this one in every account; it has no output location until it is given one.
    aws.put_workgroup(Workgroup {
        name: "primary".to_owned(),
        ..Workgroup::default()
    });
    for role in roles {
        aws.put_named_query(NamedQuery {
            id: uuid::Uuid::new_v4().to_string(),
            name: "Latest packages".to_owned(),
            database: ICEBERG_DATABASE.to_owned(),
            sql: format!("SELECT pkg_name, top_hash FROM \"{SHARED}_package_tag\" WHERE tag_name = 'latest'"),
            workgroup: workgroup(role),
        });
    }
    aws.set_tables(Arc::new(Tables {
        aws: aws.clone(),
        tabulator: tabulator.clone(),
    }));
}

fn arn(aws: &EmbeddedAws, service: &str, resource: &str) -> String {
    let options = aws.options();
    format!("arn:aws:{service}:{}:{}:{resource}", options.region, options.account_id)
}

/// Returns the statements of a managed role's policy: those of Quilt's template, narrowed to the role's workgroup and
/// buckets as the registry's session policy does. Table metadata is not among what they allow.
pub(super) fn statements(aws: &EmbeddedAws, role: &str, buckets: &[&str]) -> Vec<Value> {
    let via_athena = json!({ "ForAnyValue:StringEquals": { "aws:CalledVia": "athena.amazonaws.com" } });
    let mut glue: Vec<String> = [
        "catalog".to_owned(),
        format!("database/{USER_DATABASE}"),
        format!("database/{ICEBERG_DATABASE}"),
    ]
    .into_iter()
    .chain([format!("table/{USER_DATABASE}/*")])
    .map(|resource| arn(aws, "glue", &resource))
    .collect();
    let iceberg = |bucket: &&str| arn(aws, "glue", &format!("table/{ICEBERG_DATABASE}/{bucket}_package_*"));
    glue.extend(buckets.iter().map(iceberg));
    vec![
        json!({ "Effect": "Allow", "Resource": "*",
            "Action": ["athena:ListWorkGroups", "athena:ListDataCatalogs", "athena:ListDatabases"] }),
        json!({ "Effect": "Allow", "Resource": arn(aws, "athena", &format!("workgroup/{}", workgroup(role))),
            "Action": ["athena:GetWorkGroup", "athena:StartQueryExecution", "athena:StopQueryExecution",
                "athena:GetQueryExecution", "athena:BatchGetQueryExecution", "athena:GetQueryResults",
                "athena:ListQueryExecutions", "athena:ListNamedQueries", "athena:GetNamedQuery",
                "athena:BatchGetNamedQuery"] }),
        json!({ "Effect": "Allow", "Resource": arn(aws, "athena", &format!("datacatalog/{TABULATOR}")),
            "Action": "athena:GetDataCatalog" }),
        json!({ "Effect": "Allow", "Resource": glue, "Condition": via_athena,
            "Action": ["glue:GetDatabase", "glue:GetDatabases", "glue:GetTable", "glue:GetTables"] }),
        json!({ "Effect": "Allow", "Resource": function_arn(aws), "Condition": via_athena,
            "Action": "lambda:InvokeFunction" }),
    ]
}

fn function_arn(aws: &EmbeddedAws) -> String {
    arn(aws, "lambda", &format!("function:{TABULATOR}"))
}

/// The tables of all buckets.
struct Tables {
    aws: EmbeddedAws,
    tabulator: TabulatorTables,
}

impl Tables {
    fn package_table(&self, database: &str, table: &Table) -> Option<PackageTable> {
        self.package_tables(database)
            .into_iter()
            .find(|(_, other)| other == table)
            .map(|(found, _)| found)
    }

    fn package_tables(&self, database: &str) -> Vec<(PackageTable, Table)> {
        let buckets = self.aws.buckets();
        let all = buckets
            .iter()
            .flat_map(|bucket| PackageTable::all(bucket, database == ICEBERG_DATABASE));
        all.collect()
    }

    fn tabulator_table(&self, bucket: &str, table: &Table) -> Result<TabulatorTable, String> {
        let tables = self.tabulator.tables(bucket);
        let config = tables.iter().find(|(name, _)| name.eq_ignore_ascii_case(&table.name));
        let (_, config) = config.ok_or_else(|| format!("table {} does not exist", table.name))?;
        TabulatorTable::read(bucket, config)
    }
}

impl TableSource for Tables {
    fn catalogs(&self) -> Vec<DataCatalog> {
        let glue = DataCatalog {
            name: GLUE.to_owned(),
            function_arn: None,
        };
        let tabulator = DataCatalog {
            name: TABULATOR.to_owned(),
            function_arn: Some(function_arn(&self.aws)),
        };
        vec![glue, tabulator]
    }

    fn databases(&self, catalog: &str) -> Vec<String> {
        match catalog {
            TABULATOR => self.tabulator.buckets(),
            _ => vec![ICEBERG_DATABASE.to_owned(), USER_DATABASE.to_owned()],
        }
    }

    fn tables(&self, catalog: &str, database: &str) -> Vec<Table> {
        if catalog != TABULATOR {
            let tables = self.package_tables(database).into_iter();
            return tables.map(|(_, table)| table).collect();
        }
        let tables = self.tabulator.tables(database).into_iter();
        let table = |(name, config): (String, String)| Table {
            name: name.to_lowercase(),
            table_type: "EXTERNAL_TABLE",
            // A table whose configuration cannot be read is listed, and a query of it fails.
            columns: match TabulatorTable::read(database, &config) {
                Ok(table) => table.columns(),
                Err(_) => TabulatorTable::added().collect(),
            },
        };
        tables.map(table).collect()
    }

    fn check(&self, catalog: &str, database: &str, table: &Table) -> Result<(), String> {
        match catalog {
            TABULATOR => self.tabulator_table(database, table).map(drop),
            _ => Ok(()),
        }
    }

    fn listed_bucket(&self, catalog: &str, database: &str) -> Option<String> {
        (catalog == TABULATOR).then(|| database.to_owned())
    }

    fn objects(&self, catalog: &str, database: &str, table: &Table) -> Vec<ObjectRef> {
        if catalog == TABULATOR {
            let table = self.tabulator_table(database, table);
            return table.map(|table| table.objects(&self.aws)).unwrap_or_default();
        }
        let table = self.package_table(database, table);
        table.map(|table| table.objects(&self.aws)).unwrap_or_default()
    }

    fn rows(
        &self,
        catalog: &str,
        database: &str,
        table: &Table,
        sink: &mut dyn FnMut(Vec<Cell>) -> ControlFlow<()>,
    ) -> Result<(), String> {
        if catalog == TABULATOR {
            return self.tabulator_table(database, table)?.rows(&self.aws, sink);
        }
        if let Some(table) = self.package_table(database, table) {
            table.rows(&self.aws, sink);
        }
        Ok(())
    }
}
