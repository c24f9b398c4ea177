//! Which permissions an S3 operation needs, and on what. The table is AWS's; an operation that is not in it needs the
//! action of its own name.

/// What a permission is asked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum On {
    /// Every bucket of the account.
    Account,
    /// The bucket of the request.
    Bucket,
    /// The object of the request.
    Object,
}

/// What in a request, beside its operation, changes the permissions it needs.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Traits {
    /// A version id is named.
    pub version: bool,
    /// Tags are written along (`x-amz-tagging`).
    pub tagging: bool,
    /// The write depends on the entity tag of what is there (`If-Match`).
    pub if_match: bool,
}

/// The permissions that `operation` needs, in the order AWS checks them. Empty for `DeleteObjects`, which is checked key
/// by key.
pub(crate) fn required(operation: &str, traits: Traits) -> Vec<(String, On)> {
    let pick = |plain: &'static str, versioned: &'static str| if traits.version { versioned } else { plain };
    let mut needed: Vec<(&str, On)> = match operation {
        "ListBuckets" => vec![("s3:ListAllMyBuckets", On::Account)],
        "HeadBucket" | "ListObjects" | "ListObjectsV2" => vec![("s3:ListBucket", On::Bucket)],
        "ListObjectVersions" => vec![("s3:ListBucketVersions", On::Bucket)],
        "ListMultipartUploads" => vec![("s3:ListBucketMultipartUploads", On::Bucket)],
        "GetObject" | "HeadObject" => vec![(pick("s3:GetObject", "s3:GetObjectVersion"), On::Object)],
        "GetObjectAttributes" => vec![
            (pick("s3:GetObject", "s3:GetObjectVersion"), On::Object),
            (
                pick("s3:GetObjectAttributes", "s3:GetObjectVersionAttributes"),
                On::Object,
            ),
        ],
        "GetObjectTagging" => vec![(pick("s3:GetObjectTagging", "s3:GetObjectVersionTagging"), On::Object)],
        "PutObjectTagging" => vec![(pick("s3:PutObjectTagging", "s3:PutObjectVersionTagging"), On::Object)],
        "DeleteObjectTagging" => vec![(
            pick("s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging"),
            On::Object,
        )],
        "PutObject"
        | "CopyObject"
        | "CreateMultipartUpload"
        | "UploadPart"
        | "UploadPartCopy"
        | "CompleteMultipartUpload" => vec![("s3:PutObject", On::Object)],
        "AbortMultipartUpload" => vec![("s3:AbortMultipartUpload", On::Object)],
        "ListParts" => vec![("s3:ListMultipartUploadParts", On::Object)],
        "DeleteObject" => vec![(delete_action(traits.version), On::Object)],
        "DeleteObjects" => vec![],
        other => {
            return vec![(
                format!("s3:{other}"),
                if other.contains("Object") {
                    On::Object
                } else {
                    On::Bucket
                },
            )];
        }
    };
    if traits.tagging {
        needed.push(("s3:PutObjectTagging", On::Object));
    }
    if traits.if_match {
        needed.push(("s3:GetObject", On::Object));
    }
    needed.into_iter().map(|(action, on)| (action.to_owned(), on)).collect()
}

/// The permission that deleting one object needs.
pub(crate) fn delete_action(version: bool) -> &'static str {
    if version {
        "s3:DeleteObjectVersion"
    } else {
        "s3:DeleteObject"
    }
}

/// The permission that reading a copy's source needs.
pub(crate) fn read_action(version: bool) -> &'static str {
    if version { "s3:GetObjectVersion" } else { "s3:GetObject" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actions(operation: &str, traits: Traits) -> Vec<String> {
        required(operation, traits)
            .into_iter()
            .map(|(action, _)| action)
            .collect()
    }

    #[test]
    fn a_version_id_changes_the_action() {
        assert_eq!(actions("GetObject", Traits::default()), ["s3:GetObject"]);
        let versioned = Traits {
            version: true,
            ..Traits::default()
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
        let traits = Traits {
            tagging: true,
            if_match: true,
            version: false,
        };
        assert_eq!(
            actions("PutObject", traits),
            ["s3:PutObject", "s3:PutObjectTagging", "s3:GetObject"]
        );
        assert_eq!(actions("UploadPart", Traits::default()), ["s3:PutObject"]);
        assert_eq!(
            required("PutBucketPolicy", Traits::default()),
            [("s3:PutBucketPolicy".to_owned(), On::Bucket)]
        );
        assert!(required("DeleteObjects", Traits::default()).is_empty());
    }
}
