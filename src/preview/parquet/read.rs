//! The ranges of a file that are read: the tail, the footer, the beginning of each column, and what is missing of its first
//! page.

use std::ops::Range;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::ParquetError;
use super::footer::{Footer, TAIL_BYTES, footer_length};
use super::page::{MAX_DICTIONARY_BYTES, MAX_PAGE_BYTES, Next};
use super::table::{Leaf, table_of};
use crate::blocking::CpuPool;
use crate::preview::ranges::START_BYTES;
use crate::preview::table::{Limits, Table};
use crate::preview::{ByteRanges, MAX_MEMORY_BYTES, MAX_READ_BYTES, PreviewError};

/// Bytes that are read at the end of a file: most footers are shorter.
const TAIL_READ_BYTES: u64 = 64 * 1024;
/// Maximum number of bytes of a footer that are read: the schema and the first row group are in front.
const MAX_FOOTER_BYTES: u64 = 3 * 1024 * 1024;
/// Maximum number of bytes of a column that are read at first.
const MAX_FIRST_READ: u64 = 256 * 1024;
/// Ranges with no more than this between them are read as one.
const MAX_GAP: u64 = 4 * 1024;
/// Maximum number of concurrent reads.
const MAX_CONCURRENT: usize = 8;
/// Rounds of reads of a column: a header, a dictionary, another header, a page.
const MAX_ROUNDS: usize = 5;
/// Memory for levels, values and cells, beside the bytes that are read and unpacked.
const VALUES_BYTES: usize = 12 * 1024 * 1024;

/// Reads the first rows of a file.
pub async fn read<R: ByteRanges>(
    ranges: &R,
    size: u64,
    limits: Limits,
    cpu: &CpuPool,
) -> Result<Table, PreviewError<R::Error>> {
    let mut budget = MAX_READ_BYTES - START_BYTES;
    let footer = read_footer(ranges, size, cpu, &mut budget).await?;
    let mut leaves = Leaf::of(&footer, limits, size);
    read_first(ranges, &mut leaves, &mut budget).await?;
    for _ in 0..MAX_ROUNDS {
        let missing = missing_ranges(&mut leaves, &mut budget);
        if missing.is_empty() {
            break;
        }
        reserve(ranges, &leaves, &missing).await?;
        let read = missing.into_iter().map(|(at, range)| async move {
            let bytes = ranges.read(range).await.map_err(PreviewError::Read)?;
            Ok::<_, PreviewError<R::Error>>((at, bytes))
        });
        let read: Vec<(usize, Bytes)> = stream::iter(read).buffered(MAX_CONCURRENT).try_collect().await?;
        for (at, bytes) in read {
            if let Some(leaf) = leaves.get_mut(at) {
                leaf.extend(&bytes);
            }
        }
    }
    reserve(ranges, &leaves, &[]).await?;
    let table = cpu.run(move |deadline| table_of(&footer, &leaves, limits, || deadline.check()));
    Ok(table.await??)
}

/// Reads a file in memory, as a preview reads it by ranges.
pub fn preview_bytes(file: &Bytes, limits: Limits) -> Result<Table, ParquetError> {
    let size = file.len() as u64;
    let slice = |range: Range<u64>| {
        let index = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(file.len());
        file.slice(index(range.start)..index(range.end.max(range.start)))
    };
    let length = footer_length(&slice(size.saturating_sub(TAIL_BYTES)..size), size)?;
    let begin = size - TAIL_BYTES - length;
    let footer = Footer::read(
        &slice(begin..begin + length.min(MAX_FOOTER_BYTES)),
        length <= MAX_FOOTER_BYTES,
    )?;
    let mut budget = MAX_READ_BYTES;
    let mut leaves = Leaf::of(&footer, limits, size);
    for leaf in &mut leaves {
        if let Some(range) = leaf.first_range(MAX_FIRST_READ) {
            leaf.extend(&slice(range));
        }
    }
    for _ in 0..MAX_ROUNDS {
        for (at, range) in missing_ranges(&mut leaves, &mut budget) {
            if let Some(leaf) = leaves.get_mut(at) {
                leaf.extend(&slice(range));
            }
        }
    }
    table_of(&footer, &leaves, limits, || Ok(())).map_err(|_| ParquetError::DamagedFooter)
}

async fn read_footer<R: ByteRanges>(
    ranges: &R,
    size: u64,
    cpu: &CpuPool,
    budget: &mut u64,
) -> Result<Footer, PreviewError<R::Error>> {
    let tail_begin = size.saturating_sub(TAIL_READ_BYTES);
    let tail = ranges.read(tail_begin..size).await.map_err(PreviewError::Read)?;
    *budget = budget.saturating_sub(tail.len() as u64);
    let length = footer_length(&tail, size)?;
    let begin = size - TAIL_BYTES - length;
    let wanted = length.min(MAX_FOOTER_BYTES);
    ranges
        .reserve(usize::try_from(wanted * 4).unwrap_or(usize::MAX))
        .await
        .map_err(PreviewError::Read)?;
    let bytes = if begin >= tail_begin {
        let at = usize::try_from(begin - tail_begin).unwrap_or(usize::MAX);
        let end = tail.len().saturating_sub(8);
        tail.slice(at.min(end)..end)
    } else {
        *budget = budget.saturating_sub(wanted);
        ranges.read(begin..begin + wanted).await.map_err(PreviewError::Read)?
    };
    let is_whole = wanted == length;
    Ok(cpu.run(move |_| Footer::read(&bytes, is_whole)).await??)
}

/// A leaf, by its place among the leaves, and the range that is read of it.
type Part = (usize, Range<u64>);

/// Reads the beginning of each leaf. Leaves that lie side by side are read at once.
async fn read_first<R: ByteRanges>(
    ranges: &R,
    leaves: &mut [Leaf],
    budget: &mut u64,
) -> Result<(), PreviewError<R::Error>> {
    let count = leaves.iter().filter(|leaf| leaf.first_range(1).is_some()).count() as u64;
    // A half is left for pages that are longer than their share.
    let gaps = count.saturating_mul(MAX_GAP);
    let share = ((*budget / 2).saturating_sub(gaps) / count.max(1)).clamp(1, MAX_FIRST_READ);
    let mut wanted: Vec<(usize, Range<u64>)> = leaves
        .iter()
        .enumerate()
        .filter_map(|(at, leaf)| Some((at, leaf.first_range(share)?)))
        .collect();
    wanted.sort_by_key(|(_, range)| range.start);
    let mut joined: Vec<(Range<u64>, Vec<Part>)> = Vec::new();
    for (at, range) in wanted {
        match joined.last_mut() {
            Some((all, parts)) if range.start >= all.end && range.start - all.end <= MAX_GAP => {
                all.end = range.end;
                parts.push((at, range));
            }
            _ => joined.push((range.clone(), vec![(at, range)])),
        }
    }
    let total: u64 = joined.iter().map(|(range, _)| range.end - range.start).sum();
    *budget = budget.saturating_sub(total);
    ranges
        .reserve(usize::try_from(total * 2).unwrap_or(usize::MAX))
        .await
        .map_err(PreviewError::Read)?;
    let read = joined.into_iter().map(|(all, parts)| async move {
        let bytes = ranges.read(all.clone()).await.map_err(PreviewError::Read)?;
        Ok::<_, PreviewError<R::Error>>((all.start, bytes, parts))
    });
    let read: Vec<_> = stream::iter(read).buffered(MAX_CONCURRENT).try_collect().await?;
    for (begin, bytes, parts) in read {
        for (at, range) in parts {
            let index = |at: u64| usize::try_from(at - begin).unwrap_or(usize::MAX).min(bytes.len());
            if let Some(leaf) = leaves.get_mut(at) {
                leaf.extend(&bytes.slice(index(range.start)..index(range.end)));
            }
        }
    }
    Ok(())
}

/// Returns the ranges that leaves need to have their first page, as far as the budget goes.
fn missing_ranges(leaves: &mut [Leaf], budget: &mut u64) -> Vec<(usize, Range<u64>)> {
    let mut missing = Vec::new();
    for (at, leaf) in leaves.iter_mut().enumerate() {
        let first = leaf.first_pages();
        let Next::Bytes(end) = first.next else { continue };
        let is_needed = !first.has_data() || leaf.is_flat();
        let Some(range) = leaf.range_to(end).filter(|_| is_needed) else {
            continue;
        };
        let length = range.end - range.start;
        if length <= *budget && length <= MAX_PAGE_BYTES + MAX_DICTIONARY_BYTES {
            *budget -= length;
            missing.push((at, range));
        }
    }
    missing
}

/// Reserves memory for what is read, what is unpacked at a time, and what comes out of it.
async fn reserve<R: ByteRanges>(
    ranges: &R,
    leaves: &[Leaf],
    missing: &[(usize, Range<u64>)],
) -> Result<(), PreviewError<R::Error>> {
    let more: u64 = missing.iter().map(|(_, range)| range.end - range.start).sum();
    let read: usize = leaves.iter().map(Leaf::bytes_read).sum();
    let unpacked = leaves.iter().map(Leaf::unpacked_bytes).max().unwrap_or_default();
    let needed = read + usize::try_from(more).unwrap_or(usize::MAX) + 2 * unpacked;
    let values = VALUES_BYTES.min(unpacked * 8 + 1024 * 1024);
    let bytes = (needed + values).min(MAX_MEMORY_BYTES);
    ranges.reserve(bytes).await.map_err(PreviewError::Read)
}
