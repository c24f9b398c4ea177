//! Packages: tools, format and workflows, beside the real quilt3.

mod arguments;
mod commits;
mod format;
mod lifecycle;
mod pages;
mod read_by_quilt3;
mod refusals;
mod warnings;
mod workflows;
mod workflows_like_quilt3;
mod written_by_quilt3;
