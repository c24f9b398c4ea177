//! Translations of the action style's arguments that a schema and other names cannot express.

use serde_json::{Map, Value};

use super::typed_call::TypedCall;
use crate::aws::s3::ObjectUri;
use crate::tools::{Session, ToolError, ToolFilter, Toolset, athena, resources};

/// A translation of arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rewrite {
    /// Replaces `path` with `_context`, an entry of a package, by the `s3_uri` of the entry's object.
    EntryPath,
    /// Adds the bucket of the files if `bucket` is missing.
    BucketOfFiles,
    /// Adds the standard template if `template_name` is missing.
    StandardTemplate,
    /// Removes a `limit` of 0.
    NoLimit,
    /// Reads 65,536 bytes, as older servers, if `max_bytes` is missing.
    OlderMaxBytes,
    /// Names entries by their base names, as older servers, if `flatten` is missing.
    OlderFlatten,
    /// Shows full rows, as older servers, if `detail` is missing.
    OlderDetail,
    /// Reads `top_hash` or `tag` as `hash`, and a `path` without a package as `key`.
    OlderLink,
    /// Makes the bucket the database of a query of Tabulator, if `database` is missing.
    BucketDatabase,
    /// Queries the data catalog of Tabulator, if `catalog` is missing.
    TabulatorCatalog,
    /// Searches for this kind if neither `kind` nor `scope` says what to search for.
    Kind(&'static str),
}

impl Rewrite {
    pub(super) async fn apply(
        self,
        call: &mut TypedCall,
        filter: ToolFilter,
        session: &Session,
    ) -> Result<(), ToolError> {
        match self {
            Self::EntryPath => entry_path(call, filter, session).await,
            Self::BucketOfFiles => bucket_of_files(&mut call.arguments),
            Self::StandardTemplate => {
                let name = take_string(&mut call.arguments, "template_name")?;
                let name = name.unwrap_or_else(|| "standard".to_owned());
                call.arguments.insert("template_name".to_owned(), name.into());
                Ok(())
            }
            Self::OlderFlatten => {
                set_if_missing(call, "flatten", true.into());
                Ok(())
            }
            Self::OlderMaxBytes => {
                set_if_missing(call, "max_bytes", 65_536.into());
                Ok(())
            }
            Self::OlderDetail => {
                set_if_missing(call, "detail", "full".into());
                Ok(())
            }
            Self::OlderLink => older_link(&mut call.arguments),
            Self::BucketDatabase => {
                let bucket = ["bucket_name", "bucket"].map(|name| take_string(&mut call.arguments, name));
                let [bucket_name, bucket] = bucket;
                if let Some(bucket) = bucket_name?.or(bucket?)
                    && call.arguments.get("database").is_none_or(says_nothing)
                {
                    let bucket = bucket.trim_start_matches("s3://").trim_end_matches('/').to_owned();
                    call.arguments.insert("database".to_owned(), bucket.into());
                }
                Ok(())
            }
            Self::TabulatorCatalog => {
                if call.arguments.get("catalog").is_none_or(says_nothing)
                    && let Some(catalog) = athena::tabulator_catalog(session).await?
                {
                    call.arguments.insert("catalog".to_owned(), catalog.into());
                }
                Ok(())
            }
            Self::Kind(kind) => {
                let says = |name: &str| call.arguments.get(name).is_some_and(|value| !says_nothing(value));
                if !says("kind") && !says("scope") {
                    call.arguments.insert("kind".to_owned(), kind.into());
                }
                Ok(())
            }
            Self::NoLimit => {
                let is_zero = |value: &Value| value == 0 || value == "0";
                if call.arguments.get("limit").is_some_and(is_zero) {
                    call.arguments.remove("limit");
                }
                Ok(())
            }
        }
    }
}

/// Removes and returns a string. An empty string counts as missing, because clients of the action style send it for
/// arguments that they do not use.
fn take_string(map: &mut Map<String, Value>, name: &str) -> Result<Option<String>, ToolError> {
    match map.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.trim().is_empty())),
        Some(_) => Err(ToolError::invalid(format!("Argument {name}: expected a string."))),
    }
}

fn set_if_missing(call: &mut TypedCall, name: &str, value: Value) {
    if call.arguments.get(name).is_none_or(says_nothing) {
        call.arguments.insert(name.to_owned(), value);
    }
}

fn says_nothing(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
}

fn older_link(arguments: &mut Map<String, Value>) -> Result<(), ToolError> {
    let (hash, tag) = (take_string(arguments, "top_hash")?, take_string(arguments, "tag")?);
    if hash.is_some() && tag.is_some() {
        return Err(ToolError::invalid(
            "`top_hash` and `tag` both name a revision; send only one of them.",
        ));
    }
    if let Some(revision) = hash.or(tag) {
        arguments.insert("hash".to_owned(), revision.into());
    }
    if arguments.get("name").is_none_or(says_nothing)
        && let Some(key) = take_string(arguments, "path")?
    {
        arguments.insert("key".to_owned(), key.into());
    }
    Ok(())
}

async fn entry_path(call: &mut TypedCall, filter: ToolFilter, session: &Session) -> Result<(), ToolError> {
    let Some(path) = take_string(&mut call.arguments, "path")? else {
        return Ok(());
    };
    if let Some(uri) = take_string(&mut call.arguments, "s3_uri")? {
        let message =
            format!("`path` names an entry of a package and `s3_uri` ({uri}) names an object; send only one of them.");
        return Err(ToolError::invalid(message));
    }
    let context = &mut call.context;
    let bucket = take_string(context, "bucket")?;
    let name = take_string(context, "package")?;
    let (Some(bucket), Some(name)) = (bucket, name) else {
        let message = "`path` is an entry of a package, so `_context` must contain its `bucket` and `package` (and may contain \
                       a `hash`).";
        return Err(ToolError::invalid(message).with_hint("For an object that is not in a package send `s3_uri`."));
    };
    let hash = take_string(context, "hash")?;
    // The entry is found by reading the package.
    filter.check_toolset(Toolset::Packaging, "An entry of a package (`path`)")?;
    let entry = resources::entry_object(session, &bucket, &name, hash.as_deref(), &path).await?;
    call.arguments.insert("s3_uri".to_owned(), entry.to_string().into());
    Ok(())
}

fn bucket_of_files(arguments: &mut Map<String, Value>) -> Result<(), ToolError> {
    if arguments.get("bucket").is_some_and(|bucket| !says_nothing(bucket)) {
        return Ok(());
    }
    let Some(Value::Array(files)) = arguments.get("files") else {
        return Ok(());
    };
    let uri = |file: &Value| {
        file.as_str()
            .or_else(|| file.get("s3_uri")?.as_str())
            .map(str::to_owned)
    };
    // The typed tool reports strings that are not S3 URIs.
    let buckets: std::collections::BTreeSet<String> = files
        .iter()
        .filter_map(|file| uri(file)?.parse::<ObjectUri>().ok())
        .map(|object| object.bucket.to_string())
        .collect();
    let mut buckets = buckets.into_iter();
    match (buckets.next(), buckets.next()) {
        (Some(bucket), None) => {
            arguments.insert("bucket".to_owned(), bucket.into());
            Ok(())
        }
        (Some(one), Some(other)) => Err(ToolError::invalid(format!(
            "The files are in different buckets ({one}, {other}); name the bucket of the package in `bucket`."
        ))),
        (None, _) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rewritten(
        rewrite: fn(&mut Map<String, Value>) -> Result<(), ToolError>,
        mut arguments: Value,
    ) -> Result<Value, String> {
        let mut map = std::mem::take(arguments.as_object_mut().unwrap());
        rewrite(&mut map).map_err(|error| error.message)?;
        Ok(map.into())
    }

    #[test]
    fn the_bucket_of_a_new_package_is_the_one_that_its_files_agree_on() {
        let files = json!(["s3://abc/x", { "s3_uri": "s3://abc/y%20z" }]);
        let typed = rewritten(bucket_of_files, json!({ "files": files })).unwrap();
        assert_eq!(typed["bucket"], "abc");
        let typed = rewritten(bucket_of_files, json!({ "files": files, "bucket": "other" })).unwrap();
        assert_eq!(typed["bucket"], "other", "a bucket that is named is kept");
        let problem = rewritten(bucket_of_files, json!({ "files": ["s3://abc/x", "s3://xyz/x"] })).unwrap_err();
        assert!(
            problem.contains("abc, xyz") && problem.contains("`bucket`"),
            "{problem}"
        );
        for none in [json!({}), json!({ "files": [] }), json!({ "files": ["x"] })] {
            assert_eq!(rewritten(bucket_of_files, none.clone()).unwrap(), none);
        }
    }
}
