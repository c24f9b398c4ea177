//! Packages: tools, format and workflows, beside the real quilt3.

mod archived_pointers;
mod arguments;
mod commits;
mod copies;
mod format;
mod large;
mod large_commits;
mod lifecycle;
mod numbers;
mod odd_pointers;
mod odd_rows;
mod package_copy;
mod pages;
mod read_by_quilt3;
mod refusals;
mod resumed;
mod rollback;
mod shared_manifests;
mod warnings;
mod workflows;
mod workflows_like_quilt3;
mod written_by_quilt3;
