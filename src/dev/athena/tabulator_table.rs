//! A Tabulator table: the rows of CSV files in the latest revisions of packages.

use std::ops::ControlFlow;

use embedded_aws::{Cell, Column, EmbeddedAws, ObjectRef, Table};
use quilt_format::PhysicalKey;
use regex::Regex;
use serde::Deserialize;

use super::csv::records;
use super::packages::{manifest, pointers};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    schema: Vec<Field>,
    source: Source,
    parser: Parser,
    #[serde(default)]
    continue_on_error: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Field {
    name: String,
    r#type: String,
    #[serde(default = "yes")]
    nullable: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    r#type: String,
    package_name: String,
    logical_key: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parser {
    format: String,
    #[serde(default)]
    header: bool,
    #[serde(default = "comma")]
    delimiter: char,
}

fn yes() -> bool {
    true
}

fn comma() -> char {
    ','
}

/// The columns that every table has besides those of its schema and its patterns.
const ADDED: [&str; 5] = ["$pkg_name", "$logical_key", "$physical_key", "$top_hash", "$issue"];

/// A table with its configuration.
pub(super) struct TabulatorTable {
    bucket: String,
    config: Config,
    package_name: Regex,
    logical_key: Regex,
}

/// A file of a package that the patterns match.
struct File {
    object: ObjectRef,
    /// The values of named groups, the name of the package, and so on.
    more: Vec<Cell>,
}

impl TabulatorTable {
    /// Reads a configuration.
    pub fn read(bucket: &str, config: &str) -> Result<Self, String> {
        let config: Config =
            serde_saphyr::from_str(config).map_err(|error| format!("invalid configuration: {error}"))?;
        let pattern = |text: &str| Regex::new(text).map_err(|error| format!("invalid configuration: {error}"));
        if config.source.r#type != "quilt-packages" {
            return Err(format!("invalid configuration: source type {}", config.source.r#type));
        }
        Ok(Self {
            bucket: bucket.to_owned(),
            package_name: pattern(&config.source.package_name)?,
            logical_key: pattern(&config.source.logical_key)?,
            config,
        })
    }

    /// Returns the table with its columns.
    pub fn table(&self, name: &str) -> Table {
        let fields = self.config.schema.iter();
        let fields = fields.map(|field| Column::new(field.name.as_str(), data_type(&field.r#type)));
        let groups = self
            .package_name
            .capture_names()
            .chain(self.logical_key.capture_names())
            .flatten();
        let groups = groups.chain(ADDED).map(|name| Column::new(name, "varchar"));
        Table {
            name: name.to_lowercase(),
            table_type: "EXTERNAL_TABLE",
            columns: fields.chain(groups).collect(),
        }
    }

    /// Returns the files that are read.
    pub fn objects(&self, aws: &EmbeddedAws) -> Vec<ObjectRef> {
        self.files(aws).into_iter().map(|file| file.object).collect()
    }

    fn files(&self, aws: &EmbeddedAws) -> Vec<File> {
        let mut files = Vec::new();
        for pointer in pointers(aws, &self.bucket) {
            let Some(groups) = self
                .package_name
                .captures(&pointer.package)
                .filter(|_| pointer.name == "latest")
            else {
                continue;
            };
            for entry in manifest(aws, &self.bucket, &pointer.top_hash) {
                let Some((key, physical)) = entry.text("logical_key").zip(entry.physical_key()) else {
                    continue;
                };
                let (
                    Some(own),
                    Ok(PhysicalKey::S3 {
                        bucket,
                        key: object,
                        version_id,
                    }),
                ) = (self.logical_key.captures(key), physical.parse())
                else {
                    continue;
                };
                let named = named(&self.package_name, &groups).chain(named(&self.logical_key, &own));
                let added = [pointer.package.as_str(), key, physical, pointer.top_hash.as_str()];
                files.push(File {
                    more: named.chain(added.map(Cell::from)).collect(),
                    object: ObjectRef {
                        bucket,
                        key: object,
                        version_id,
                        size: entry.size().unwrap_or_default(),
                    },
                });
            }
        }
        files
    }

    /// Hands the rows to `sink`.
    pub fn rows(&self, aws: &EmbeddedAws, sink: &mut dyn FnMut(Vec<Cell>) -> ControlFlow<()>) -> Result<(), String> {
        if self.config.parser.format != "csv" {
            let format = &self.config.parser.format;
            return Err(format!(
                "files of the format {format} are not read (development server)"
            ));
        }
        for file in self.files(aws) {
            let mut rows = match self.file_rows(aws, &file) {
                Ok(rows) => rows,
                Err(issue) if self.config.continue_on_error => {
                    let empty = self
                        .config
                        .schema
                        .iter()
                        .map(|field| match (field.nullable, field.r#type.as_str()) {
                            (true, _) => Cell::Null,
                            (false, "STRING" | "BINARY" | "DATE" | "TIMESTAMP") => Cell::from(""),
                            (false, _) => Cell::Integer(0),
                        });
                    vec![empty.chain(file.more.iter().cloned()).chain([issue.into()]).collect()]
                }
                Err(issue) => return Err(format!("s3://{}/{}: {issue}", file.object.bucket, file.object.key)),
            };
            if rows.drain(..).try_for_each(&mut *sink).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn file_rows(&self, aws: &EmbeddedAws, file: &File) -> Result<Vec<Vec<Cell>>, String> {
        let ObjectRef {
            bucket,
            key,
            version_id,
            ..
        } = &file.object;
        let bytes = aws
            .object_version_bytes(bucket, key, version_id.as_deref())
            .ok_or("the object does not exist")?;
        let text = String::from_utf8(bytes).map_err(|_| "the file is not UTF-8")?;
        let mut records = records(&text, self.config.parser.delimiter).into_iter();
        let header = self.config.parser.header.then(|| records.next().unwrap_or_default());
        let mut issues = Vec::new();
        let mut places = Vec::new();
        for (index, field) in self.config.schema.iter().enumerate() {
            let place = match &header {
                Some(header) => header.iter().position(|name| *name == field.name),
                None => Some(index),
            };
            if place.is_none() && !field.nullable {
                return Err(format!("column {} is missing", field.name));
            }
            if place.is_none() {
                issues.push(format!("column {} is missing", field.name));
            }
            places.push((field, place));
        }
        let issue = Cell::from(Some(issues.join("; ")).filter(|issues| !issues.is_empty()));
        let row = |record: Vec<String>| {
            let cells = places.iter().map(|(field, place)| {
                let text = place.and_then(|place| record.get(place));
                text.map_or(Ok(Cell::Null), |text| cell(field, text))
            });
            let cells: Result<Vec<Cell>, String> = cells.collect();
            Ok(cells?
                .into_iter()
                .chain(file.more.iter().cloned())
                .chain([issue.clone()])
                .collect())
        };
        records.map(row).collect()
    }
}

/// Returns the values of the named groups of a match.
fn named<'m>(pattern: &'m Regex, found: &'m regex::Captures<'_>) -> impl Iterator<Item = Cell> {
    let names = pattern.capture_names().flatten();
    names.map(|name| found.name(name).as_ref().map(regex::Match::as_str).into())
}

/// Returns the type in Athena's SQL of a type of the configuration.
fn data_type(name: &str) -> String {
    match name {
        "STRING" => "varchar".to_owned(),
        "INT" => "integer".to_owned(),
        "FLOAT" => "real".to_owned(),
        "BINARY" => "varbinary".to_owned(),
        "TIMESTAMP" => "timestamp(3)".to_owned(),
        other => other.to_lowercase(),
    }
}

fn cell(field: &Field, text: &str) -> Result<Cell, String> {
    let invalid = || format!("{text} in column {} is not of the type {}", field.name, field.r#type);
    if text.is_empty() && field.r#type != "STRING" {
        return if field.nullable { Ok(Cell::Null) } else { Err(invalid()) };
    }
    Ok(match field.r#type.as_str() {
        "BOOLEAN" => match text.to_lowercase().as_str() {
            "true" => Cell::Integer(1),
            "false" => Cell::Integer(0),
            _ => return Err(invalid()),
        },
        "TINYINT" | "SMALLINT" | "INT" | "BIGINT" => Cell::Integer(text.trim().parse().map_err(|_| invalid())?),
        "FLOAT" | "DOUBLE" => Cell::Real(text.trim().parse().map_err(|_| invalid())?),
        "TIMESTAMP" => {
            let time: jiff::civil::DateTime = text.trim().parse().map_err(|_| invalid())?;
            Cell::from(format!("{}", time.strftime("%Y-%m-%d %H:%M:%S%.3f")))
        }
        _ => Cell::from(text),
    })
}
