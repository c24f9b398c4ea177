//! SHOW and DESCRIBE, which Athena answers from the catalog.

use super::failure::Failure;
use super::lexer::{Kind, Token};
use super::names::Visible;
use super::result::ResultSet;
use super::rewrite::{Names, TableName};
use crate::athena::source::{Column, Table};

/// Returns a type as Hive writes it.
pub(crate) fn hive_type(data_type: &str) -> String {
    match data_type {
        "varchar" => "string".to_owned(),
        "integer" => "int".to_owned(),
        "real" => "float".to_owned(),
        "varbinary" => "binary".to_owned(),
        "timestamp(3)" => "timestamp".to_owned(),
        other => other
            .replace("row(", "struct<")
            .replace("array(", "array<")
            .replace(')', ">")
            .replace("varchar", "string")
            .replace(' ', ":"),
    }
}

/// Answers a statement.
pub(crate) fn answer(sql: &str, all: &[Token<'_>], names: &Names, visible: Visible<'_>) -> Result<ResultSet, Failure> {
    let show = Show {
        sql,
        all,
        names,
        visible,
    };
    let keyword = |at: usize| all.get(at).map_or_else(String::new, |token| token.text.to_uppercase());
    match (keyword(0).as_str(), keyword(1).as_str()) {
        ("DESCRIBE" | "DESC", "FORMATTED" | "EXTENDED") => show.describe(2),
        ("DESCRIBE" | "DESC", _) => show.describe(1),
        (_, "DATABASES" | "SCHEMAS") => show.databases(),
        (_, "TABLES") => show.tables("tab_name", |_| true),
        (_, "VIEWS") => show.tables("views", |table| table.table_type == "VIRTUAL_VIEW"),
        (_, "COLUMNS") => {
            let (_, _, table) = show.table(3)?;
            let columns = table.columns.iter().map(|column| format!("{:<20}", column.name));
            Ok(ResultSet::of_lines("field", "string", columns))
        }
        (_, "CREATE") => show.create(),
        (_, what) => Err(Failure::unsupported(sql, 0, &format!("SHOW {what}"))),
    }
}

struct Show<'a> {
    sql: &'a str,
    all: &'a [Token<'a>],
    names: &'a Names,
    visible: Visible<'a>,
}

impl Show<'_> {
    /// Returns the parts of the name that begins at a token.
    fn name(&self, at: usize) -> (Vec<String>, usize) {
        let mut parts = Vec::new();
        let mut next = at;
        while let Some(part) = self.all.get(next).and_then(Token::name) {
            parts.push(part.to_lowercase());
            if !self.all.get(next + 1).is_some_and(|token| token.is_symbol(".")) {
                break;
            }
            next += 2;
        }
        (parts, self.all.get(at).map_or(self.sql.len(), |token| token.offset))
    }

    fn table(&self, at: usize) -> Result<(String, String, Table), Failure> {
        let (mut parts, offset) = self.name(at);
        let after = at + parts.len() * 2 - usize::from(!parts.is_empty());
        if self
            .all
            .get(after)
            .is_some_and(|token| token.is("IN") || token.is("FROM"))
        {
            parts.splice(..0, self.name(after + 1).0);
        }
        let default = [self.names.catalog.clone(), self.names.database.clone()];
        let missing = 3_usize.saturating_sub(parts.len());
        parts.splice(..0, default.into_iter().take(missing));
        let [catalog, database, table] = parts.as_slice() else {
            return Err(Failure::new(
                "SYNTAX_ERROR",
                self.sql,
                Some(offset),
                "A table name is missing",
            ));
        };
        let name = TableName {
            catalog: catalog.clone(),
            database: database.clone(),
            table: table.clone(),
            offset,
        };
        self.visible.find(self.sql, &name)
    }

    fn describe(&self, at: usize) -> Result<ResultSet, Failure> {
        let (_, _, table) = self.table(at)?;
        let line = |column: &Column| format!("{:<20}\t{:<20}\t{:<20}", column.name, hive_type(&column.data_type), "");
        let mut result = ResultSet::of_lines("col_name", "string", table.columns.iter().map(line));
        let more = ["data_type", "comment"].map(|name| (name.to_owned(), "string".to_owned()));
        result.columns.extend(more);
        Ok(result)
    }

    fn databases(&self) -> Result<ResultSet, Failure> {
        let catalog = self.visible.usable_catalog(self.sql, &self.names.catalog, None)?;
        let databases = self.visible.databases(&catalog).into_iter();
        let shown = databases.filter(|name| self.matches(name));
        Ok(ResultSet::of_lines("database_name", "string", shown))
    }

    fn tables(&self, column: &str, is_shown: impl Fn(&Table) -> bool) -> Result<ResultSet, Failure> {
        let mut parts = Vec::new();
        let mut offset = 0;
        if self.all.get(2).is_some_and(|token| token.is("IN") || token.is("FROM")) {
            (parts, offset) = self.name(3);
        }
        let (catalog, database) = match parts.as_slice() {
            [] => (&self.names.catalog, &self.names.database),
            [database] => (&self.names.catalog, database),
            [catalog, database, ..] => (catalog, database),
        };
        let catalog = self.visible.usable_catalog(self.sql, catalog, None)?;
        let databases = self.visible.databases(&catalog);
        let Some(database) = databases.iter().find(|name| name.eq_ignore_ascii_case(database)) else {
            let message = format!("Schema '{database}' does not exist");
            return Err(Failure::new("SCHEMA_NOT_FOUND", self.sql, Some(offset), &message));
        };
        let tables = self.visible.tables(&catalog, database).into_iter();
        let names = tables.filter(is_shown).map(|table| table.name);
        Ok(ResultSet::of_lines(
            column,
            "string",
            names.filter(|name| self.matches(name)),
        ))
    }

    /// Returns whether a name matches the pattern, in which `*` is any text and `|` separates alternatives.
    fn matches(&self, name: &str) -> bool {
        let literal = self
            .all
            .iter()
            .find(|token| token.kind == Kind::Text)
            .and_then(Token::literal);
        let Some(pattern) = literal else {
            return true;
        };
        pattern.split('|').any(|alternative| {
            let parts: Vec<String> = alternative.to_lowercase().split('*').map(regex::escape).collect();
            regex::Regex::new(&format!("^{}$", parts.join(".*"))).is_ok_and(|pattern| pattern.is_match(name))
        })
    }

    fn create(&self) -> Result<ResultSet, Failure> {
        let (_, database, table) = self.table(3)?;
        let last = table.columns.len().saturating_sub(1);
        let mut lines = vec![format!("CREATE EXTERNAL TABLE `{database}.{}`(", table.name)];
        lines.extend(table.columns.iter().enumerate().map(|(index, column)| {
            let end = if index == last { ')' } else { ',' };
            format!("  `{}` {}{end}", column.name, hive_type(&column.data_type))
        }));
        Ok(ResultSet::of_lines("createtab_stmt", "string", lines))
    }
}
