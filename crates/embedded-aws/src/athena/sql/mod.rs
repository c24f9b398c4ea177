//! SQL of Athena on SQLite: statements are rewritten, the tables that they name are filled, and the result is printed as
//! Athena prints it. What is not understood is a failure that says so, not another result.

mod dates;
mod failure;
mod functions;
mod json_path;
mod lexer;
mod names;
mod result;
mod rewrite;
mod run;
mod show;
mod statement;
mod values;

pub(crate) use failure::Failure;
pub(crate) use names::{Access, Visible};
pub(crate) use result::ResultSet;
pub(crate) use rewrite::Names;
pub(crate) use run::{Context, End};
pub(crate) use show::hive_type;
pub(crate) use statement::{Statement, StatementType};

/// Runs a statement.
pub(crate) fn run(statement: &Statement, context: &Context<'_>) -> Result<ResultSet, End> {
    let sql = &statement.sql;
    let all = lexer::tokens(sql)?;
    match statement.substatement.as_str() {
        "SELECT" => run::query(sql, context),
        "EXPLAIN" => run::explain(sql, &all, context),
        show if show.starts_with("SHOW_") || show == "DESCRIBE_TABLE" => {
            Ok(show::answer(sql, &all, &context.names, context.visible)?)
        }
        other => Err(Failure::unsupported(sql, 0, &other.replace('_', " ")).into()),
    }
}
