//! Documents about Tabulator tables, which exist since 2024-10-04 (quiltdata/quilt#4135).

/// The tables of a bucket, and whether the user is an administrator, with the variable `b`.
pub(in crate::catalog) const TABLES: &str = "query TabulatorTables($b: String!) { me { isAdmin } \
                                             bucketConfig(name: $b) { tabulatorTables { name config } } }";

/// Whether the tables are open to queries from outside of the catalog, for administrators, since 2024-12-18
/// (quiltdata/quilt#4255).
pub(in crate::catalog) const OPEN_QUERY: &str = "query TabulatorOpenQuery { admin { tabulatorOpenQuery } }";

const ANSWER: &str = "{ __typename ... on BucketConfig { tabulatorTables { name config } } \
                      ... on InvalidInput { errors { path message name } } ... on OperationError { name message } }";

/// The place of the mutations in the schema. It is not cached: in a schema with both, only the first is for all users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::catalog) enum Place {
    /// For users who may write the bucket, since 2025-10-08 (quiltdata/quilt#4580).
    Root,
    /// For administrators, since 2024-10-04.
    Admin,
}

impl Place {
    /// The places in the order in which they are tried.
    pub(in crate::catalog) const ALL: [Self; 2] = [Self::Root, Self::Admin];

    /// Returns the mutation that sets a table, or deletes it, with the variables `b`, `t` and `c`.
    pub(in crate::catalog) fn set_table(self) -> String {
        let field = self.field("bucketSetTabulatorTable(bucketName: $b, tableName: $t, config: $c)");
        format!("mutation SetTabulatorTable($b: String!, $t: String!, $c: String) {{ {field} }}")
    }

    /// Returns the mutation that renames a table, with the variables `b`, `t` and `n`.
    pub(in crate::catalog) fn rename_table(self) -> String {
        let field = self.field("bucketRenameTabulatorTable(bucketName: $b, tableName: $t, newTableName: $n)");
        format!("mutation RenameTabulatorTable($b: String!, $t: String!, $n: String!) {{ {field} }}")
    }

    fn field(self, field: &str) -> String {
        match self {
            Self::Root => format!("{field} {ANSWER}"),
            Self::Admin => format!("admin {{ {field} {ANSWER} }}"),
        }
    }
}
