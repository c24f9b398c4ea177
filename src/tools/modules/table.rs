//! The whole table: which action is which typed tool, and how its arguments may be spelled.

use super::Module;
use super::action::{Action, OldName};
use super::additions::Addition;
use super::rewrite::Rewrite;
use super::spelling::Spelling;
use crate::tools::Toolset;

const BUCKET: Spelling = Spelling {
    typed: "bucket",
    also: &["bucket_name", "registry"],
};
const BUCKET_NAME: Spelling = Spelling {
    typed: "bucket_name",
    also: &["bucket", "registry"],
};
const NAME: Spelling = Spelling {
    typed: "name",
    also: &["package_name"],
};
const ITEMS: Spelling = Spelling {
    typed: "items",
    also: &["objects"],
};
const FILES: Spelling = Spelling {
    typed: "files",
    also: &["s3_uris"],
};
const ADD: Spelling = Spelling {
    typed: "add",
    also: &["files", "s3_uris"],
};
const METADATA: Spelling = Spelling {
    typed: "metadata",
    also: &["meta"],
};
/// The commit message was called a description.
const MESSAGE: Spelling = Spelling {
    typed: "message",
    also: &["description"],
};

const PLAIN: Action = Action {
    name: "",
    also_called: &[],
    tool: "",
    spellings: &[],
    rewrites: &[],
    adds: None,
};

const fn on_bucket(name: &'static str, tool: &'static str) -> Action {
    Action {
        name,
        tool,
        spellings: &[BUCKET],
        ..PLAIN
    }
}

const fn on_object(name: &'static str, tool: &'static str) -> Action {
    Action {
        name,
        tool,
        rewrites: &[Rewrite::EntryPath],
        ..PLAIN
    }
}

const fn on_package(name: &'static str, tool: &'static str) -> Action {
    Action {
        name,
        tool,
        spellings: &[BUCKET, NAME],
        ..PLAIN
    }
}

const PACKAGE_LIST: Action = on_bucket("list", "package_list");
const PERMISSIONS_DISCOVER: Action = Action {
    name: "discover",
    tool: "permissions_discover",
    ..PLAIN
};
const ACCESS_CHECK: Action = Action {
    name: "access_check",
    also_called: &["check_bucket_access"],
    tool: "bucket_access_check",
    spellings: &[BUCKET_NAME],
    ..PLAIN
};

/// The modules, in order of their names.
pub(in crate::tools) const MODULES: &[Module] = &[
    Module {
        name: "auth",
        title: "Who am I? (actions)",
        description: "Who the token says the caller is, and which AWS credentials follow from it.",
        toolset: Toolset::Auth,
        actions: &[Action {
            name: "status",
            tool: "auth_status",
            ..PLAIN
        }],
    },
    Module {
        name: "buckets",
        title: "Buckets and objects (actions)",
        description: "Lists buckets and objects, reads, links and writes objects, with the caller's own rights. Call it \
                      without an action to see which there are. For an entry of a package give params.path and _context.",
        toolset: Toolset::Buckets,
        actions: &[
            Action {
                name: "discover",
                tool: "bucket_list",
                adds: Some(Addition::CategorizedBuckets),
                ..PLAIN
            },
            on_bucket("objects_list", "bucket_objects_list"),
            on_object("object_info", "bucket_object_info"),
            on_object("object_text", "bucket_object_text"),
            Action {
                rewrites: &[Rewrite::EntryPath, Rewrite::Base64Encode],
                ..on_object("object_fetch", "bucket_object_fetch")
            },
            on_object("object_link", "bucket_object_link"),
            Action {
                spellings: &[BUCKET, ITEMS],
                adds: Some(Addition::UploadContext),
                ..on_bucket("objects_put", "bucket_objects_put")
            },
        ],
    },
    Module {
        name: "packaging",
        title: "Packages (actions)",
        description: "Browses, creates, changes, compares and deletes packages, with the caller's own rights. Call it \
                      without an action to see which there are.",
        toolset: Toolset::Packaging,
        actions: &[
            on_package("browse", "package_browse"),
            Action {
                spellings: &[BUCKET, NAME, FILES, METADATA, MESSAGE],
                rewrites: &[Rewrite::BucketOfFiles],
                ..on_package("create", "package_create")
            },
            Action {
                spellings: &[BUCKET, NAME, ADD, METADATA, MESSAGE],
                rewrites: &[],
                ..on_package("update", "package_update")
            },
            Action {
                spellings: &[BUCKET, NAME, METADATA, MESSAGE],
                rewrites: &[],
                ..on_package("create_from_s3", "package_create_from_s3")
            },
            on_package("delete", "package_delete"),
            PACKAGE_LIST,
            on_package("versions", "package_versions"),
            on_package("diff", "package_diff"),
            Action {
                name: "metadata_templates",
                tool: "package_templates",
                ..PLAIN
            },
            Action {
                name: "get_template",
                tool: "package_templates",
                rewrites: &[Rewrite::StandardTemplate],
                adds: Some(Addition::Template),
                ..PLAIN
            },
        ],
    },
    Module {
        name: "permissions",
        title: "Permissions (actions)",
        description: "What the caller may do with which bucket, as S3 answers it. Call it without an action to see which \
                      there are.",
        toolset: Toolset::Permissions,
        actions: &[
            PERMISSIONS_DISCOVER,
            ACCESS_CHECK,
            Action {
                name: "recommendations_get",
                tool: "permissions_recommendations",
                ..PLAIN
            },
        ],
    },
];

/// Names of single tools that clients of older servers know.
pub(in crate::tools) const OLD_NAMES: &[OldName] = &[
    OldName {
        name: "check_bucket_access",
        toolset: Toolset::Permissions,
        action: &ACCESS_CHECK,
    },
    OldName {
        name: "discover_permissions",
        toolset: Toolset::Permissions,
        action: &PERMISSIONS_DISCOVER,
    },
    OldName {
        name: "packages_list",
        toolset: Toolset::Packaging,
        action: &PACKAGE_LIST,
    },
];
