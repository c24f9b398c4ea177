//! Tables of the modules: the typed tool of each action.

use super::Module;
use super::action::{Action, LegacyName};
use super::additions::Addition;
use super::rewrite::Rewrite;
use crate::tools::Toolset;

const PLAIN: Action = Action {
    name: "",
    aliases: &[],
    tool: "",
    rewrites: &[],
    addition: None,
};

const fn plain(name: &'static str, tool: &'static str) -> Action {
    Action { name, tool, ..PLAIN }
}

const fn list(name: &'static str, tool: &'static str) -> Action {
    Action {
        name,
        tool,
        addition: Some(Addition::Count),
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

const PACKAGE_LIST: Action = list("list", "package_list");
/// As `packages_list` of version 0.20, where a limit of 0 means none.
const PACKAGES_LIST: Action = Action {
    rewrites: &[Rewrite::NoLimit],
    ..PACKAGE_LIST
};
const PERMISSIONS_DISCOVER: Action = Action {
    name: "discover",
    tool: "permissions_discover",
    ..PLAIN
};
const ACCESS_CHECK: Action = Action {
    name: "access_check",
    aliases: &["check_bucket_access"],
    tool: "bucket_access_check",
    ..PLAIN
};

/// As `catalog_url` and `catalog_uri` of version 0.22.
const CATALOG_LINK: Action = Action {
    rewrites: &[Rewrite::OlderLink],
    addition: Some(Addition::OlderLink),
    ..plain("link", "catalog_link")
};

/// As `tabulator_query_execute` of version 0.22: in the data catalog of Tabulator.
const TABULATOR_QUERY: Action = Action {
    rewrites: &[Rewrite::TabulatorCatalog],
    ..QUERY_EXECUTE
};
/// As `tabulator_bucket_query` of version 0.22, whose bucket is the database.
const TABULATOR_BUCKET_QUERY: Action = Action {
    rewrites: &[Rewrite::BucketDatabase, Rewrite::TabulatorCatalog],
    ..QUERY_EXECUTE
};
const QUERY_EXECUTE: Action = plain("query_execute", "athena_query_execute");

/// The modules, in the order of their names.
pub(in crate::tools) const MODULES: &[Module] = &[
    Module {
        name: "athena_glue",
        title: "SQL (actions)",
        description: "Lists databases, tables and workgroups of Athena, and runs queries that only read, with the caller's own \
                      rights. Call it without an action to list its actions.",
        toolset: Toolset::Athena,
        actions: &[
            plain("databases_list", "athena_databases_list"),
            list("tables_list", "athena_tables_list"),
            plain("table_schema", "athena_table_schema"),
            plain("workgroups_list", "athena_workgroups_list"),
            QUERY_EXECUTE,
            list("query_history", "athena_query_history"),
        ],
    },
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
            Action {
                rewrites: &[Rewrite::OlderDetail],
                addition: Some(Addition::ObjectCount),
                ..plain("objects_list", "bucket_objects_list")
            },
            on_object("object_info", "bucket_object_info"),
            Action {
                rewrites: &[Rewrite::EntryPath, Rewrite::OlderMaxBytes],
                ..on_object("object_text", "bucket_object_text")
            },
            Action {
                rewrites: &[Rewrite::EntryPath, Rewrite::OlderMaxBytes],
                addition: Some(Addition::ImageData),
                ..on_object("object_fetch", "bucket_object_fetch")
            },
            on_object("object_link", "bucket_object_link"),
            Action {
                addition: Some(Addition::UploadContext),
                ..plain("objects_put", "bucket_objects_put")
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
            Action {
                rewrites: &[Rewrite::OlderDetail],
                ..list("browse", "package_browse")
            },
            Action {
                rewrites: &[Rewrite::BucketOfFiles, Rewrite::OlderFlatten],
                ..plain("create", "package_create")
            },
            plain("update", "package_update"),
            Action {
                rewrites: &[Rewrite::OlderFlatten],
                ..plain("create_from_s3", "package_create_from_s3")
            },
            plain("delete", "package_delete"),
            PACKAGE_LIST,
            list("versions", "package_versions"),
            plain("diff", "package_diff"),
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
    Module {
        name: "search",
        title: "Search (actions)",
        description: "Searches the packages and objects of the catalog. Call it without an action to list its actions.",
        toolset: Toolset::Search,
        actions: &[
            Action {
                rewrites: &[Rewrite::Kind("all")],
                ..list("unified_search", "search_catalog")
            },
            Action {
                rewrites: &[Rewrite::Kind("packages")],
                ..list("search_packages", "search_catalog")
            },
            Action {
                rewrites: &[Rewrite::Kind("objects")],
                ..list("search_objects", "search_catalog")
            },
        ],
    },
];

/// Tool names of older servers.
pub(in crate::tools) const LEGACY_NAMES: &[LegacyName] = &[
    LegacyName {
        name: "catalog_uri",
        toolset: Toolset::Catalog,
        action: &CATALOG_LINK,
    },
    LegacyName {
        name: "catalog_url",
        toolset: Toolset::Catalog,
        action: &CATALOG_LINK,
    },
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
        action: &PACKAGES_LIST,
    },
    LegacyName {
        name: "tabulator_bucket_query",
        toolset: Toolset::Athena,
        action: &TABULATOR_BUCKET_QUERY,
    },
    LegacyName {
        name: "tabulator_query_execute",
        toolset: Toolset::Athena,
        action: &TABULATOR_QUERY,
    },
];
