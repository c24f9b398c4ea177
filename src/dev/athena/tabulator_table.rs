//! A Tabulator table: the rows of CSV files in the latest revisions of packages.

use std::collections::HashSet;
use std::ops::ControlFlow;

use embedded_aws::{Cell, Column, EmbeddedAws, ObjectRef};
use quilt_format::PhysicalKey;
use regex::Regex;

use super::csv::records;
use super::packages::{manifest, pointers};
use crate::catalog::{Column as Field, ColumnType, FileParser, TableConfig};

/// The columns that every table has besides those of its schema and its patterns.
const ADDED: [&str; 5] = ["$pkg_name", "$logical_key", "$physical_key", "$top_hash", "$issue"];

/// A table with its configuration.
pub(super) struct TabulatorTable {
    bucket: String,
    config: TableConfig,
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
    /// Reads a configuration. The error is the reason why the table cannot be queried.
    pub fn read(bucket: &str, config: &str) -> Result<Self, String> {
        let (config, _) = TableConfig::parse(config).map_err(|error| format!("invalid configuration: {error}"))?;
        let pattern = |text: &str| Regex::new(text).map_err(|error| format!("invalid configuration: {error}"));
        let read = Self {
            bucket: bucket.to_owned(),
            package_name: pattern(&config.source.package_name)?,
            logical_key: pattern(&config.source.logical_key)?,
            config,
        };
        let mut names = HashSet::new();
        match read
            .columns()
            .into_iter()
            .find(|column| !names.insert(column.name.to_lowercase()))
        {
            Some(twice) => Err(format!(
                "invalid configuration: the column {} is there twice",
                twice.name
            )),
            None => Ok(read),
        }
    }

    /// Returns the columns of the schema, those of named groups, and those of every table.
    pub fn columns(&self) -> Vec<Column> {
        let fields = self.config.schema.iter();
        let fields = fields.map(|field| Column::new(field.name.as_str(), data_type(field.kind)));
        let groups = self
            .package_name
            .capture_names()
            .chain(self.logical_key.capture_names())
            .flatten();
        let groups = groups.map(|name| Column::new(name, "varchar"));
        fields.chain(groups).chain(Self::added()).collect()
    }

    /// Returns the columns of every table, whatever its configuration.
    pub fn added() -> impl Iterator<Item = Column> {
        ADDED.into_iter().map(|name| Column::new(name, "varchar"))
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
        let FileParser::Csv { delimiter, header } = &self.config.parser else {
            return Err("files of the format parquet are not read (development server)".to_owned());
        };
        let delimiter = delimiter.as_ref().and_then(|text| text.chars().next()).unwrap_or(',');
        for file in self.files(aws) {
            let mut rows = match self.file_rows(aws, &file, delimiter, *header == Some(true)) {
                Ok(rows) => rows,
                Err(issue) if self.config.continue_on_error == Some(true) => {
                    let empty = self
                        .config
                        .schema
                        .iter()
                        .map(|field| match (is_nullable(field), field.kind) {
                            (true, _) => Cell::Null,
                            (false, ColumnType::String | ColumnType::Date | ColumnType::Timestamp) => Cell::from(""),
                            (false, ColumnType::Binary) => Cell::Bytes(Vec::new()),
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

    fn file_rows(
        &self,
        aws: &EmbeddedAws,
        file: &File,
        delimiter: char,
        has_header: bool,
    ) -> Result<Vec<Vec<Cell>>, String> {
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
        let mut records = records(&text, delimiter).into_iter();
        let header = has_header.then(|| records.next().unwrap_or_default());
        let mut issues = Vec::new();
        let mut places = Vec::new();
        for (index, field) in self.config.schema.iter().enumerate() {
            let place = match &header {
                Some(header) => header.iter().position(|name| *name == field.name),
                None => Some(index),
            };
            if place.is_none() && !is_nullable(field) {
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

fn is_nullable(field: &Field) -> bool {
    field.nullable.unwrap_or(true)
}

/// Returns the type in Athena's SQL of a type of the configuration.
fn data_type(kind: ColumnType) -> String {
    match kind {
        ColumnType::String => "varchar".to_owned(),
        ColumnType::Int => "integer".to_owned(),
        ColumnType::Float => "real".to_owned(),
        ColumnType::Binary => "varbinary".to_owned(),
        ColumnType::Timestamp => "timestamp(3)".to_owned(),
        other => other.as_str().to_lowercase(),
    }
}

fn cell(field: &Field, text: &str) -> Result<Cell, String> {
    let invalid = || {
        format!(
            "{text} in column {} is not of the type {}",
            field.name,
            field.kind.as_str()
        )
    };
    if text.is_empty() && field.kind != ColumnType::String {
        return if is_nullable(field) {
            Ok(Cell::Null)
        } else {
            Err(invalid())
        };
    }
    let trimmed = text.trim();
    let integer = |minimum: i64, maximum: i64| {
        let number = trimmed.parse().ok();
        let number = number.filter(|number| (minimum..=maximum).contains(number));
        number.map(Cell::Integer).ok_or_else(invalid)
    };
    Ok(match field.kind {
        ColumnType::Boolean => match text.to_lowercase().as_str() {
            "true" => Cell::Integer(1),
            "false" => Cell::Integer(0),
            _ => return Err(invalid()),
        },
        ColumnType::TinyInt => integer(i8::MIN.into(), i8::MAX.into())?,
        ColumnType::SmallInt => integer(i16::MIN.into(), i16::MAX.into())?,
        ColumnType::Int => integer(i32::MIN.into(), i32::MAX.into())?,
        ColumnType::BigInt => integer(i64::MIN, i64::MAX)?,
        ColumnType::Float | ColumnType::Double => {
            let number: f64 = trimmed.parse().map_err(|_| invalid())?;
            if number.is_nan() {
                // SQLite has no such number.
                let column = &field.name;
                return Err(format!("NaN in column {column} is not read (development server)"));
            }
            Cell::Real(number)
        }
        ColumnType::Date => {
            let date: jiff::civil::Date = trimmed.parse().map_err(|_| invalid())?;
            // The parser reads other forms of ISO 8601, too.
            if date.to_string() != trimmed {
                return Err(invalid());
            }
            Cell::from(trimmed)
        }
        ColumnType::Timestamp => {
            let time: jiff::civil::DateTime = trimmed.parse().map_err(|_| invalid())?;
            Cell::from(format!("{}", time.strftime("%Y-%m-%d %H:%M:%S%.3f")))
        }
        ColumnType::Binary => Cell::Bytes(text.as_bytes().to_vec()),
        ColumnType::String => Cell::from(text),
    })
}
