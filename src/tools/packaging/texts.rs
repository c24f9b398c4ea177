//! The arguments `readme` and `summary`, which become files of the package.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::review::MAX_CHECKED;
use crate::packages::{TextFile, TextKind};
use crate::tools::ToolError;

/// A file that the catalog shows with the package: a row of `quilt_summarize.json`. A plain text stands for its path
/// (`x-text`). The argument's description names the members, so that they are not listed once more.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline, extend("x-text" = "path", "x-listed-as-text" = true))]
pub(super) struct SummaryRow {
    /// Logical key
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// Whether it is shown whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    expand: Option<bool>,
    /// Kinds of previews, such as `vega`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    types: Vec<String>,
}

/// A row as it is written: the catalog reads a path alone as a text.
#[derive(Serialize)]
#[serde(untagged)]
enum WrittenRow<'a> {
    Path(&'a str),
    Row(&'a SummaryRow),
}

/// Makes the files of the two arguments.
pub(super) fn text_files(readme: Option<String>, summary: &[SummaryRow]) -> Result<Vec<TextFile>, ToolError> {
    let readme = readme.map(|text| TextFile {
        kind: TextKind::Readme,
        text,
    });
    let summary = (!summary.is_empty()).then(|| summary_file(summary)).transpose()?;
    Ok(readme.into_iter().chain(summary).collect())
}

/// Returns the paths of a summary.
pub(super) fn paths(summary: &[SummaryRow]) -> impl Iterator<Item = &str> {
    summary.iter().map(|row| row.path.as_str())
}

fn summary_file(rows: &[SummaryRow]) -> Result<TextFile, ToolError> {
    if rows.len() > MAX_CHECKED {
        let message = format!("Argument summary: one summary has at most {MAX_CHECKED} rows.");
        return Err(ToolError::invalid(message));
    }
    for (number, row) in rows.iter().enumerate() {
        let is_path = |path: &str| !path.split('/').any(|segment| matches!(segment, "" | "." | ".."));
        if !is_path(&row.path) {
            let message = format!(
                "Argument summary: row {}: `{}` is no logical key; write the path of an entry of the package, such as \
                 data/plot.png.",
                number + 1,
                row.path
            );
            return Err(ToolError::invalid(message));
        }
    }
    let written: Vec<WrittenRow<'_>> = rows.iter().map(WrittenRow::of).collect();
    let text = serde_json::to_string_pretty(&written)
        .map_err(|_| ToolError::invalid("Argument summary: it cannot be written as JSON."))?;
    Ok(TextFile {
        kind: TextKind::Summary,
        text: text + "\n",
    })
}

impl<'a> WrittenRow<'a> {
    fn of(row: &'a SummaryRow) -> Self {
        let SummaryRow {
            path,
            title,
            description,
            expand,
            types,
        } = row;
        let is_plain = title.is_none() && description.is_none() && expand.is_none() && types.is_empty();
        if is_plain { Self::Path(path) } else { Self::Row(row) }
    }
}
