//! Members that the action style adds to the results of typed tools.

use serde_json::{Map, Value, json};

/// An addition to a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addition {
    /// `categorized_buckets` and `total_buckets`.
    CategorizedBuckets,
    /// `upload_context{bucket, source}`.
    UploadContext,
    /// `template` and `name`, of the requested template.
    Template,
    /// `count`, which older servers had in place of `returned`.
    Count,
    /// `count`, the objects of a page.
    ObjectCount,
    /// `catalog_url`, `quilt_plus_uri` and `view_type` of a link.
    OlderLink,
    /// `data` of an image, and the structured form of its result.
    ImageData,
}

impl Addition {
    /// Adds the members to a result of a call with these typed arguments.
    pub(super) fn add(self, arguments: &Map<String, Value>, output: &mut Map<String, Value>) {
        match self {
            Self::CategorizedBuckets => {
                let buckets = output
                    .get("buckets")
                    .and_then(Value::as_array)
                    .map(Vec::as_slice)
                    .unwrap_or_default();
                let of = |level: &str| -> Vec<&Value> {
                    let has_level = |bucket: &&Value| bucket.get("permission_level").is_some_and(|own| own == level);
                    buckets
                        .iter()
                        .filter(has_level)
                        .filter_map(|bucket| bucket.get("name"))
                        .collect()
                };
                let categorized = json!({
                    "write_access": of("write_access"),
                    "read_access": of("read_access"),
                    "no_access": of("no_access"),
                    "unknown": of("unknown"),
                });
                let total = buckets.len();
                output.insert("categorized_buckets".to_owned(), categorized);
                output.insert("total_buckets".to_owned(), total.into());
            }
            Self::UploadContext => {
                let context = json!({ "bucket": output.get("bucket"), "source": output.get("credential_source") });
                output.insert("upload_context".to_owned(), context);
            }
            Self::ObjectCount => {
                let objects = output.get("objects").and_then(Value::as_array).map(Vec::len);
                output.extend(objects.map(|objects| ("count".to_owned(), objects.into())));
            }
            Self::OlderLink => {
                let is_package = output.contains_key("uri");
                for (older, name) in [("catalog_url", "url"), ("quilt_plus_uri", "uri")] {
                    let value = output.get(name).cloned();
                    output.extend(value.map(|value| (older.to_owned(), value)));
                }
                let view = if is_package { "package" } else { "bucket" };
                output.insert("view_type".to_owned(), view.into());
            }
            // Added to the text of the result, see `Action`.
            Self::ImageData | Self::Count => {}
            Self::Template => {
                let name = arguments.get("template_name").cloned().unwrap_or_default();
                let template = output
                    .get("templates")
                    .and_then(|templates| templates.get(name.as_str()?))
                    .cloned();
                output.insert("name".to_owned(), name);
                output.extend(template.map(|template| ("template".to_owned(), template)));
            }
        }
    }
}
