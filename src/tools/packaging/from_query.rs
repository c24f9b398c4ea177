//! Files of a package from the result of a query: a row for each entry, in the columns that Quilt's tables of packages have.

use std::collections::HashSet;

use quilt_format::json;
use serde_json::Value;

use super::args::FileArg;
use super::metadata::Metadata;
use crate::tools::athena::rows::{Rows, rows};
use crate::tools::{Session, ToolError};

/// The argument's name in sentences.
const ARGUMENT: &str = "from_query";

/// The columns of a result that make an entry.
struct Columns {
    logical_key: usize,
    physical_key: usize,
    size: Option<usize>,
    meta: Option<usize>,
}

/// Reads the files of a query's result.
pub(super) async fn files(session: &Session, query_id: &str) -> Result<Vec<FileArg>, ToolError> {
    let Rows { columns, rows } = rows(session, ARGUMENT, query_id).await?;
    let columns = Columns::of(&columns)?;
    let mut files = Vec::with_capacity(rows.len());
    let mut entries = HashSet::with_capacity(rows.len());
    for (number, row) in rows.iter().enumerate() {
        // Views and joins have an entry once for each pointer to its revision.
        if !entries.insert(columns.entry(row)) {
            continue;
        }
        let invalid =
            |problem: String| ToolError::invalid(format!("Argument {ARGUMENT}: row {}: {problem}.", number + 1));
        files.extend(columns.file(row).map_err(invalid)?);
    }
    if files.is_empty() {
        let message = format!("Argument {ARGUMENT}: the result has no row with a logical_key.");
        return Err(ToolError::invalid(message));
    }
    Ok(files)
}

impl Columns {
    fn of(names: &[String]) -> Result<Self, ToolError> {
        let find = |name: &str| names.iter().position(|column| column.eq_ignore_ascii_case(name));
        let physical_key = find("physical_key").or_else(|| find("physical_keys"));
        let (Some(logical_key), Some(physical_key)) = (find("logical_key"), physical_key) else {
            let found = names.join(", ");
            let message = format!(
                "Argument {ARGUMENT}: the result needs the columns logical_key and physical_key (or physical_keys), and may have \
                 size and meta (or metadata); it has {found}."
            );
            return Err(ToolError::invalid(message));
        };
        Ok(Self {
            logical_key,
            physical_key,
            size: find("size"),
            // The name of the same column in the table of entries.
            meta: find("meta").or_else(|| find("metadata")),
        })
    }

    /// Returns the cells that make an entry.
    fn entry<'r>(&self, row: &'r [Value]) -> [Option<&'r Value>; 3] {
        [Some(self.logical_key), Some(self.physical_key), self.meta].map(|index| row.get(index?))
    }

    /// Reads a row; `None` of a row without any key, as the header rows of manifests are.
    fn file(&self, row: &[Value]) -> Result<Option<FileArg>, String> {
        let cell = |index: usize| row.get(index).filter(|cell| !cell.is_null());
        let Some(logical_key) = cell(self.logical_key) else {
            return match cell(self.physical_key) {
                None => Ok(None),
                Some(physical_key) => Err(format!("it has no logical key for {physical_key}")),
            };
        };
        let logical_key = logical_key
            .as_str()
            .ok_or_else(|| format!("the logical key {logical_key} is no text"))?;
        let physical_key = cell(self.physical_key).and_then(Value::as_str);
        let physical_key = physical_key.ok_or("it has no physical key")?;
        let uri = only(physical_key)?;
        let s3_uri = uri
            .parse()
            .map_err(|problem| format!("the physical key `{uri}`: {problem}"))?;
        let key = logical_key
            .parse()
            .map_err(|problem| format!("the logical key `{logical_key}`: {problem}"))?;
        if let Some(size) = self.size.and_then(cell)
            && as_size(size).is_none()
        {
            return Err(format!("the size {size} is no number of bytes"));
        }
        let meta = self.meta.and_then(cell).map(metadata).transpose()?.flatten();
        Ok(Some(FileArg {
            s3_uri,
            logical_key: Some(key),
            meta,
        }))
    }
}

/// Returns the only physical key of a text, which may be an array as Athena writes it.
fn only(text: &str) -> Result<&str, String> {
    let Some(inner) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) else {
        return Ok(text);
    };
    if inner.contains(", s3://") {
        return Err(format!("it has several physical keys: {inner}"));
    }
    Ok(inner.trim())
}

fn as_size(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// Reads the metadata of an entry: the user's part of it, where it is told apart.
fn metadata(cell: &Value) -> Result<Option<Metadata>, String> {
    let text = cell.as_str().ok_or("its meta is no JSON object")?;
    if text.trim().is_empty() {
        return Ok(None);
    }
    let value = json::parse(text).map_err(|problem| format!("its meta is no JSON object ({problem})"))?;
    match value {
        json::Value::Null => Ok(None),
        json::Value::Object(meta) => match meta.get("user_meta") {
            None => Ok(Some(Metadata(meta)).filter(|Metadata(meta)| !meta.is_empty())),
            Some(json::Value::Object(user_meta)) => Ok(Some(Metadata(user_meta.clone()))),
            Some(_) => Ok(None),
        },
        _ => Err("its meta is no JSON object".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn file(columns: &[&str], row: &Value) -> Result<Option<(String, String, bool)>, String> {
        let names: Vec<String> = columns.iter().map(|&name| name.to_owned()).collect();
        let columns = Columns::of(&names).map_err(|error| error.message)?;
        let file = columns.file(row.as_array().unwrap())?;
        Ok(file.map(|file| {
            let key = file.logical_key.unwrap().to_string();
            (key, file.s3_uri.to_string(), file.meta.is_some())
        }))
    }

    #[test]
    fn rows_of_packages_are_files() {
        let entry = ["logical_key", "physical_key", "size", "meta"];
        let uri = "s3://bkt/k%20k?versionId=v";
        let row = json!(["a/b", uri, 7, "{\"user_meta\":{\"n\":1}}"]);
        assert_eq!(file(&entry, &row), Ok(Some(("a/b".to_owned(), uri.to_owned(), true))));
        let entry = ["logical_key", "physical_key", "metadata"];
        let row = json!(["a/b", uri, "{\"user_meta\":{\"n\":1}}"]);
        assert!(file(&entry, &row).unwrap().unwrap().2);
        let entry = ["logical_key", "physical_key", "size", "meta"];
        let manifest = ["logical_key", "physical_keys", "size"];
        let row = json!(["a", format!("[{uri}]"), "7"]);
        assert_eq!(file(&manifest, &row), Ok(Some(("a".to_owned(), uri.to_owned(), false))));
        assert_eq!(file(&manifest, &json!([null, null, null])), Ok(None), "a header row");
        assert!(!file(&entry, &json!(["a", uri, null, "{}"])).unwrap().unwrap().2);
    }

    #[test]
    fn rows_that_make_no_entry_are_named() {
        for (columns, row, part) in [
            (
                ["logical_key", "other"],
                json!(["a", "s3://bkt/k"]),
                "it has logical_key, other",
            ),
            (["logical_key", "physical_key"], json!(["a", null]), "no physical key"),
            (
                ["logical_key", "physical_key"],
                json!([7, "s3://bkt/k"]),
                "the logical key 7 is no text",
            ),
            (
                ["logical_key", "physical_key"],
                json!(["a", "bkt/k"]),
                "the physical key `bkt/k`",
            ),
            (
                ["logical_key", "physical_key"],
                json!(["../a", "s3://bkt/k"]),
                "the logical key `../a`",
            ),
            (
                ["logical_key", "physical_keys"],
                json!(["a", "[s3://bkt/k, s3://bkt/l]"]),
                "several physical keys",
            ),
        ] {
            let problem = file(&columns, &row).unwrap_err();
            assert!(problem.contains(part), "{row}: {problem}");
        }
        for bad in ["{", "[1]", "7"] {
            let problem = file(
                &["logical_key", "physical_key", "meta"],
                &json!(["a", "s3://bkt/k", bad]),
            )
            .unwrap_err();
            assert!(problem.contains("no JSON object"), "{bad}: {problem}");
        }
    }
}
