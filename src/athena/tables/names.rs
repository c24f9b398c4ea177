//! Names of tables, a page at a time.

use tokio::time::Instant;

use super::nearest::nearest;
use super::{FoundTable, ReadBy, TableName, TablePage, TablePosition, is_of_statement};
use crate::athena::literal::{hive_identifier, identifier, string};
use crate::athena::{AthenaError, StatementKind, UserQueries};

/// Pages of metadata that one call reads.
const MAX_PAGES: usize = 20;

/// Which tables of a database are asked for.
pub struct Wanted<'a> {
    pub of: &'a TableName,
    /// A glob; `None` for all.
    pub pattern: Option<&'a str>,
    pub limit: usize,
    pub workgroup: Option<&'a str>,
    pub deadline: Instant,
}

impl Wanted<'_> {
    fn matches(&self, name: &str) -> bool {
        self.pattern.is_none_or(|pattern| matches(pattern, name))
    }
}

impl UserQueries {
    /// Lists tables. A database that does not exist is an error.
    pub async fn tables(&self, wanted: &Wanted<'_>, from: Option<TablePosition>) -> Result<TablePage, AthenaError> {
        let is_first = from.is_none();
        let page = self.table_page(wanted, from).await?;
        // `information_schema` has no rows of a database that does not exist.
        if is_first && page.tables.is_empty() && page.read_by == ReadBy::Sql {
            self.check_database(wanted).await?;
        }
        Ok(page)
    }

    /// Checks that a database is in its catalog. A list that cannot be read is no proof that it is not.
    async fn check_database(&self, wanted: &Wanted<'_>) -> Result<(), AthenaError> {
        let Ok(found) = self.databases(Some(&wanted.of.catalog), wanted.workgroup).await else {
            return Ok(());
        };
        let is_whole = found.catalogs.iter().all(|catalog| catalog.error.is_none());
        let names = found.names();
        let name = &wanted.of.database;
        if !is_whole || names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            return Ok(());
        }
        Err(AthenaError::NoSuchDatabase {
            nearest: nearest(name, &names),
            name: name.clone(),
        })
    }

    async fn table_page(&self, wanted: &Wanted<'_>, from: Option<TablePosition>) -> Result<TablePage, AthenaError> {
        match from {
            Some(TablePosition::Sql { after }) => self.tables_by_sql(wanted, Some(&after)).await,
            Some(TablePosition::Show { after }) => self.tables_by_show(wanted, Some(&after)).await,
            Some(TablePosition::Metadata { token, skip }) => self.tables_by_metadata(wanted, token, skip).await,
            None => {
                if self.may_read_metadata() {
                    match self.tables_by_metadata(wanted, None, 0).await {
                        Err(AthenaError::Aws(error)) if self.is_for_sql(&error) => {}
                        outcome => return outcome,
                    }
                }
                match self.tables_by_sql(wanted, None).await {
                    Err(error) if is_of_statement(&error) && wanted.of.is_glue() => {
                        self.tables_by_show(wanted, None).await.map_err(|_| error)
                    }
                    outcome => outcome,
                }
            }
        }
    }

    async fn tables_by_metadata(
        &self,
        wanted: &Wanted<'_>,
        mut token: Option<String>,
        mut skip: usize,
    ) -> Result<TablePage, AthenaError> {
        let mut tables = Vec::new();
        let mut next = None;
        for _ in 0..MAX_PAGES {
            let page = self
                .aws
                .list_tables(&wanted.of.catalog, &wanted.of.database, token.as_deref())
                .await?;
            for (index, name) in page.items.into_iter().enumerate().skip(skip) {
                if tables.len() >= wanted.limit {
                    let next = Some(TablePosition::Metadata { token, skip: index });
                    return Ok(by_metadata(tables, next));
                }
                if wanted.matches(&name) {
                    let behind = TablePosition::Metadata {
                        token: token.clone(),
                        skip: index + 1,
                    };
                    tables.push(FoundTable { name, behind });
                }
            }
            token = page.next_token;
            skip = 0;
            next = token.clone().map(|token| TablePosition::Metadata {
                token: Some(token),
                skip: 0,
            });
            if next.is_none() || tables.len() >= wanted.limit {
                break;
            }
        }
        Ok(by_metadata(tables, next))
    }

    async fn tables_by_sql(&self, wanted: &Wanted<'_>, after: Option<&str>) -> Result<TablePage, AthenaError> {
        let of = wanted.of;
        let pattern = wanted.pattern.map(|pattern| string(&like(pattern)));
        let matches = pattern.map(|pattern| format!(" AND table_name LIKE {pattern} ESCAPE '\\'"));
        let follows = after.map(|after| format!(" AND table_name > {}", string(after)));
        let sql = format!(
            "SELECT table_name FROM {}.\"information_schema\".\"tables\" WHERE table_schema = {}{}{} ORDER BY table_name LIMIT {}",
            identifier(&of.catalog),
            string(&of.database.to_lowercase()),
            matches.unwrap_or_default(),
            follows.unwrap_or_default(),
            wanted.limit + 1
        );
        let answer = self
            .ask(of, StatementKind::Query, sql, wanted.workgroup, wanted.deadline)
            .await?;
        let names = answer
            .rows
            .into_iter()
            .filter_map(|row| row.into_iter().next())
            .collect();
        Ok(paged(names, wanted.limit, answer.scanned_bytes, |after| {
            TablePosition::Sql { after }
        }))
    }

    async fn tables_by_show(&self, wanted: &Wanted<'_>, after: Option<&str>) -> Result<TablePage, AthenaError> {
        let of = wanted.of;
        let sql = format!("SHOW TABLES IN {}", hive_identifier(&of.database));
        let answer = self
            .ask(of, StatementKind::Show, sql, wanted.workgroup, wanted.deadline)
            .await?;
        let names = answer.rows.into_iter().filter_map(|row| row.into_iter().next());
        let mut names: Vec<String> = names
            .map(|name| name.trim().to_owned())
            .filter(|name| wanted.matches(name))
            .filter(|name| after.is_none_or(|after| name.as_str() > after))
            .collect();
        names.sort();
        Ok(paged(names, wanted.limit, answer.scanned_bytes, |after| {
            TablePosition::Show { after }
        }))
    }
}

fn by_metadata(tables: Vec<FoundTable>, next: Option<TablePosition>) -> TablePage {
    TablePage {
        tables,
        next,
        read_by: ReadBy::Metadata,
        scanned_bytes: 0,
    }
}

fn paged(
    mut names: Vec<String>,
    limit: usize,
    scanned_bytes: u64,
    position: impl Fn(String) -> TablePosition,
) -> TablePage {
    let has_more = names.len() > limit;
    names.truncate(limit);
    let next = names.last().filter(|_| has_more).cloned().map(&position);
    let found = |name: String| FoundTable {
        behind: position(name.clone()),
        name,
    };
    TablePage {
        tables: names.into_iter().map(found).collect(),
        next,
        read_by: ReadBy::Sql,
        scanned_bytes,
    }
}

/// Whether a name matches a glob, in which only `*` and `?` have a meaning.
#[must_use]
pub fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let name: Vec<char> = name.to_lowercase().chars().collect();
    let (mut at, mut read) = (0, 0);
    // Where the last `*` stands, and what of the name it stands for so far.
    let mut star: Option<(usize, usize)> = None;
    while read < name.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(letter) if *letter == '?' || name.get(read) == Some(letter) => {
                at += 1;
                read += 1;
            }
            _ => {
                let Some((place, taken)) = star else {
                    return false;
                };
                star = Some((place, taken + 1));
                (at, read) = (place + 1, taken + 1);
            }
        }
    }
    pattern.iter().skip(at).all(|letter| *letter == '*')
}

/// Returns the pattern of LIKE for a glob.
fn like(pattern: &str) -> String {
    let mut like = String::with_capacity(pattern.len());
    for letter in pattern.to_lowercase().chars() {
        match letter {
            '*' => like.push('%'),
            '?' => like.push('_'),
            '%' | '_' | '\\' => like.extend(['\\', letter]),
            letter => like.push(letter),
        }
    }
    like
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_mean_the_same_by_both_ways() {
        assert_eq!(like("My_b%-*_Entry?"), "my\\_b\\%-%\\_entry_");
        for (pattern, name, expected) in [
            ("*_package_entry", "my-bucket_package_entry", true),
            ("*_package_entry", "my-bucket_package_entries", false),
            ("a?c", "abc", true),
            ("A*", "abc", true),
            ("[ab]", "a", false),
            ("[ab]", "[ab]", true),
            ("{a,b}", "a", false),
            ("*a*b*", "xaxxbx", true),
            ("*ab", "aab", true),
            ("", "", true),
            ("*", "", true),
            ("?", "", false),
        ] {
            assert_eq!(super::matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
