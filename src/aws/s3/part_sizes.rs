//! `GetObjectAttributes`, for the sizes of the parts that an object was uploaded in. Only they show whether its composite
//! checksum is the one that packages hold.

use aws_sdk_s3::types::ObjectAttributes;

use super::client::on_object;
use super::{ObjectUri, UserS3};
use crate::aws::AwsError;

/// Maximum of parts of an object, and of an answer.
const MAX_PARTS: i32 = 10_000;

impl UserS3 {
    /// Returns the sizes of an object's parts in their order; `None` if S3 does not list all of them.
    pub async fn part_sizes(&self, object: &ObjectUri) -> Result<Option<Vec<u64>>, AwsError> {
        let action = if object.version_id.is_some() {
            "s3:GetObjectVersionAttributes"
        } else {
            "s3:GetObjectAttributes"
        };
        let operation = on_object(action, object);
        let mut sizes = Vec::new();
        let mut marker = None;
        loop {
            let answer = self
                .call(operation, |identity| {
                    self.client()
                        .get_object_attributes()
                        .bucket(object.bucket.as_str())
                        .key(object.key.as_str())
                        .set_version_id(object.version_id.clone())
                        .object_attributes(ObjectAttributes::ObjectParts)
                        .max_parts(MAX_PARTS)
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
