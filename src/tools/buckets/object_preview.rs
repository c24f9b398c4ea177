//! `bucket_object_preview`: the first rows of a table.

use std::ops::Range;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::AwsErrorKind;
use crate::aws::s3::{ObjectUri, ReadQuery, UserS3};
use crate::blocking::CpuError;
use crate::error_code::ErrorCode;
use crate::preview::{self, ByteRanges, Cell, Limits, NotATable, Object, PreviewError, START_BYTES, Table};
use crate::tools::answer_size::AnswerBudget;
use crate::tools::arguments::types::Bounded;
use crate::tools::object_argument::ObjectArgument;
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError};

pub struct BucketObjectPreview;

#[derive(Debug, Deserialize, JsonSchema)]
pub struct Args {
    #[serde(flatten)]
    object: ObjectArgument,
    /// 1 to 100 rows, by default 10
    #[serde(default)]
    rows: Bounded<1, 100, 10>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct PreviewColumn {
    name: String,
    r#type: String,
    /// Why its cells are null here.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_read: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// csv, tsv, jsonl or parquet.
    format: &'static str,
    /// gzip, if the object is.
    #[serde(skip_serializing_if = "Option::is_none")]
    compression: Option<&'static str>,
    /// Of text.
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<&'static str>,
    /// Of CSV.
    #[serde(skip_serializing_if = "Option::is_none")]
    delimiter: Option<char>,
    /// Of CSV and TSV: whether the first line names the columns. It does unless it has a number, boolean or time, or a name
    /// twice.
    #[serde(skip_serializing_if = "Option::is_none")]
    header: Option<bool>,
    /// The first 100 columns.
    columns: Vec<PreviewColumn>,
    /// Only if there are more.
    #[serde(skip_serializing_if = "Option::is_none")]
    columns_total: Option<usize>,
    /// Whether the types are inferred from the rows shown, and not from a schema.
    types_inferred: bool,
    /// Cells in the order of the columns; cells of CSV and TSV are strings.
    #[schemars(with = "Vec<Vec<serde_json::Value>>")]
    rows: Vec<Vec<Cell>>,
    returned: usize,
    /// Rows of the whole table, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    total_rows: Option<u64>,
    /// Bytes of the object.
    size: u64,
    /// Whether the table has more rows.
    truncated: bool,
    /// Cells cut to strings that end in `…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    cells_cut: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl Tool for BucketObjectPreview {
    const NAME: &'static str = "bucket_object_preview";
    const TITLE: &'static str = "Preview a table";
    const DESCRIPTION: &'static str =
        "Columns and first rows of CSV, TSV, JSON Lines (also gzip) or Parquet of any size.";
    const TOOLSET: Toolset = Toolset::Buckets;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    fn estimate_json_bytes(output: &Output) -> usize {
        output.rows.iter().flatten().map(|cell| cell.as_json().len() + 1).sum()
    }

    async fn run(session: Session, Args { object, rows }: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let s3_uri = object.resolve(&session).await?;
        let s3 = session.s3().await?;
        let (object, etag) = open(&session, &s3, &s3_uri).await?;
        let size = object.size;
        let ranges = ObjectRanges {
            session: &session,
            s3: &s3,
            object: &s3_uri,
            etag,
            start: object.start.clone(),
        };
        let limits = Limits {
            rows: usize::try_from(rows.get()).unwrap_or(1),
        };
        match preview::read(&ranges, object, limits, session.cpu()).await {
            Ok(table) => Ok(output(table, size).into()),
            Err(error) => Err(explain(&s3_uri, error)),
        }
    }
}

/// Reads the first bytes of an object.
async fn open(session: &Session, s3: &UserS3, uri: &ObjectUri) -> Result<(Object, Option<String>), ToolError> {
    let query = ReadQuery {
        range: Some((0, START_BYTES - 1)),
        ..ReadQuery::default()
    };
    let opened = match s3.open(uri, &query).await {
        Ok(opened) => opened,
        // An empty object has no range.
        Err(error) if error.kind == AwsErrorKind::InvalidRange => return Err(not_a_table(uri, NotATable::Empty)),
        Err(error) => return Err(session.explain_object(s3, &error).await),
    };
    let (size, content_type, etag) = (opened.size, opened.content_type.clone(), opened.etag.clone());
    let length = usize::try_from(START_BYTES).unwrap_or(usize::MAX);
    let start = opened.collect(length).await.map_err(|error| session.explain(&error))?;
    let object = Object {
        start,
        size,
        key: uri.key.to_string(),
        content_type,
    };
    Ok((object, etag))
}

/// The ranges of an object, as long as its content is that of the first read.
struct ObjectRanges<'a> {
    session: &'a Session,
    s3: &'a UserS3,
    object: &'a ObjectUri,
    etag: Option<String>,
    /// The first bytes, which are not read again.
    start: Bytes,
}

impl ByteRanges for ObjectRanges<'_> {
    type Error = ToolError;

    async fn read(&self, range: Range<u64>) -> Result<Bytes, ToolError> {
        let index = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        if index(range.end) <= self.start.len() {
            return Ok(self.start.slice(index(range.start)..index(range.end)));
        }
        let last = range.end - 1;
        let read = self
            .s3
            .read_range(self.object, self.etag.as_deref(), (range.start, last));
        read.await.map_err(|error| self.session.explain(&error))
    }

    async fn reserve(&self, bytes: usize) -> Result<(), ToolError> {
        self.session.reserve(bytes).await
    }
}

fn output(table: Table, size: u64) -> Output {
    let columns: Vec<PreviewColumn> = table
        .columns
        .into_iter()
        .map(|column| PreviewColumn {
            name: column.name,
            r#type: column.type_name,
            not_read: column.not_read,
        })
        .collect();
    let mut rows = table.rows;
    let fits = AnswerBudget::beside(&(&columns, &table.warnings)).truncate(&mut rows);
    let cut = rows.iter().flatten().filter(|cell| cell.is_cut()).count();
    Output {
        format: table.format.as_str(),
        compression: table.compression,
        encoding: table.encoding,
        delimiter: table.delimiter.filter(|delimiter| !matches!(delimiter, ',' | '\t')),
        header: table.has_header,
        columns_total: Some(table.columns_total).filter(|total| *total > columns.len()),
        columns,
        types_inferred: table.format != preview::Format::Parquet,
        returned: rows.len(),
        rows,
        total_rows: table.total_rows,
        size,
        truncated: table.has_more || !fits,
        cells_cut: Some(cut).filter(|cut| *cut > 0),
        warnings: table.warnings,
    }
}

fn explain(object: &ObjectUri, error: PreviewError<ToolError>) -> ToolError {
    match error {
        PreviewError::Read(error) => error,
        PreviewError::NotATable(not) => not_a_table(object, not),
        PreviewError::Content(problem) => ToolError::invalid(format!("{object} {problem}."))
            .with_hint("bucket_object_fetch and bucket_object_text read a piece of it."),
        PreviewError::Cpu(CpuError::Busy) => {
            ToolError::new(ErrorCode::Throttled, "This server is busy with other computations.")
                .retryable()
                .with_hint("Try again in a few seconds.")
        }
        PreviewError::Cpu(CpuError::TooSlow) => ToolError::new(
            ErrorCode::Timeout,
            format!("Decoding the beginning of {object} took too long."),
        )
        .with_hint("Ask for fewer rows."),
    }
}

/// Makes the error of an object that is no table: what it is, and which tool reads it.
fn not_a_table(object: &ObjectUri, not: NotATable) -> ToolError {
    let (what, hint) = match not {
        NotATable::Empty => ("is empty".to_owned(), "There is nothing to read."),
        NotATable::Binary(name) => (
            format!("is {name}, not a table"),
            "bucket_object_fetch reads its bytes.",
        ),
        NotATable::Unknown => (
            "is binary, not a table".to_owned(),
            "bucket_object_fetch reads its bytes.",
        ),
        NotATable::PackedParquet => (
            "is Parquet packed with gzip, which cannot be read in ranges".to_owned(),
            "bucket_object_fetch reads its bytes.",
        ),
        NotATable::JsonDocument => (
            "is one JSON document, not JSON Lines".to_owned(),
            "bucket_object_text reads it.",
        ),
        NotATable::Text => (
            "is text without columns, not a table".to_owned(),
            "bucket_object_text reads it.",
        ),
    };
    ToolError::invalid(format!("{object} {what}.")).with_hint(hint)
}
