//! `bucket_objects_list`: one page of a bucket's keys.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::s3::{BucketName, ListedObject, ListingQuery, ObjectUri, key_in};
use crate::tools::answer_size::AnswerBudget;
use crate::tools::arguments::types::Bounded;
use crate::tools::estimate::{estimate_item_bytes, estimate_items_bytes};
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError};

/// Begin the tokens of pages that end before S3's page does. S3's own tokens have no colon.
const AFTER_KEY: &str = "key:";
const AFTER_PREFIX: &str = "prefix:";
/// Maximum length of a key in bytes.
const MAX_KEY_BYTES: usize = 1024;

pub struct BucketObjectsList;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Bucket
    #[schemars(with = "String")]
    bucket: BucketName,
    /// Only keys that begin with this; by default all
    #[serde(default)]
    #[schemars(extend("x-blank" = "value"))]
    prefix: String,
    /// "/" groups keys into folders; by default none
    #[schemars(extend("x-blank" = "value"))]
    delimiter: Option<String>,
    /// 1 to 1000 keys, by default 100
    #[serde(default)]
    max_keys: Bounded<1, 1000, 100>,
    /// `next_continuation_token` of the page before
    continuation_token: Option<String>,
}

/// An object of the page.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Object {
    key: String,
    s3_uri: String,
    /// Bytes.
    size: u64,
    #[schemars(with = "Option<String>")]
    last_modified: Option<Timestamp>,
    etag: Option<String>,
    storage_class: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    bucket: String,
    prefix: String,
    objects: Vec<Object>,
    common_prefixes: Vec<String>,
    /// Objects and prefixes on this page.
    returned: usize,
    /// Objects on this page.
    count: usize,
    is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_continuation_token: Option<String>,
}

impl Tool for BucketObjectsList {
    const NAME: &'static str = "bucket_objects_list";
    const TITLE: &'static str = "List objects";
    const DESCRIPTION: &'static str = "Lists one page of a bucket's objects, in order of their keys. Use prefix and \
                                       delimiter \"/\" to browse like folders.";
    const TOOLSET: Toolset = Toolset::Buckets;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    fn estimate_json_bytes(output: &Output) -> usize {
        output
            .objects
            .iter()
            .map(|object| object.key.len() + object.s3_uri.len() + 200)
            .sum()
    }

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let prefix = key_in(&args.bucket, &args.prefix)
            .map_err(|problem| ToolError::invalid(format!("Argument prefix: {problem}.")))?;
        let s3 = session.s3().await?;
        let token = args.continuation_token.filter(|token| !token.is_empty());
        let (continuation_token, start_after) = match token.as_deref().and_then(Position::of_token) {
            Some(position) => (None, Some(position.start_after())),
            None => (token, None),
        };
        let query = ListingQuery {
            prefix: prefix.into_owned(),
            delimiter: args.delimiter.filter(|delimiter| !delimiter.is_empty()),
            max_keys: i32::try_from(args.max_keys.get()).unwrap_or(1000),
            continuation_token,
            start_after,
        };
        session
            .reserve(estimate_items_bytes(
                usize::try_from(args.max_keys.get()).unwrap_or(1000),
            ))
            .await?;
        let page = s3
            .list_objects(&args.bucket, &query)
            .await
            .map_err(|error| session.explain(&error))?;
        let objects: Vec<Object> = page
            .objects
            .into_iter()
            .map(|object| view(&args.bucket, object))
            .collect();
        let names = objects.iter().map(|object| object.key.len() + object.s3_uri.len());
        let names = names.chain(page.common_prefixes.iter().map(String::len));
        session
            .reserve(names.map(|names| estimate_item_bytes(names, 0)).sum())
            .await?;
        let shown = Shown::of(objects, page.common_prefixes);
        let next = shown.after.as_ref().map(Position::token);
        let next = next.or(page.next_continuation_token);
        Ok(Output {
            bucket: args.bucket.to_string(),
            prefix: query.prefix,
            returned: shown.objects.len() + shown.common_prefixes.len(),
            count: shown.objects.len(),
            objects: shown.objects,
            common_prefixes: shown.common_prefixes,
            is_truncated: next.is_some(),
            next_continuation_token: next,
        }
        .into())
    }
}

/// The part of a page of S3 that fits in an answer.
#[derive(Default)]
struct Shown {
    objects: Vec<Object>,
    common_prefixes: Vec<String>,
    /// Where the next page begins, if not at the end of S3's page.
    after: Option<Position>,
}

impl Shown {
    /// Takes keys and prefixes in S3's order, which is that of their bytes, while they fit.
    fn of(objects: Vec<Object>, common_prefixes: Vec<String>) -> Self {
        let mut budget = AnswerBudget::new();
        let mut shown = Self::default();
        let mut objects = objects.into_iter().peekable();
        let mut prefixes = common_prefixes.into_iter().peekable();
        let mut last = None;
        loop {
            let is_object = match (objects.peek(), prefixes.peek()) {
                (None, None) => return shown,
                (Some(object), Some(prefix)) => object.key < *prefix,
                (object, _) => object.is_some(),
            };
            let fits = match (objects.peek().filter(|_| is_object), prefixes.peek()) {
                (Some(object), _) => budget.admits(object),
                (None, prefix) => budget.admits(&prefix),
            };
            if !fits {
                shown.after = last;
                return shown;
            }
            if is_object {
                last = objects.peek().map(|object| Position::Key(object.key.clone()));
                shown.objects.extend(objects.next());
            } else {
                last = prefixes.peek().cloned().map(Position::Prefix);
                shown.common_prefixes.extend(prefixes.next());
            }
        }
    }
}

/// The last item of a page that ends before S3's page does.
#[derive(Debug, PartialEq, Eq)]
enum Position {
    Key(String),
    /// Behind all keys with this prefix.
    Prefix(String),
}

impl Position {
    /// Returns the key behind which the next page begins.
    fn start_after(self) -> String {
        match self {
            Self::Key(key) => key,
            Self::Prefix(mut key) => {
                // The last key that may have this prefix: the last characters of each length in UTF-8.
                for letter in [char::MAX, '\u{ffff}', '\u{7ff}', '\u{7f}'] {
                    while key.len() + letter.len_utf8() <= MAX_KEY_BYTES {
                        key.push(letter);
                    }
                }
                key
            }
        }
    }

    fn token(&self) -> String {
        let (mark, text) = match self {
            Self::Key(key) => (AFTER_KEY, key),
            Self::Prefix(prefix) => (AFTER_PREFIX, prefix),
        };
        format!("{mark}{}", BASE64_URL_SAFE_NO_PAD.encode(text))
    }

    /// Reads a token of this server; `None` of a token of S3.
    fn of_token(token: &str) -> Option<Self> {
        let decode = |encoded: &str| String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(encoded).ok()?).ok();
        if let Some(encoded) = token.strip_prefix(AFTER_KEY) {
            return decode(encoded).map(Self::Key);
        }
        token.strip_prefix(AFTER_PREFIX).and_then(decode).map(Self::Prefix)
    }
}

fn view(bucket: &BucketName, object: ListedObject) -> Object {
    let s3_uri = match object.key.parse() {
        Ok(key) => ObjectUri::latest(bucket.clone(), key).to_string(),
        Err(_) => format!("s3://{bucket}/"),
    };
    Object {
        s3_uri,
        key: object.key,
        size: object.size,
        last_modified: object.last_modified,
        etag: object.etag,
        storage_class: object.storage_class.unwrap_or_else(|| "STANDARD".to_owned()),
    }
}
