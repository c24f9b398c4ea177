//! Permissions that each S3 operation requires, as AWS documents them. An operation that is not in the table requires the
//! action of its own name.

/// The kind of resource that a permission applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResourceKind {
    /// All buckets of the account.
    Account,
    /// The bucket of the request.
    Bucket,
    /// The object of the request.
    Object,
}

/// Properties of a request that change the permissions its operation requires.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ActionModifiers {
    /// The request names a version ID.
    pub version: bool,
    /// The request also writes tags (`x-amz-tagging`).
    pub tagging: bool,
    /// The write depends on the current entity tag (`If-Match`).
    pub if_match: bool,
}

/// Returns the permissions that `operation` requires, in the order in which AWS checks them. Empty for `DeleteObjects`,
/// which is authorized key by key.
pub(crate) fn required_permissions(operation: &str, modifiers: ActionModifiers) -> Vec<(String, ResourceKind)> {
    let pick = |plain: &'static str, versioned: &'static str| if modifiers.version { versioned } else { plain };
    let mut permissions: Vec<(&str, ResourceKind)> = match operation {
        "ListBuckets" => vec![("s3:ListAllMyBuckets", ResourceKind::Account)],
        "HeadBucket" | "ListObjects" | "ListObjectsV2" => vec![("s3:ListBucket", ResourceKind::Bucket)],
        "ListObjectVersions" => vec![("s3:ListBucketVersions", ResourceKind::Bucket)],
        "ListMultipartUploads" => vec![("s3:ListBucketMultipartUploads", ResourceKind::Bucket)],
        "GetObject" | "HeadObject" => vec![(pick("s3:GetObject", "s3:GetObjectVersion"), ResourceKind::Object)],
        "GetObjectAttributes" => vec![
            (pick("s3:GetObject", "s3:GetObjectVersion"), ResourceKind::Object),
            (
                pick("s3:GetObjectAttributes", "s3:GetObjectVersionAttributes"),
                ResourceKind::Object,
            ),
        ],
        "GetObjectTagging" => vec![(
            pick("s3:GetObjectTagging", "s3:GetObjectVersionTagging"),
            ResourceKind::Object,
        )],
        "PutObjectTagging" => vec![(
            pick("s3:PutObjectTagging", "s3:PutObjectVersionTagging"),
            ResourceKind::Object,
        )],
        "DeleteObjectTagging" => vec![(
            pick("s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging"),
            ResourceKind::Object,
        )],
        "PutObject"
        | "CopyObject"
        | "CreateMultipartUpload"
        | "UploadPart"
        | "UploadPartCopy"
        | "CompleteMultipartUpload" => vec![("s3:PutObject", ResourceKind::Object)],
        "AbortMultipartUpload" => vec![("s3:AbortMultipartUpload", ResourceKind::Object)],
        "ListParts" => vec![("s3:ListMultipartUploadParts", ResourceKind::Object)],
        "DeleteObject" => vec![(delete_action(modifiers.version), ResourceKind::Object)],
        "DeleteObjects" => vec![],
        other => {
            return vec![(
                format!("s3:{other}"),
                if other.contains("Object") {
                    ResourceKind::Object
                } else {
                    ResourceKind::Bucket
                },
            )];
        }
    };
    if modifiers.tagging {
        permissions.push(("s3:PutObjectTagging", ResourceKind::Object));
    }
    if modifiers.if_match {
        permissions.push(("s3:GetObject", ResourceKind::Object));
    }
    permissions
        .into_iter()
        .map(|(action, kind)| (action.to_owned(), kind))
        .collect()
}

/// Returns the permission that deleting one object requires.
pub(crate) fn delete_action(version: bool) -> &'static str {
    if version {
        "s3:DeleteObjectVersion"
    } else {
        "s3:DeleteObject"
    }
}

/// Returns the permission that reading the source of a copy requires.
pub(crate) fn read_action(version: bool) -> &'static str {
    if version { "s3:GetObjectVersion" } else { "s3:GetObject" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actions(operation: &str, modifiers: ActionModifiers) -> Vec<String> {
        required_permissions(operation, modifiers)
            .into_iter()
            .map(|(action, _)| action)
            .collect()
    }

    #[test]
    fn a_version_id_changes_the_action() {
        assert_eq!(actions("GetObject", ActionModifiers::default()), ["s3:GetObject"]);
        let versioned = ActionModifiers {
            version: true,
            ..ActionModifiers::default()
        };
        assert_eq!(actions("HeadObject", versioned), ["s3:GetObjectVersion"]);
        assert_eq!(
            actions("GetObjectAttributes", versioned),
            ["s3:GetObjectVersion", "s3:GetObjectVersionAttributes"]
        );
        assert_eq!(actions("DeleteObject", versioned), ["s3:DeleteObjectVersion"]);
    }

    #[test]
    fn writes_need_what_they_touch() {
        let modifiers = ActionModifiers {
            tagging: true,
            if_match: true,
            version: false,
        };
        assert_eq!(
            actions("PutObject", modifiers),
            ["s3:PutObject", "s3:PutObjectTagging", "s3:GetObject"]
        );
        assert_eq!(actions("UploadPart", ActionModifiers::default()), ["s3:PutObject"]);
        assert_eq!(
            required_permissions("PutBucketPolicy", ActionModifiers::default()),
            [("s3:PutBucketPolicy".to_owned(), ResourceKind::Bucket)]
        );
        assert!(required_permissions("DeleteObjects", ActionModifiers::default()).is_empty());
    }
}
