//! `bucket_objects_list`: one page of a bucket's keys.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::aws::s3::{BucketName, ListedObject, ListingQuery, ObjectUri, key_in};
use crate::tools::answer_size::AnswerBudget;
use crate::tools::arguments::types::{Bounded, Detail};
use crate::tools::estimate::{estimate_item_bytes, estimate_items_bytes};
use crate::tools::globs;
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError};

/// Begin the tokens of pages that end before S3's page does. S3's own tokens have no colon.
const AFTER_KEY: &str = "key:";
const AFTER_PREFIX: &str = "prefix:";
/// Maximum number of S3's pages that are read for one page of matching keys.
const MAX_PAGES: usize = 10;
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
    /// "/" groups keys into folders
    #[schemars(extend("x-blank" = "value"))]
    delimiter: Option<String>,
    /// 1 to 1000 keys, by default 100
    #[serde(default)]
    max_keys: Bounded<1, 1000, 100>,
    /// `next_continuation_token` of the page before
    continuation_token: Option<String>,
    /// Only keys that match this glob: on the key, or without "/" on its file name
    #[serde(rename = "match")]
    glob: Option<String>,
    /// full adds `s3_uri`, etag and `storage_class`; by default brief
    #[serde(default)]
    detail: Detail,
}

/// An object of the page.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Object {
    key: String,
    /// Bytes.
    size: u64,
    #[schemars(with = "Option<String>")]
    last_modified: Option<Timestamp>,
    /// Of full rows, and where the key is percent-encoded in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    s3_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    storage_class: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    bucket: String,
    prefix: String,
    objects: Vec<Object>,
    common_prefixes: Vec<String>,
    /// Objects and prefixes on this page.
    returned: usize,
    /// The same, for clients of earlier releases.
    count: usize,
    /// Keys and prefixes that were read from S3 for this page.
    #[serde(skip_serializing_if = "Option::is_none")]
    scanned: Option<usize>,
    is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_continuation_token: Option<String>,
}

impl Tool for BucketObjectsList {
    const NAME: &'static str = "bucket_objects_list";
    const TITLE: &'static str = "List objects";
    const DESCRIPTION: &'static str = "Lists one page of a bucket's objects, in order of their keys. Use prefix and \
                                       delimiter \"/\" to browse like folders. To count objects use bucket_objects_summary.";
    const TOOLSET: Toolset = Toolset::Buckets;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    fn estimate_json_bytes(output: &Output) -> usize {
        output
            .objects
            .iter()
            .map(|object| object.key.len() + object.s3_uri.as_ref().map_or(0, String::len) + 200)
            .sum()
    }

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let prefix = key_in(&args.bucket, &args.prefix)
            .map_err(|problem| ToolError::invalid(format!("Argument prefix: {problem}.")))?;
        let globs = globs::optional("match", args.glob)?;
        let s3 = session.s3().await?;
        let token = args.continuation_token.filter(|token| !token.is_empty());
        let (continuation_token, start_after) = match token.as_deref().and_then(Position::of_token) {
            Some(position) => (None, Some(position.start_after())),
            None => (token, None),
        };
        let wanted = usize::try_from(args.max_keys.get()).unwrap_or(1000);
        let mut query = ListingQuery {
            prefix: prefix.into_owned(),
            delimiter: args.delimiter.filter(|delimiter| !delimiter.is_empty()),
            max_keys: i32::try_from(if globs.is_some() { 1000 } else { wanted }).unwrap_or(1000),
            continuation_token,
            start_after,
        };
        let items = if globs.is_some() { wanted + 1000 } else { wanted };
        session.reserve(estimate_items_bytes(items)).await?;
        let mut shown = Shown::new(args.max_keys.get());
        let mut scanned = 0;
        let mut names = 0;
        let mut next = None;
        for _ in 0..MAX_PAGES {
            let page = s3.list_objects(&args.bucket, &query).await;
            let page = page.map_err(|error| session.explain(&error))?;
            scanned += page.objects.len() + page.common_prefixes.len();
            let accepts = |object: &ListedObject| globs.as_ref().is_none_or(|globs| globs.matches(&object.key));
            let objects = page.objects.into_iter().filter(accepts);
            let objects: Vec<Object> = objects.map(|object| view(&args.bucket, object, args.detail)).collect();
            names += objects.iter().map(Object::estimate_bytes).sum::<usize>();
            names += page
                .common_prefixes
                .iter()
                .map(|name| estimate_item_bytes(name.len(), 0))
                .sum::<usize>();
            session.reserve(names.max(estimate_items_bytes(items))).await?;
            let is_full = !shown.add(objects, page.common_prefixes);
            next = match shown.after.take() {
                Some(after) => Some(after.token()),
                None => page.next_continuation_token,
            };
            if is_full || next.is_none() || globs.is_none() || Instant::now() >= session.deadline() {
                break;
            }
            query.continuation_token.clone_from(&next);
            query.start_after = None;
        }
        let returned = shown.objects.len() + shown.common_prefixes.len();
        Ok(Output {
            bucket: args.bucket.to_string(),
            prefix: query.prefix,
            returned,
            count: returned,
            objects: shown.objects,
            common_prefixes: shown.common_prefixes,
            scanned: globs.is_some().then_some(scanned),
            is_truncated: next.is_some(),
            next_continuation_token: next,
        }
        .into())
    }
}

/// The part of a page of S3 that fits in an answer.
struct Shown {
    objects: Vec<Object>,
    common_prefixes: Vec<String>,
    /// Where the next page begins, if not at the end of S3's page.
    after: Option<Position>,
    budget: AnswerBudget,
    /// How many more items may be shown.
    room: u64,
}

impl Shown {
    fn new(room: u64) -> Self {
        Self {
            objects: Vec::new(),
            common_prefixes: Vec::new(),
            after: None,
            budget: AnswerBudget::new(),
            room,
        }
    }

    /// Takes keys and prefixes in S3's order, which is that of their bytes, while they fit. Returns whether more may be added.
    fn add(&mut self, objects: Vec<Object>, common_prefixes: Vec<String>) -> bool {
        let mut objects = objects.into_iter().peekable();
        let mut prefixes = common_prefixes.into_iter().peekable();
        let mut last = None;
        loop {
            let is_object = match (objects.peek(), prefixes.peek()) {
                (None, None) => return self.room > 0,
                (Some(object), Some(prefix)) => object.key < *prefix,
                (object, _) => object.is_some(),
            };
            let fits = self.room > 0
                && match (objects.peek().filter(|_| is_object), prefixes.peek()) {
                    (Some(object), _) => self.budget.admits(object),
                    (None, prefix) => self.budget.admits(&prefix),
                };
            if !fits {
                self.after = last.or_else(|| self.last());
                return false;
            }
            self.room -= 1;
            if is_object {
                last = objects.peek().map(|object| Position::Key(object.key.clone()));
                self.objects.extend(objects.next());
            } else {
                last = prefixes.peek().cloned().map(Position::Prefix);
                self.common_prefixes.extend(prefixes.next());
            }
        }
    }

    /// Returns the last item that is shown.
    fn last(&self) -> Option<Position> {
        let key = self.objects.last().map(|object| object.key.as_str());
        let prefix = self.common_prefixes.last().map(String::as_str);
        match (key, prefix) {
            (Some(key), prefix) if prefix.is_none_or(|prefix| prefix < key) => Some(Position::Key(key.to_owned())),
            (_, Some(prefix)) => Some(Position::Prefix(prefix.to_owned())),
            _ => None,
        }
    }
}

impl Object {
    fn estimate_bytes(&self) -> usize {
        estimate_item_bytes(self.key.len() + self.s3_uri.as_ref().map_or(0, String::len), 0)
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

fn view(bucket: &BucketName, object: ListedObject, detail: Detail) -> Object {
    let s3_uri = match object.key.parse() {
        Ok(key) => ObjectUri::latest(bucket.clone(), key).to_string(),
        Err(_) => format!("s3://{bucket}/"),
    };
    let is_full = detail == Detail::Full;
    let is_plain = s3_uri
        .strip_prefix("s3://")
        .and_then(|rest| rest.strip_prefix(bucket.as_str()))
        .and_then(|rest| rest.strip_prefix('/'))
        .is_some_and(|key| key == object.key);
    let storage_class = object.storage_class.unwrap_or_else(|| "STANDARD".to_owned());
    Object {
        s3_uri: Some(s3_uri).filter(|_| is_full || !is_plain),
        key: object.key,
        size: object.size,
        last_modified: object.last_modified,
        etag: object.etag.filter(|_| is_full),
        storage_class: Some(storage_class).filter(|_| is_full),
    }
}
