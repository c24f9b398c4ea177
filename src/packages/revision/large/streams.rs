//! Streams of objects and of entries in tree order.

use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use quilt_format::{Entry, LogicalKey};

use crate::packages::PackageError;
use crate::packages::objects::PlannedObject;
use crate::packages::physical_key::object_of;
use crate::packages::revision::texts::TextKind;

/// Objects in tree order, as they are found.
pub type PlannedObjects = BoxStream<'static, Result<PlannedObject, PackageError>>;

/// Fails at a key that is a file and a directory at once. In tree order everything below a key follows it directly.
pub(super) fn refuse_disorder(
    objects: PlannedObjects,
    mut last: Option<LogicalKey>,
) -> BoxStream<'static, Result<PlannedObject, PackageError>> {
    let checked = objects.and_then(move |planned| {
        let key = planned.logical_key.clone();
        let before = last.replace(key.clone());
        futures::future::ready(match before {
            Some(before) if before.is_ancestor_of(&key) => Err(PackageError::Invalid(format!(
                "the logical key `{before}` would be a file, and `{key}` of {} makes it a directory",
                planned.object
            ))),
            Some(before) if before == key => Err(PackageError::Invalid(format!(
                "two files go to the logical key `{key}`, one of them {}",
                planned.object
            ))),
            _ => Ok(planned),
        })
    });
    checked.boxed()
}

/// Inserts the entry of a text where it stands in tree order.
pub(super) fn with_text(
    entries: BoxStream<'_, Result<Entry, PackageError>>,
    kind: TextKind,
    text: Entry,
) -> BoxStream<'_, Result<Entry, PackageError>> {
    let entries = entries.and_then(move |entry| {
        let is_second = kind.taken_by(&entry.logical_key);
        let object = is_second.then(|| object_of(&entry.physical_key));
        std::future::ready(match object {
            None => Ok(entry),
            Some(Err(problem)) => Err(PackageError::Invalid(problem)),
            Some(Ok(object)) => Err(PackageError::SecondText {
                text: kind.name(),
                object,
                key: entry.logical_key,
            }),
        })
    });
    let inserted = stream::unfold((entries.peekable(), Some(text)), |(entries, text)| async move {
        let mut entries = Box::pin(entries);
        let is_next = match (&text, entries.as_mut().peek().await) {
            (Some(text), Some(Ok(entry))) => text.logical_key < entry.logical_key,
            (Some(_), None) => true,
            (Some(_), Some(Err(_))) | (None, _) => false,
        };
        if is_next {
            return text.map(|text| (Ok(text), (*std::pin::Pin::into_inner(entries), None)));
        }
        let next = entries.next().await?;
        Some((next, (*std::pin::Pin::into_inner(entries), text)))
    });
    inserted.boxed()
}
