//! The configuration of a Tabulator table, with the rules of the registry's JSON Schema
//! (`shared/schemas/tabulatorTable.yml.json` in quiltdata/quilt).

use std::collections::HashSet;

use fancy_regex::{Regex, RegexBuilder};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// Maximum length of a configuration.
pub const MAX_CONFIG_BYTES: usize = 64 * 1024;
/// Steps after which a match is given up. Patterns are callers' texts.
const MAX_BACKTRACKS: usize = 10_000;

/// Why a configuration is not valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableConfigError {
    /// Occurs when the text is not a YAML document.
    #[error("it is not YAML: {0}")]
    NotYaml(String),
    /// Occurs when a member is missing, unknown, or has a wrong value.
    #[error("at {place}: {problem}")]
    Invalid { place: String, problem: String },
}

/// A configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableConfig {
    pub schema: Vec<Column>,
    pub source: Source,
    pub parser: FileParser,
    #[serde(default, deserialize_with = "not_null", skip_serializing_if = "Option::is_none")]
    pub continue_on_error: Option<bool>,
}

/// A column of the files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: ColumnType,
    #[serde(default, deserialize_with = "not_null", skip_serializing_if = "Option::is_none")]
    pub nullable: Option<bool>,
}

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ColumnType {
    Boolean,
    TinyInt,
    SmallInt,
    Int,
    BigInt,
    Float,
    Double,
    String,
    Binary,
    Date,
    Timestamp,
}

impl ColumnType {
    pub const ALL: [Self; 11] = [
        Self::Boolean,
        Self::TinyInt,
        Self::SmallInt,
        Self::Int,
        Self::BigInt,
        Self::Float,
        Self::Double,
        Self::String,
        Self::Binary,
        Self::Date,
        Self::Timestamp,
    ];

    /// Parses a name in letters of either case.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str().eq_ignore_ascii_case(name))
    }

    /// Returns the name in configurations.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Boolean => "BOOLEAN",
            Self::TinyInt => "TINYINT",
            Self::SmallInt => "SMALLINT",
            Self::Int => "INT",
            Self::BigInt => "BIGINT",
            Self::Float => "FLOAT",
            Self::Double => "DOUBLE",
            Self::String => "STRING",
            Self::Binary => "BINARY",
            Self::Date => "DATE",
            Self::Timestamp => "TIMESTAMP",
        }
    }
}

/// The packages and files of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    #[serde(rename = "type")]
    pub kind: SourceType,
    /// Regular expression of names.
    pub package_name: String,
    /// Regular expression of logical keys.
    pub logical_key: String,
}

/// The type of a source, of which there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SourceType {
    #[serde(rename = "quilt-packages")]
    QuiltPackages,
}

/// The format of the files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "format", rename_all = "lowercase", deny_unknown_fields)]
pub enum FileParser {
    Csv {
        #[serde(default, deserialize_with = "not_null", skip_serializing_if = "Option::is_none")]
        delimiter: Option<String>,
        #[serde(default, deserialize_with = "not_null", skip_serializing_if = "Option::is_none")]
        header: Option<bool>,
    },
    Parquet {},
}

/// Reads a member that may be missing, but not null.
fn not_null<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// The compiled expressions of a source.
#[derive(Debug, Clone)]
pub struct TablePatterns {
    pub package_name: Regex,
    pub logical_key: Regex,
}

impl TablePatterns {
    /// Returns the columns that the named groups make.
    #[must_use]
    pub fn group_names(&self) -> Vec<String> {
        let names = self
            .package_name
            .capture_names()
            .chain(self.logical_key.capture_names());
        names.flatten().map(str::to_owned).collect()
    }
}

impl TableConfig {
    /// Parses and checks a YAML text.
    pub fn parse(text: &str) -> Result<(Self, TablePatterns), TableConfigError> {
        if text.len() > MAX_CONFIG_BYTES {
            return Err(TableConfigError::NotYaml(format!(
                "it is longer than {MAX_CONFIG_BYTES} bytes"
            )));
        }
        // As for the catalog and the registry, `y` and `n` are texts.
        let options = serde_saphyr::options! { strict_booleans: true };
        let value: Value = serde_saphyr::from_str_with_options(text, options).map_err(|error| {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default().trim_end_matches('.');
            TableConfigError::NotYaml(first.to_owned())
        })?;
        let config: Self = serde_path_to_error::deserialize(value).map_err(|error| {
            let place = error.path().to_string();
            invalid(&place, error.into_inner().to_string())
        })?;
        let patterns = config.check()?;
        Ok((config, patterns))
    }

    /// Checks what types do not say, and compiles the expressions.
    pub fn check(&self) -> Result<TablePatterns, TableConfigError> {
        if self.schema.is_empty() {
            return Err(invalid("schema", "it has no column"));
        }
        let mut names = HashSet::new();
        for (index, column) in self.schema.iter().enumerate() {
            let place = format!("schema[{index}].name");
            if !is_column_name(&column.name) {
                let problem = "a name begins with a letter and has letters, digits, _ and -, at most 255";
                return Err(invalid(&place, problem));
            }
            if !names.insert(column.name.as_str()) {
                return Err(invalid(&place, format!("the column {} is there twice", column.name)));
            }
        }
        if let FileParser::Csv {
            delimiter: Some(delimiter),
            ..
        } = &self.parser
            && delimiter.chars().count() != 1
        {
            return Err(invalid("parser.delimiter", "it must be one character"));
        }
        Ok(TablePatterns {
            package_name: compile("source.package_name", &self.source.package_name)?,
            logical_key: compile("source.logical_key", &self.source.logical_key)?,
        })
    }

    /// Writes the configuration as YAML. Strings are written as in JSON, which YAML understands.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        let mut lines = vec!["schema:".to_owned()];
        for column in &self.schema {
            lines.push(format!("  - name: {}", json(&column.name)));
            lines.push(format!("    type: {}", column.kind.as_str()));
            lines.extend(column.nullable.map(|nullable| format!("    nullable: {nullable}")));
        }
        lines.push("source:".to_owned());
        lines.push("  type: quilt-packages".to_owned());
        lines.push(format!("  package_name: {}", json(&self.source.package_name)));
        lines.push(format!("  logical_key: {}", json(&self.source.logical_key)));
        lines.push("parser:".to_owned());
        match &self.parser {
            FileParser::Csv { delimiter, header } => {
                lines.push("  format: csv".to_owned());
                lines.extend(delimiter.as_ref().map(|text| format!("  delimiter: {}", json(text))));
                lines.extend(header.map(|header| format!("  header: {header}")));
            }
            FileParser::Parquet {} => lines.push("  format: parquet".to_owned()),
        }
        lines.extend(
            self.continue_on_error
                .map(|go_on| format!("continue_on_error: {go_on}")),
        );
        lines.push(String::new());
        lines.join("\n")
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn invalid(place: &str, problem: impl Into<String>) -> TableConfigError {
    let place = if place == "." { "the top level" } else { place };
    TableConfigError::Invalid {
        place: place.to_owned(),
        problem: problem.into(),
    }
}

fn is_column_name(name: &str) -> bool {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    name.len() <= 255 && name.starts_with(|first: char| first.is_ascii_alphabetic()) && name.chars().all(is_part)
}

fn compile(place: &str, pattern: &str) -> Result<Regex, TableConfigError> {
    if pattern.is_empty() {
        return Err(invalid(place, "it is empty"));
    }
    let compiled = RegexBuilder::new(pattern).backtrack_limit(MAX_BACKTRACKS).build();
    compiled.map_err(|error| {
        let text = error.to_string();
        let last = text.lines().last().unwrap_or_default().trim_end_matches('.');
        invalid(place, format!("it is no regular expression: {last}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: &str = r#"
schema:
  - name: sample
    type: STRING
  - {name: tpm, type: FLOAT, nullable: false}
source:
  type: quilt-packages
  package_name: "^ccle/(?<date>[^_]+)_nfcore$"
  logical_key: "(?<sample_id>[^/]+)/quant\\.sf$"
parser:
  format: csv
  delimiter: "\t"
  header: true
continue_on_error: true
"#;

    /// YAML 1.1 has more words for booleans, and the registry's schema has no null.
    #[test]
    fn words_of_yaml_are_read_as_the_registry_reads_them() {
        let column = |name: &str| VALID.replace("name: sample", &format!("name: {name}"));
        for name in ["y", "n", "on", "off", "yes"] {
            let (config, _) = TableConfig::parse(&column(name)).unwrap();
            assert_eq!(config.schema[0].name, name);
        }
        for (member, null) in [
            ("nullable: false", "nullable: ~"),
            ("header: true", "header: null"),
            ("delimiter: \"\\t\"", "delimiter: null"),
            ("continue_on_error: true", "continue_on_error:"),
        ] {
            assert!(VALID.contains(member), "{member}");
            let error = TableConfig::parse(&VALID.replace(member, null)).unwrap_err();
            assert!(matches!(error, TableConfigError::Invalid { .. }), "{null}: {error}");
        }
    }

    #[test]
    fn a_valid_config_is_read_and_written() {
        let (config, patterns) = TableConfig::parse(VALID).unwrap();
        assert_eq!(patterns.group_names(), ["date", "sample_id"]);
        assert!(patterns.package_name.is_match("ccle/2024_nfcore").unwrap());
        assert_eq!(TableConfig::parse(&config.to_yaml()).unwrap().0, config);
        let parquet = VALID.replace("format: csv\n  delimiter: \"\\t\"\n  header: true", "format: parquet");
        let (config, _) = TableConfig::parse(&parquet).unwrap();
        assert_eq!(config.parser, FileParser::Parquet {});
        assert_eq!(TableConfig::parse(&config.to_yaml()).unwrap().0, config);
    }

    #[test]
    fn what_the_registry_refuses_is_refused_with_its_place() {
        for (from, to, part) in [
            ("name: sample", "name: 1st", "schema[0].name: a name begins"),
            (
                "name: tpm",
                "name: sample",
                "schema[1].name: the column sample is there twice",
            ),
            ("type: STRING", "type: string", "schema[0].type"),
            ("type: STRING", "type: VARCHAR", "schema[0].type"),
            ("nullable: false", "nullable: sometimes", "schema[1].nullable"),
            ("quilt-packages", "s3", "source.type"),
            (
                "^ccle/(?<date>",
                "^ccle/(?<date",
                "source.package_name: it is no regular expression",
            ),
            ("quant", "(quant", "source.logical_key: it is no regular expression"),
            (
                "delimiter: \"\\t\"",
                "delimiter: \"::\"",
                "parser.delimiter: it must be one character",
            ),
            ("format: csv", "format: tsv", "parser"),
            ("format: csv", "format: parquet", "parser"),
            ("continue_on_error", "go_on", "`go_on`"),
            ("continue_on_error: true", "continue_on_error: 1", "continue_on_error"),
            ("source:", "sources:", "`sources`"),
        ] {
            let text = VALID.replacen(from, to, 1);
            assert_ne!(text, VALID, "{from}");
            let problem = TableConfig::parse(&text).unwrap_err().to_string();
            assert!(problem.contains(part), "{to}: {problem}");
        }
        let without =
            "schema: []\nsource: {type: quilt-packages, package_name: a, logical_key: b}\nparser: {format: csv}";
        assert!(
            TableConfig::parse(without)
                .unwrap_err()
                .to_string()
                .contains("no column")
        );
        for not_yaml in ["{", "a: [", "\t- x: 1\n  y"] {
            assert!(
                matches!(TableConfig::parse(not_yaml), Err(TableConfigError::NotYaml(_))),
                "{not_yaml}"
            );
        }
        for other in ["", "3", "[]", "text"] {
            assert!(TableConfig::parse(other).is_err(), "{other}");
        }
        let long = format!("{VALID}#{}", "x".repeat(MAX_CONFIG_BYTES));
        assert!(TableConfig::parse(&long).is_err());
    }
}
