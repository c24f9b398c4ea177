//! What the action style says in ways that no list of names can translate.

use serde_json::{Map, Value};

use super::action::Translated;
use crate::s3::ObjectUri;
use crate::tools::{Offer, Session, ToolError, Toolset, resources};

/// One such way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rewrite {
    /// `path` with `_context`: an entry of a package, for which the object is read that it stands for.
    EntryPath,
    /// `base64_encode=false`: the bytes as text.
    Base64Encode,
    /// No `bucket`, but files that agree on one.
    BucketOfFiles,
    /// No `template_name`: the standard one.
    StandardTemplate,
}

impl Rewrite {
    pub(super) async fn apply(self, call: &mut Translated, offer: Offer, session: &Session) -> Result<(), ToolError> {
        match self {
            Self::EntryPath => entry_path(call, offer, session).await,
            Self::Base64Encode => base64_encode(call),
            Self::BucketOfFiles => bucket_of_files(&mut call.arguments),
            Self::StandardTemplate => {
                call.arguments
                    .entry("template_name")
                    .or_insert_with(|| "standard".into());
                Ok(())
            }
        }
    }
}

/// A text that is there and not empty: the action style fills in what it does not mean with "".
fn text(map: &mut Map<String, Value>, name: &str) -> Result<Option<String>, ToolError> {
    match map.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
        Some(_) => Err(ToolError::invalid(format!("Argument {name}: expected a text."))),
    }
}

async fn entry_path(call: &mut Translated, offer: Offer, session: &Session) -> Result<(), ToolError> {
    let Some(path) = text(&mut call.arguments, "path")? else {
        return Ok(());
    };
    if let Some(uri) = text(&mut call.arguments, "s3_uri")? {
        let message = format!("`path` names an entry of a package and `s3_uri` ({uri}) an object; send one of them.");
        return Err(ToolError::invalid(message));
    }
    let context = &mut call.context;
    let (bucket, name) = (text(context, "bucket")?, text(context, "package")?);
    let (Some(bucket), Some(name)) = (bucket, name) else {
        let message = "`path` is an entry of a package, so `_context` must name its `bucket` and `package` (and may name \
                       a `hash`).";
        return Err(ToolError::invalid(message).with_hint("For an object outside of packages send `s3_uri`."));
    };
    let hash = text(context, "hash")?;
    // It reads the package before it reads the object.
    offer.check_toolset(Toolset::Packaging, "An entry of a package (`path`)")?;
    let entry = resources::entry_object(session, &bucket, &name, hash.as_deref(), &path).await?;
    call.arguments.insert("s3_uri".to_owned(), entry.to_string().into());
    Ok(())
}

fn base64_encode(call: &mut Translated) -> Result<(), ToolError> {
    match call.arguments.remove("base64_encode") {
        None | Some(Value::Bool(true)) => Ok(()),
        Some(Value::Bool(false)) => {
            call.tool = "bucket_object_text";
            Ok(())
        }
        Some(_) => Err(ToolError::invalid("Argument base64_encode: expected true or false.")),
    }
}

fn bucket_of_files(arguments: &mut Map<String, Value>) -> Result<(), ToolError> {
    if arguments.contains_key("bucket") {
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
    // What is no URI is left to the typed tool, which says so.
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
            "The files lie in different buckets ({one}, {other}); say in `bucket` which one is to hold the package."
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
        assert_eq!(typed["bucket"], "other", "who names a bucket is not overruled");
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
