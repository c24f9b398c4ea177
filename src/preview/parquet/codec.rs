//! Codecs of pages, which unpack to the size that the header says and never more.

use std::io::Read;

/// Bits of the first byte of Brotli that announce a window of up to a gibibyte.
const BROTLI_LARGE_WINDOW: u8 = 0x11;

/// Why a page is not unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CodecError {
    /// Occurs when the codec is not supported.
    Unsupported(&'static str),
    /// Occurs when the bytes do not unpack to the size that the header says.
    Damaged,
}

/// Whether pages of this codec are packed.
pub(super) fn packs(codec: i64) -> bool {
    codec != 0
}

/// Unpacks a page of `size` bytes.
pub(super) fn unpack(codec: i64, packed: &[u8], size: usize) -> Result<Vec<u8>, CodecError> {
    // A page whose values are all null may be packed to nothing.
    if size == 0 {
        return Ok(Vec::new());
    }
    let bytes = match codec {
        1 => into_size(size, |out| snap::raw::Decoder::new().decompress(packed, out).ok()),
        2 => read_size(flate2::read::MultiGzDecoder::new(packed), size),
        4 if packed.first().is_some_and(|first| first & 0x7f == BROTLI_LARGE_WINDOW) => None,
        4 => read_size(brotli_decompressor::Decompressor::new(packed, 4096), size),
        5 => into_size(size, |out| lz4_hadoop(packed, out)).or_else(|| lz4(packed, size)),
        6 => zstd::bulk::decompress(packed, size).ok(),
        7 => lz4(packed, size),
        3 => return Err(CodecError::Unsupported("LZO")),
        _ => return Err(CodecError::Unsupported("unknown")),
    };
    bytes.filter(|bytes| bytes.len() == size).ok_or(CodecError::Damaged)
}

fn lz4(packed: &[u8], size: usize) -> Option<Vec<u8>> {
    into_size(size, |out| lz4_flex::block::decompress_into(packed, out).ok())
}

fn into_size(size: usize, unpack: impl FnOnce(&mut [u8]) -> Option<usize>) -> Option<Vec<u8>> {
    let mut bytes = vec![0; size];
    let written = unpack(&mut bytes)?;
    (written == size).then_some(bytes)
}

fn read_size(reader: impl Read, size: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(size + 1);
    reader.take(size as u64 + 1).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Unpacks Hadoop's frames: the unpacked and the packed size of a block, big-endian, then the block.
fn lz4_hadoop(mut packed: &[u8], out: &mut [u8]) -> Option<usize> {
    let mut written = 0_usize;
    while let Some((size, rest)) = packed.split_first_chunk::<4>() {
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let size = usize::try_from(u32::from_be_bytes(*size)).ok()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (block, rest) = rest.split_at_checked(length)?;
        let end = written.checked_add(size)?;
        let into = out.get_mut(written..end)?;
        (lz4_flex::block::decompress_into(block, into).ok()? == size).then_some(())?;
        written = end;
        packed = rest;
    }
    packed.is_empty().then_some(written)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_page_unpacks_to_the_size_of_its_header_and_to_no_other() {
        let text = b"parquet ".repeat(1000);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&text).unwrap();
        let raw = lz4_flex::block::compress(&text);
        let sizes = [text.len(), raw.len()].map(|size| u32::try_from(size).unwrap().to_be_bytes());
        let hadoop = [sizes.concat(), raw.clone()].concat();
        let packed = [
            (1, snap::raw::Encoder::new().compress_vec(&text).unwrap()),
            (2, gzip.finish().unwrap()),
            (5, hadoop),
            (5, raw.clone()),
            (6, zstd::bulk::compress(&text, 1).unwrap()),
            (7, raw),
        ];
        for (codec, packed) in packed {
            assert_eq!(unpack(codec, &packed, text.len()).as_deref(), Ok(&text[..]), "{codec}");
            for size in [text.len() - 1, text.len() + 1, 1] {
                assert_eq!(unpack(codec, &packed, size), Err(CodecError::Damaged), "{codec} {size}");
            }
            assert_eq!(
                unpack(codec, &packed[..packed.len() / 2], text.len()),
                Err(CodecError::Damaged)
            );
        }
        assert_eq!(unpack(3, b"x", 1), Err(CodecError::Unsupported("LZO")));
        assert_eq!(unpack(4, &[0x11, 0x1e, 0, 0], 10), Err(CodecError::Damaged));
    }
}
