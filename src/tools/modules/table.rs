//! Tables of the modules: the typed tool of each action, and the alternative names of its arguments.

use super::Module;
use super::action::{Action, LegacyName};
use super::additions::Addition;
use super::argument_aliases::ArgumentAliases;
use super::rewrite::Rewrite;
use crate::tools::Toolset;

const BUCKET: ArgumentAliases = ArgumentAliases {
    typed: "bucket",
    aliases: &["bucket_name", "registry"],
};
const BUCKET_NAME: ArgumentAliases = ArgumentAliases {
    typed: "bucket_name",
    aliases: &["bucket", "registry"],
};
const NAME: ArgumentAliases = ArgumentAliases {
    typed: "name",
    aliases: &["package_name"],
};
const ITEMS: ArgumentAliases = ArgumentAliases {
    typed: "items",
    aliases: &["objects"],
};
const FILES: ArgumentAliases = ArgumentAliases {
    typed: "files",
    aliases: &["s3_uris"],
};
const ADD: ArgumentAliases = ArgumentAliases {
    typed: "add",
    aliases: &["files", "s3_uris"],
};
const METADATA: ArgumentAliases = ArgumentAliases {
    typed: "metadata",
    aliases: &["meta"],
};
/// Older servers called the commit message a description.
const MESSAGE: ArgumentAliases = ArgumentAliases {
    typed: "message",
    aliases: &["description"],
};

const PLAIN: Action = Action {
    name: "",
    aliases: &[],
    tool: "",
    argument_aliases: &[],
    rewrites: &[],
    addition: None,
};

const fn on_bucket(name: &'static str, tool: &'static str) -> Action {
    Action {
        name,
        tool,
        argument_aliases: &[BUCKET],
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
        argument_aliases: &[BUCKET, NAME],
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
    aliases: &["check_bucket_access"],
    tool: "bucket_access_check",
    argument_aliases: &[BUCKET_NAME],
    ..PLAIN
};

/// The modules, in the order of their names.
pub(in crate::tools) const MODULES: &[Module] = &[
    Module {
        name: "auth",
        title: "Who am I? (actions)",
        description: "The caller's identity according to the token, and the AWS credentials that follow from it.",
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
                      without an action to list its actions. For an entry of a package give params.path and _context.",
        toolset: Toolset::Buckets,
        actions: &[
            Action {
                name: "discover",
                tool: "bucket_list",
                addition: Some(Addition::CategorizedBuckets),
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
                argument_aliases: &[BUCKET, ITEMS],
                addition: Some(Addition::UploadContext),
                ..on_bucket("objects_put", "bucket_objects_put")
            },
        ],
    },
    Module {
        name: "packaging",
        title: "Packages (actions)",
        description: "Browses, creates, changes, compares and deletes packages, with the caller's own rights. Call it \
                      without an action to list its actions.",
        toolset: Toolset::Packaging,
        actions: &[
            on_package("browse", "package_browse"),
            Action {
                argument_aliases: &[BUCKET, NAME, FILES, METADATA, MESSAGE],
                rewrites: &[Rewrite::BucketOfFiles],
                ..on_package("create", "package_create")
            },
            Action {
                argument_aliases: &[BUCKET, NAME, ADD, METADATA, MESSAGE],
                rewrites: &[],
                ..on_package("update", "package_update")
            },
            Action {
                argument_aliases: &[BUCKET, NAME, METADATA, MESSAGE],
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
                addition: Some(Addition::Template),
                ..PLAIN
            },
        ],
    },
    Module {
        name: "permissions",
        title: "Permissions (actions)",
        description: "The caller's permissions in each bucket, as S3 reports them. Call it without an action to list its \
                      actions.",
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

/// Tool names of older servers.
pub(in crate::tools) const LEGACY_NAMES: &[LegacyName] = &[
    LegacyName {
        name: "check_bucket_access",
        toolset: Toolset::Permissions,
        action: &ACCESS_CHECK,
    },
    LegacyName {
        name: "discover_permissions",
        toolset: Toolset::Permissions,
        action: &PERMISSIONS_DISCOVER,
    },
    LegacyName {
        name: "packages_list",
        toolset: Toolset::Packaging,
        action: &PACKAGE_LIST,
    },
];
