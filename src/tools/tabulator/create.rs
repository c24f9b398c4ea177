//! `tabulator_table_create`: a new table, or another configuration of one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::current::{find, not_changed, shown, tables};
use super::preview::{Preview, preview};
use crate::aws::s3::BucketName;
use crate::catalog::{
    Column, ColumnType, FileParser, MAX_CONFIG_BYTES, Source, SourceType, TableConfig, TableConfigError, TablePatterns,
    TabulatorTable, set_tabulator_table,
};
use crate::error_code::ErrorCode;
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError};

pub struct TabulatorTableCreate;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Bucket
    #[schemars(with = "String")]
    bucket: BucketName,
    /// New table
    table: String,
    /// YAML, instead of the next seven
    config: Option<String>,
    /// Columns as `name TYPE`
    schema: Option<Vec<String>>,
    /// Regular expression; named groups become columns
    package_name: Option<String>,
    /// Regular expression
    logical_key: Option<String>,
    /// By default csv
    format: Option<Format>,
    /// By default a comma
    #[schemars(extend("x-blank" = "value"))]
    delimiter: Option<String>,
    /// Files have a header row
    header: Option<bool>,
    /// By default false
    continue_on_error: Option<bool>,
    /// Replace a table of this name
    #[serde(default)]
    overwrite: bool,
    /// Only preview
    #[serde(default)]
    dry_run: bool,
}

/// Format of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum Format {
    Csv,
    Parquet,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    bucket: String,
    table: String,
    /// The configuration in YAML.
    config: String,
    /// Whether the table is new or another one than before.
    changed: bool,
    /// The configuration that was replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    config_before: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
    /// What the table shows, as far as it was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    preview: Option<Preview>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl Tool for TabulatorTableCreate {
    const NAME: &'static str = "tabulator_table_create";
    const TITLE: &'static str = "Create a Tabulator table";
    const DESCRIPTION: &'static str = "Makes a table of the CSV or Parquet files in latest revisions whose package and \
                                       logical key match. The result previews the matches.";
    const TOOLSET: Toolset = Toolset::Tabulator;
    const HINTS: Hints = Hints::REPLACES;
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let table = args.table.trim();
        if table.is_empty() {
            return Err(ToolError::invalid("Argument table: it is empty."));
        }
        let (text, config, patterns) = configuration(&args)?;
        let (access, found) = tables(&session, &args.bucket).await?;
        let before = find(&found.tables, table);
        let is_same = before.is_some_and(|before| is_same(before, &text, &config));
        if let Some(before) = before.filter(|_| !is_same && !args.overwrite) {
            return Err(taken(&args.bucket, before));
        }
        let (preview, mut warnings) = match preview(&session, &args.bucket, &patterns).await {
            Ok(preview) => {
                let warning = preview.warning();
                (Some(preview), warning.into_iter().collect())
            }
            Err(error) => (None, vec![format!("What matches is not known: {}", error.message)]),
        };
        let config_before = before.filter(|_| !is_same).map(|before| before.config.clone());
        if config_before.is_some() && !args.dry_run {
            warnings.push(
                "The table is replaced; the catalog keeps no earlier version, config_before is the only copy.".into(),
            );
        }
        if !is_same && !args.dry_run {
            let set = set_tabulator_table(&access, args.bucket.as_str(), table, Some(&text)).await;
            if let Err(error) = set {
                return Err(not_changed(&session, error).await);
            }
        }
        Ok(Output {
            bucket: args.bucket.to_string(),
            table: table.to_owned(),
            config: text,
            changed: !is_same,
            config_before,
            dry_run: args.dry_run,
            preview,
            warnings,
        }
        .into())
    }
}

/// Returns the configuration that the arguments give, as YAML, read and with its expressions.
fn configuration(args: &Args) -> Result<(String, TableConfig, TablePatterns), ToolError> {
    let parts = [
        ("schema", args.schema.is_some()),
        ("package_name", args.package_name.is_some()),
        ("logical_key", args.logical_key.is_some()),
        ("format", args.format.is_some()),
        ("delimiter", has_delimiter(args)),
        ("header", args.header.is_some()),
        ("continue_on_error", args.continue_on_error.is_some()),
    ];
    if let Some(text) = &args.config {
        if let Some((part, _)) = parts.iter().find(|(_, is_given)| *is_given) {
            return Err(ToolError::invalid(format!(
                "Argument {part}: config is the whole configuration; give one or the other."
            )));
        }
        let invalid = |error: TableConfigError| ToolError::invalid(format!("Argument config: {error}."));
        let (config, patterns) = TableConfig::parse(text).map_err(invalid)?;
        return Ok((text.clone(), config, patterns));
    }
    let config = assembled(args)?;
    let patterns = config.check().map_err(|error| match error {
        // The arguments have the names of the members.
        TableConfigError::Invalid { place, problem } => {
            let argument = place.trim_start_matches("source.").trim_start_matches("parser.");
            ToolError::invalid(format!("Argument {argument}: {problem}."))
        }
        error @ TableConfigError::NotYaml(_) => ToolError::invalid(format!("The configuration is not valid: {error}.")),
    })?;
    Ok((config.to_yaml(), config, patterns))
}

fn has_delimiter(args: &Args) -> bool {
    args.delimiter.as_deref().is_some_and(|text| !text.is_empty())
}

fn assembled(args: &Args) -> Result<TableConfig, ToolError> {
    let columns = args.schema.iter().flatten().map(String::len);
    let texts = [&args.package_name, &args.logical_key]
        .into_iter()
        .flatten()
        .map(String::len);
    if columns.chain(texts).sum::<usize>() > MAX_CONFIG_BYTES {
        return Err(ToolError::invalid(format!(
            "Argument schema: the configuration is longer than {MAX_CONFIG_BYTES} bytes."
        )));
    }
    let required = |argument: &str, value: &Option<String>| {
        value
            .clone()
            .ok_or_else(|| ToolError::invalid(format!("Argument {argument}: it is required unless config is given.")))
    };
    let source = Source {
        kind: SourceType::QuiltPackages,
        package_name: required("package_name", &args.package_name)?,
        logical_key: required("logical_key", &args.logical_key)?,
    };
    let parser = match args.format {
        Some(Format::Parquet) if has_delimiter(args) || args.header.is_some() => {
            return Err(ToolError::invalid(
                "Arguments delimiter and header: Parquet files have neither; leave them out.",
            ));
        }
        Some(Format::Parquet) => FileParser::Parquet {},
        Some(Format::Csv) | None => FileParser::Csv {
            // A tab is blank, and a delimiter; an empty text is absence.
            delimiter: args.delimiter.clone().filter(|text| !text.is_empty()),
            header: args.header,
        },
    };
    let schema: Result<Vec<Column>, ToolError> = args.schema.iter().flatten().enumerate().map(column).collect();
    Ok(TableConfig {
        schema: schema?,
        source,
        parser,
        continue_on_error: args.continue_on_error,
    })
}

/// Reads a column as `name TYPE` or `name TYPE NOT NULL`.
fn column((index, text): (usize, &String)) -> Result<Column, ToolError> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (name, kind, nullable) = match words.as_slice() {
        [name, kind] => (*name, *kind, None),
        [name, kind, not, null] if not.eq_ignore_ascii_case("not") && null.eq_ignore_ascii_case("null") => {
            (*name, *kind, Some(false))
        }
        _ => {
            return Err(ToolError::invalid(format!(
                "Argument schema[{index}]: expected `name TYPE` or `name TYPE NOT NULL`, such as `tpm DOUBLE`."
            )));
        }
    };
    let kind = ColumnType::parse(kind).ok_or_else(|| {
        let types = ColumnType::ALL.map(ColumnType::as_str).join(", ");
        ToolError::invalid(format!(
            "Argument schema[{index}]: `{}` is no type of a column; expected one of {types}.",
            shown(kind)
        ))
    })?;
    Ok(Column {
        name: name.to_owned(),
        kind,
        nullable,
    })
}

/// Whether a table has this configuration, however it is written.
fn is_same(table: &TabulatorTable, text: &str, config: &TableConfig) -> bool {
    table.config == text || TableConfig::parse(&table.config).is_ok_and(|(current, _)| current == *config)
}

fn taken(bucket: &BucketName, table: &TabulatorTable) -> ToolError {
    let message = format!(
        "The bucket {bucket} has a Tabulator table `{}` already, with another configuration; nothing was changed.",
        table.name
    );
    ToolError::new(ErrorCode::Conflict, message)
        .with_hint("tabulator_tables_list shows it; choose another name, or set overwrite=true to replace it.")
}
