//! `GetObjectAttributes`: of what parts an object was uploaded. Only that tells whether its composite checksum is the one
//! that packages hold.

use aws_sdk_s3::types::ObjectAttributes;

use super::call::Target;
use super::{ObjectUri, S3Error, UserS3};

/// Most parts of an object, and of an answer.
const MOST: i32 = 10_000;

impl UserS3 {
    /// The sizes of an object's parts in their order; `None` if S3 does not tell all of them.
    pub async fn part_sizes(&self, object: &ObjectUri) -> Result<Option<Vec<u64>>, S3Error> {
        let action = if object.version_id.is_some() {
            "s3:GetObjectVersionAttributes"
        } else {
            "s3:GetObjectAttributes"
        };
        let target = Target {
            action,
            bucket: Some(&object.bucket),
            key: Some(object.key.as_str()),
        };
        let (mut sizes, mut marker) = (Vec::new(), None);
        loop {
            let answer = self
                .call(target, |identity| {
                    self.client()
                        .get_object_attributes()
                        .bucket(object.bucket.as_str())
                        .key(object.key.as_str())
                        .set_version_id(object.version_id.clone())
                        .object_attributes(ObjectAttributes::ObjectParts)
                        .max_parts(MOST)
                        .set_part_number_marker(marker.clone())
                        .customize()
                        .config_override(identity)
                        .send()
                })
                .await?;
            let Some(parts) = answer.object_parts else {
                return Ok(None);
            };
            let listed = parts.parts.unwrap_or_default();
            let of_page: Option<Vec<u64>> = listed.iter().map(|part| u64::try_from(part.size?).ok()).collect();
            let Some(of_page) = of_page.filter(|page| !page.is_empty()) else {
                return Ok(None);
            };
            sizes.extend(of_page);
            match parts
                .next_part_number_marker
                .filter(|_| parts.is_truncated == Some(true))
            {
                Some(next) => marker = Some(next),
                None => return Ok(Some(sizes)),
            }
        }
    }
}
