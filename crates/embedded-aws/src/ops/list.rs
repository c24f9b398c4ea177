//! `ListObjects` and `ListObjectsV2`: one listing, in two response formats.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use s3s::dto::{
    self, CommonPrefix, ListObjectsInput, ListObjectsOutput, ListObjectsV2Input, ListObjectsV2Output,
    ObjectStorageClass, Owner,
};
use s3s::{S3Request, S3Result};

use super::{KeyEncoding, OperationResult, S3Api, page_size, respond, wire_count, wire_len};
use crate::error::invalid_argument;
use crate::store::list::{ListItem, ListStart, scan, take_page};
use crate::store::object::wire_time;
use crate::store::versions::Versions;

/// The parameters that both versions share.
struct ListQuery<'a> {
    bucket: &'a str,
    prefix: &'a str,
    delimiter: Option<&'a str>,
    start: ListStart,
    size: usize,
    encoding: &'a KeyEncoding,
    owner: Option<Owner>,
}

/// One page of a listing, as it is sent.
struct ListPage {
    contents: Vec<dto::Object>,
    prefixes: Vec<CommonPrefix>,
    /// The last item, if the page is truncated.
    last: Option<LastItem>,
}

enum LastItem {
    Key(String),
    Prefix(String),
}

impl S3Api {
    fn list(&self, query: &ListQuery<'_>) -> S3Result<ListPage> {
        let store = self.0.store();
        let objects = &store.bucket(query.bucket)?.objects;
        let items = scan(
            objects,
            query.prefix,
            query.delimiter,
            &query.start,
            |versions: &Versions| versions.live().is_some(),
        );
        let (items, truncated) = take_page(items, query.size);
        let last = items.last().filter(|_| truncated).map(|item| match item {
            ListItem::Key(key, _) => LastItem::Key((*key).to_owned()),
            ListItem::Prefix(prefix) => LastItem::Prefix((*prefix).to_owned()),
        });
        let mut page = ListPage {
            contents: Vec::with_capacity(items.len()),
            prefixes: Vec::new(),
            last,
        };
        for item in items {
            match item {
                ListItem::Prefix(prefix) => page.prefixes.push(CommonPrefix {
                    prefix: Some(query.encoding.key(prefix)),
                }),
                ListItem::Key(key, versions) => page.contents.extend(object_entry(query, key, versions)),
            }
        }
        Ok(page)
    }

    pub(crate) fn list_v1(&self, request: S3Request<ListObjectsInput>) -> OperationResult<ListObjectsOutput> {
        let input = request.input;
        let encoding = KeyEncoding::new(input.encoding_type)?;
        let prefix = input.prefix.unwrap_or_default();
        let delimiter = input.delimiter.filter(|delimiter| !delimiter.is_empty());
        let size = page_size(input.max_keys)?;
        let page = self.list(&ListQuery {
            bucket: &input.bucket,
            prefix: &prefix,
            delimiter: delimiter.as_deref(),
            start: ListStart::marker(input.marker.as_deref(), &prefix, delimiter.as_deref()),
            size,
            encoding: &encoding,
            owner: Some(self.owner()),
        })?;
        // AWS sends the next marker only if a delimiter is given; without one, the last key serves as the marker.
        let next_marker = page
            .last
            .as_ref()
            .filter(|_| delimiter.is_some())
            .map(|last| match last {
                LastItem::Key(key) | LastItem::Prefix(key) => encoding.key(key),
            });
        respond(ListObjectsOutput {
            name: Some(input.bucket),
            prefix: Some(encoding.key(&prefix)),
            marker: Some(encoding.key(&input.marker.unwrap_or_default())),
            max_keys: Some(wire_count(size)),
            is_truncated: Some(page.last.is_some()),
            next_marker,
            contents: Some(page.contents),
            common_prefixes: Some(page.prefixes),
            delimiter: delimiter.map(|delimiter| encoding.key(&delimiter)),
            encoding_type: encoding.0,
            request_charged: None,
        })
    }

    pub(crate) fn list_v2(&self, request: S3Request<ListObjectsV2Input>) -> OperationResult<ListObjectsV2Output> {
        let input = request.input;
        let encoding = KeyEncoding::new(input.encoding_type)?;
        let prefix = input.prefix.unwrap_or_default();
        let delimiter = input.delimiter.filter(|delimiter| !delimiter.is_empty());
        let size = page_size(input.max_keys)?;
        let start = match (&input.continuation_token, &input.start_after) {
            (Some(token), _) => read_token(token)?,
            (None, Some(key)) if !key.is_empty() => ListStart::AfterKey(key.clone()),
            _ => ListStart::First,
        };
        let page = self.list(&ListQuery {
            bucket: &input.bucket,
            prefix: &prefix,
            delimiter: delimiter.as_deref(),
            start,
            size,
            encoding: &encoding,
            owner: input.fetch_owner.unwrap_or(false).then(|| self.owner()),
        })?;
        respond(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: Some(encoding.key(&prefix)),
            max_keys: Some(wire_count(size)),
            key_count: Some(wire_count(page.contents.len() + page.prefixes.len())),
            continuation_token: input.continuation_token,
            is_truncated: Some(page.last.is_some()),
            next_continuation_token: page.last.as_ref().map(write_token),
            contents: Some(page.contents),
            common_prefixes: Some(page.prefixes),
            delimiter: delimiter.map(|delimiter| encoding.key(&delimiter)),
            encoding_type: encoding.0.clone(),
            start_after: input.start_after.map(|key| encoding.key(&key)),
            request_charged: None,
        })
    }
}

fn object_entry(query: &ListQuery<'_>, key: &str, versions: &Versions) -> Option<dto::Object> {
    let version = versions.live()?;
    let object = version.content.as_ref()?;
    let class = object
        .attributes
        .storage_class
        .clone()
        .unwrap_or_else(|| dto::StorageClass::STANDARD.to_owned());
    Some(dto::Object {
        checksum_algorithm: object.checksum.as_ref().map(|checksum| vec![checksum.algorithm.dto()]),
        checksum_type: object
            .checksum
            .as_ref()
            .map(|checksum| dto::ChecksumType::from_static(checksum.type_name())),
        e_tag: Some(object.etag()),
        key: Some(query.encoding.key(key)),
        last_modified: Some(wire_time(version.modified)),
        owner: query.owner.clone(),
        restore_status: None,
        size: Some(wire_len(object.payload.len())),
        storage_class: Some(ObjectStorageClass::from(class)),
    })
}

/// Encodes the last item of a page as a continuation token, which is opaque to the client.
fn write_token(last: &LastItem) -> String {
    let text = match last {
        LastItem::Key(key) => format!("k{key}"),
        LastItem::Prefix(prefix) => format!("p{prefix}"),
    };
    URL_SAFE_NO_PAD.encode(text)
}

fn read_token(token: &str) -> S3Result<ListStart> {
    let text = URL_SAFE_NO_PAD
        .decode(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let start = text.as_deref().and_then(|text| {
        text.strip_prefix('k')
            .map(|key| ListStart::AfterKey(key.to_owned()))
            .or_else(|| {
                text.strip_prefix('p')
                    .map(|prefix| ListStart::AfterPrefix(prefix.to_owned()))
            })
    });
    start.ok_or_else(|| invalid_argument("The continuation token provided is incorrect"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_round_trip_and_garbage_is_refused() {
        let token = write_token(&LastItem::Prefix("ü/".to_owned()));
        assert_eq!(read_token(&token).unwrap(), ListStart::AfterPrefix("ü/".to_owned()));
        assert_eq!(
            read_token(&write_token(&LastItem::Key("k".to_owned()))).unwrap(),
            ListStart::AfterKey("k".to_owned())
        );
        assert!(read_token("!").is_err());
    }
}
