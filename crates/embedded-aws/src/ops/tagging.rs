//! Object tagging. Tags belong to a version and may change while its content does not.

use s3s::dto::{
    DeleteObjectTaggingInput, DeleteObjectTaggingOutput, GetObjectTaggingInput, GetObjectTaggingOutput,
    PutObjectTaggingInput, PutObjectTaggingOutput, Tag,
};
use s3s::{S3ErrorCode, S3Request, S3Result};

use super::{OperationResult, S3Api, respond};
use crate::error::{error, invalid_argument};
use crate::store::object::Tags;

/// Maximum number of tags of an object.
const MAX_TAGS: usize = 10;

impl S3Api {
    pub(crate) fn get_tags(
        &self,
        request: &S3Request<GetObjectTaggingInput>,
    ) -> OperationResult<GetObjectTaggingOutput> {
        let input = &request.input;
        let found = self.find(request, &input.bucket, &input.key, input.version_id.as_deref())?;
        let tag = |(key, value): &(String, String)| Tag {
            key: Some(key.clone()),
            value: Some(value.clone()),
        };
        respond(GetObjectTaggingOutput {
            tag_set: found.tags.iter().map(tag).collect(),
            version_id: found.version_id,
        })
    }

    pub(crate) fn put_tags(
        &self,
        request: &S3Request<PutObjectTaggingInput>,
    ) -> OperationResult<PutObjectTaggingOutput> {
        let input = &request.input;
        self.find(request, &input.bucket, &input.key, input.version_id.as_deref())?;
        let tags = parse_tags(&input.tagging.tag_set)?;
        let version_id = self.set_tags(&input.bucket, &input.key, input.version_id.as_deref(), tags)?;
        respond(PutObjectTaggingOutput { version_id })
    }

    pub(crate) fn delete_tags(
        &self,
        request: &S3Request<DeleteObjectTaggingInput>,
    ) -> OperationResult<DeleteObjectTaggingOutput> {
        let input = &request.input;
        self.find(request, &input.bucket, &input.key, input.version_id.as_deref())?;
        let none = Tags::from([]);
        let version_id = self.set_tags(&input.bucket, &input.key, input.version_id.as_deref(), none)?;
        respond(DeleteObjectTaggingOutput { version_id })
    }

    fn set_tags(&self, bucket: &str, key: &str, version: Option<&str>, tags: Tags) -> S3Result<Option<String>> {
        self.0.store().bucket_mut(bucket)?.set_tags(key, version, tags)
    }
}

fn parse_tags(set: &[Tag]) -> S3Result<Tags> {
    if set.len() > MAX_TAGS {
        return Err(error(S3ErrorCode::InvalidTag, "Object tags cannot be greater than 10"));
    }
    let mut tags: Vec<(String, String)> = Vec::with_capacity(set.len());
    for tag in set {
        let key = tag.key.clone().filter(|key| !key.is_empty());
        let key = key.ok_or_else(|| invalid_argument("The TagKey you have provided is invalid"))?;
        if tags.iter().any(|(existing, _)| *existing == key) {
            return Err(error(
                S3ErrorCode::InvalidTag,
                "Cannot provide multiple Tags with the same key",
            ));
        }
        tags.push((key, tag.value.clone().unwrap_or_default()));
    }
    Ok(tags.into())
}
