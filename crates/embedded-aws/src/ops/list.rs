//! `ListObjects` and `ListObjectsV2`: the same lines, told in two dialects.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use s3s::dto::{
    self, CommonPrefix, ListObjectsInput, ListObjectsOutput, ListObjectsV2Input, ListObjectsV2Output,
    ObjectStorageClass, Owner,
};
use s3s::{S3Request, S3Result};

use super::{Answer, Api, KeyEncoding, answer, page_size, wire_count, wire_len};
use crate::error::invalid_argument;
use crate::state::lock;
use crate::store::list::{After, Line, page, walk};
use crate::store::object::wire_time;
use crate::store::versions::Versions;

/// What both dialects ask for.
struct Asked<'a> {
    bucket: &'a str,
    prefix: &'a str,
    delimiter: Option<&'a str>,
    after: After,
    size: usize,
    encoding: &'a KeyEncoding,
    owner: Option<Owner>,
}

/// A page in wire form.
struct Told {
    contents: Vec<dto::Object>,
    prefixes: Vec<CommonPrefix>,
    /// The last line, if more follow.
    last: Option<Last>,
}

enum Last {
    Key(String),
    Prefix(String),
}

impl Api {
    fn list(&self, asked: &Asked<'_>) -> S3Result<Told> {
        let store = lock(&self.0.store);
        let objects = &store.bucket(asked.bucket)?.objects;
        let lines = walk(
            objects,
            asked.prefix,
            asked.delimiter,
            &asked.after,
            |versions: &Versions| versions.live().is_some(),
        );
        let (lines, truncated) = page(lines, asked.size);
        let last = lines.last().filter(|_| truncated).map(|line| match line {
            Line::Key(key, _) => Last::Key((*key).to_owned()),
            Line::Prefix(prefix) => Last::Prefix((*prefix).to_owned()),
        });
        let mut told = Told {
            contents: Vec::with_capacity(lines.len()),
            prefixes: Vec::new(),
            last,
        };
        for line in lines {
            match line {
                Line::Prefix(prefix) => told.prefixes.push(CommonPrefix {
                    prefix: Some(asked.encoding.key(prefix)),
                }),
                Line::Key(key, versions) => told.contents.extend(entry(asked, key, versions)),
            }
        }
        Ok(told)
    }

    pub(crate) fn list_v1(&self, request: S3Request<ListObjectsInput>) -> Answer<ListObjectsOutput> {
        let input = request.input;
        let encoding = KeyEncoding::of(input.encoding_type)?;
        let prefix = input.prefix.unwrap_or_default();
        let delimiter = input.delimiter.filter(|delimiter| !delimiter.is_empty());
        let size = page_size(input.max_keys)?;
        let told = self.list(&Asked {
            bucket: &input.bucket,
            prefix: &prefix,
            delimiter: delimiter.as_deref(),
            after: After::marker(input.marker.as_deref(), &prefix, delimiter.as_deref()),
            size,
            encoding: &encoding,
            owner: Some(self.owner()),
        })?;
        // AWS tells the next marker only where the client could not know it: when prefixes were rolled up.
        let next_marker = told
            .last
            .as_ref()
            .filter(|_| delimiter.is_some())
            .map(|last| match last {
                Last::Key(key) | Last::Prefix(key) => encoding.key(key),
            });
        answer(ListObjectsOutput {
            name: Some(input.bucket),
            prefix: Some(encoding.key(&prefix)),
            marker: Some(encoding.key(&input.marker.unwrap_or_default())),
            max_keys: Some(wire_count(size)),
            is_truncated: Some(told.last.is_some()),
            next_marker,
            contents: Some(told.contents),
            common_prefixes: Some(told.prefixes),
            delimiter: delimiter.map(|delimiter| encoding.key(&delimiter)),
            encoding_type: encoding.0,
            request_charged: None,
        })
    }

    pub(crate) fn list_v2(&self, request: S3Request<ListObjectsV2Input>) -> Answer<ListObjectsV2Output> {
        let input = request.input;
        let encoding = KeyEncoding::of(input.encoding_type)?;
        let prefix = input.prefix.unwrap_or_default();
        let delimiter = input.delimiter.filter(|delimiter| !delimiter.is_empty());
        let size = page_size(input.max_keys)?;
        let after = match (&input.continuation_token, &input.start_after) {
            (Some(token), _) => read_token(token)?,
            (None, Some(key)) if !key.is_empty() => After::Key(key.clone()),
            _ => After::Start,
        };
        let told = self.list(&Asked {
            bucket: &input.bucket,
            prefix: &prefix,
            delimiter: delimiter.as_deref(),
            after,
            size,
            encoding: &encoding,
            owner: input.fetch_owner.unwrap_or(false).then(|| self.owner()),
        })?;
        answer(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: Some(encoding.key(&prefix)),
            max_keys: Some(wire_count(size)),
            key_count: Some(wire_count(told.contents.len() + told.prefixes.len())),
            continuation_token: input.continuation_token,
            is_truncated: Some(told.last.is_some()),
            next_continuation_token: told.last.as_ref().map(write_token),
            contents: Some(told.contents),
            common_prefixes: Some(told.prefixes),
            delimiter: delimiter.map(|delimiter| encoding.key(&delimiter)),
            encoding_type: encoding.0.clone(),
            start_after: input.start_after.map(|key| encoding.key(&key)),
            request_charged: None,
        })
    }
}

fn entry(asked: &Asked<'_>, key: &str, versions: &Versions) -> Option<dto::Object> {
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
        key: Some(asked.encoding.key(key)),
        last_modified: Some(wire_time(version.modified)),
        owner: asked.owner.clone(),
        restore_status: None,
        size: Some(wire_len(object.payload.len())),
        storage_class: Some(ObjectStorageClass::from(class)),
    })
}

/// A token is opaque to the client; it holds the last line told.
fn write_token(last: &Last) -> String {
    let text = match last {
        Last::Key(key) => format!("k{key}"),
        Last::Prefix(prefix) => format!("p{prefix}"),
    };
    URL_SAFE_NO_PAD.encode(text)
}

fn read_token(token: &str) -> S3Result<After> {
    let text = URL_SAFE_NO_PAD
        .decode(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let after = text.as_deref().and_then(|text| {
        text.strip_prefix('k')
            .map(|key| After::Key(key.to_owned()))
            .or_else(|| text.strip_prefix('p').map(|prefix| After::Prefix(prefix.to_owned())))
    });
    after.ok_or_else(|| invalid_argument("The continuation token provided is incorrect"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_round_trip_and_garbage_is_refused() {
        let token = write_token(&Last::Prefix("ü/".to_owned()));
        assert_eq!(read_token(&token).unwrap(), After::Prefix("ü/".to_owned()));
        assert_eq!(
            read_token(&write_token(&Last::Key("k".to_owned()))).unwrap(),
            After::Key("k".to_owned())
        );
        assert!(read_token("!").is_err());
    }
}
