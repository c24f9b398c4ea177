//! The `buckets` toolset: buckets and objects.

mod content;
mod gzip;
mod line_search;
mod list;
mod object_fetch;
mod object_find;
mod object_info;
mod object_link;
mod object_preview;
mod object_text;
mod object_versions;
mod objects_list;
mod objects_put;
mod objects_summary;
mod put_item;
mod text_source;

pub use list::BucketList;
pub use object_fetch::BucketObjectFetch;
pub use object_info::BucketObjectInfo;
pub use object_link::BucketObjectLink;
pub use object_preview::BucketObjectPreview;
pub use object_text::BucketObjectText;
pub use object_versions::BucketObjectVersions;
pub use objects_list::BucketObjectsList;
pub use objects_put::BucketObjectsPut;
pub use objects_summary::BucketObjectsSummary;
