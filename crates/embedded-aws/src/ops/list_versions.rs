//! `ListObjectVersions`: every version and delete marker, newest first within a key, paged by key and version ID.

use s3s::S3Request;
use s3s::dto::{
    self, CommonPrefix, DeleteMarkerEntry, ListObjectVersionsInput, ListObjectVersionsOutput, ObjectVersion,
    ObjectVersionStorageClass,
};

use super::{KeyEncoding, OperationResult, S3Api, page_size, respond, wire_count, wire_len};
use crate::error::invalid_argument;
use crate::store::list::{ListItem, ListStart, scan, take_page};
use crate::store::object::wire_time;
use crate::store::versions::{Version, Versions};

/// One row of the listing.
enum Row<'a> {
    Version {
        key: &'a str,
        version: &'a Version,
        /// Whether this is the newest version of its key.
        latest: bool,
    },
    Prefix(&'a str),
}

impl S3Api {
    pub(crate) fn list_versions(
        &self,
        request: S3Request<ListObjectVersionsInput>,
    ) -> OperationResult<ListObjectVersionsOutput> {
        let input = request.input;
        let encoding = KeyEncoding::new(input.encoding_type.clone())?;
        let prefix = input.prefix.clone().unwrap_or_default();
        let delimiter = input.delimiter.clone().filter(|delimiter| !delimiter.is_empty());
        let size = page_size(input.max_keys)?;
        let key_marker = input.key_marker.as_deref().filter(|marker| !marker.is_empty());
        let id_marker = input.version_id_marker.as_deref().filter(|marker| !marker.is_empty());
        let start = match (key_marker, id_marker) {
            (None, Some(_)) => {
                return Err(invalid_argument(
                    "A version-id marker cannot be specified without a key marker.",
                ));
            }
            (Some(key), Some(_)) => ListStart::At(key.to_owned()),
            (marker, None) => ListStart::marker(marker, &prefix, delimiter.as_deref()),
        };
        let store = self.0.store();
        let objects = &store.bucket(&input.bucket)?.objects;
        let items = scan(objects, &prefix, delimiter.as_deref(), &start, |versions: &Versions| {
            !versions.is_empty()
        });
        let rows = items.flat_map(|item| rows(&item, key_marker, id_marker));
        let (rows, truncated) = take_page(rows, size);
        let next = rows.last().filter(|_| truncated).map(|row| match row {
            Row::Version { key, version, .. } => (encoding.key(key), Some(version.id().to_owned())),
            Row::Prefix(prefix) => (encoding.key(prefix), None),
        });
        let mut versions = Vec::new();
        let mut markers = Vec::new();
        let mut prefixes = Vec::new();
        for row in rows {
            match row {
                Row::Prefix(prefix) => prefixes.push(CommonPrefix {
                    prefix: Some(encoding.key(prefix)),
                }),
                Row::Version { key, version, latest } => match self.version(encoding.key(key), version, latest) {
                    Ok(version) => versions.push(version),
                    Err(marker) => markers.push(marker),
                },
            }
        }
        drop(store);
        let (next_key_marker, next_version_id_marker) = next.map_or((None, None), |(key, id)| (Some(key), id));
        respond(ListObjectVersionsOutput {
            common_prefixes: Some(prefixes),
            delete_markers: Some(markers),
            delimiter: delimiter.map(|delimiter| encoding.key(&delimiter)),
            is_truncated: Some(truncated),
            key_marker: Some(encoding.key(key_marker.unwrap_or_default())),
            max_keys: Some(wire_count(size)),
            name: Some(input.bucket.clone()),
            next_key_marker,
            next_version_id_marker,
            prefix: Some(encoding.key(&prefix)),
            request_charged: None,
            version_id_marker: Some(id_marker.unwrap_or_default().to_owned()),
            versions: Some(versions),
            encoding_type: encoding.0,
        })
    }

    fn version(&self, key: String, version: &Version, latest: bool) -> Result<ObjectVersion, DeleteMarkerEntry> {
        let Some(object) = &version.content else {
            return Err(DeleteMarkerEntry {
                is_latest: Some(latest),
                key: Some(key),
                last_modified: Some(wire_time(version.modified)),
                owner: Some(self.owner()),
                version_id: Some(version.id().to_owned()),
            });
        };
        let class = object
            .attributes
            .storage_class
            .clone()
            .unwrap_or_else(|| dto::StorageClass::STANDARD.to_owned());
        Ok(ObjectVersion {
            checksum_algorithm: object.checksum.as_ref().map(|checksum| vec![checksum.algorithm.dto()]),
            checksum_type: object
                .checksum
                .as_ref()
                .map(|sum| dto::ChecksumType::from_static(sum.type_name())),
            e_tag: Some(object.etag()),
            is_latest: Some(latest),
            key: Some(key),
            last_modified: Some(wire_time(version.modified)),
            owner: Some(self.owner()),
            restore_status: None,
            size: Some(wire_len(object.payload.len())),
            storage_class: Some(ObjectVersionStorageClass::from(class)),
            version_id: Some(version.id().to_owned()),
        })
    }
}

/// Returns the rows of an item; for the marker's own key, only those after the marker's version.
fn rows<'a>(item: &ListItem<'a, Versions>, key_marker: Option<&str>, id_marker: Option<&str>) -> Vec<Row<'a>> {
    match *item {
        ListItem::Prefix(prefix) => vec![Row::Prefix(prefix)],
        ListItem::Key(key, versions) => {
            let all = versions.iter().enumerate();
            let row = |(index, version)| Row::Version {
                key,
                version,
                latest: index == 0,
            };
            match id_marker.filter(|_| key_marker == Some(key)) {
                Some(marked) => all
                    .skip_while(|(_, version)| version.id() != marked)
                    .skip(1)
                    .map(row)
                    .collect(),
                None => all.map(row).collect(),
            }
        }
    }
}
