//! Parquet files of one column, made by hand: their pages claim more than they have, or unpack to more than they say.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

/// A value of Thrift's compact protocol.
enum Thrift {
    Integer(i64),
    Text(&'static str),
    List(Vec<Thrift>),
    Struct(Vec<(u8, Thrift)>),
}

impl Thrift {
    fn kind(&self) -> u8 {
        match self {
            Self::Integer(_) => 6,
            Self::Text(_) => 8,
            Self::List(_) => 9,
            Self::Struct(_) => 12,
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Integer(value) => varint((value << 1 ^ value >> 63).cast_unsigned(), out),
            Self::Text(text) => {
                varint(text.len() as u64, out);
                out.extend(text.bytes());
            }
            Self::List(items) => {
                out.push(0xf0 | items.first().map_or(12, Self::kind));
                varint(items.len() as u64, out);
                for item in items {
                    item.write(out);
                }
            }
            Self::Struct(fields) => {
                let mut last = 0;
                for (id, value) in fields {
                    out.push((id - last) << 4 | value.kind());
                    value.write(out);
                    last = *id;
                }
                out.push(0);
            }
        }
    }
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap());
}

/// The column of a file.
struct Leaf {
    physical: i64,
    repetition: i64,
    codec: i64,
}

const INT32: i64 = 1;
const STRING: i64 = 6;
const PLAIN: i64 = 0;

impl Leaf {
    fn required(physical: i64, codec: i64) -> Self {
        Self {
            physical,
            repetition: 0,
            codec,
        }
    }

    /// Returns a file with these pages.
    fn file(&self, pages: &[Vec<u8>]) -> Vec<u8> {
        let chunk = pages.concat();
        self.file_at(&chunk, 4)
    }

    /// Returns a file that says its chunk begins there.
    fn file_at(&self, chunk: &[u8], offset: i64) -> Vec<u8> {
        use Thrift::{Integer as I, List as L, Struct as S, Text as T};
        let root = S(vec![(4, T("root")), (5, I(1))]);
        let leaf = S(vec![(1, I(self.physical)), (3, I(self.repetition)), (4, T("a"))]);
        let metadata = S(vec![
            (1, I(self.physical)),
            (4, I(self.codec)),
            (5, I(10)),
            (7, I(i64::try_from(chunk.len()).unwrap())),
            (9, I(offset)),
        ]);
        let column = S(vec![(2, I(0)), (3, metadata)]);
        let group = S(vec![(1, L(vec![column])), (2, I(10)), (3, I(10))]);
        let mut footer = Vec::new();
        S(vec![
            (1, I(1)),
            (2, L(vec![root, leaf])),
            (3, I(10)),
            (4, L(vec![group])),
        ])
        .write(&mut footer);
        let length = u32::try_from(footer.len()).unwrap().to_le_bytes();
        [b"PAR1", chunk, &footer, &length, b"PAR1"].concat()
    }
}

/// Returns a data page of version 1 whose header states `size` bytes and `values` values.
fn data_page(size: i64, values: i64, encoding: i64, body: &[u8]) -> Vec<u8> {
    use Thrift::{Integer as I, Struct as S};
    let details = S(vec![(1, I(values)), (2, I(encoding)), (3, I(3)), (4, I(3))]);
    page(0, size, 5, details, body)
}

fn dictionary_page(size: i64, values: i64, body: &[u8]) -> Vec<u8> {
    use Thrift::{Integer as I, Struct as S};
    page(2, size, 7, S(vec![(1, I(values)), (2, I(PLAIN))]), body)
}

fn page(kind: i64, size: i64, field: u8, details: Thrift, body: &[u8]) -> Vec<u8> {
    use Thrift::{Integer as I, Struct as S};
    let packed = i64::try_from(body.len()).unwrap();
    let mut header = Vec::new();
    S(vec![(1, I(kind)), (2, I(size)), (3, I(packed)), (field, details)]).write(&mut header);
    [header.as_slice(), body].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Integers as deltas of zero: this number of the same value.
fn deltas(count: u64, value: u64, blocks: usize) -> Vec<u8> {
    let mut out = vec![0x80, 1, 4];
    varint(count, &mut out);
    varint(value << 1, &mut out);
    out.extend([0; 5].repeat(blocks));
    out
}

/// Returns files, with a part of what the preview says of their column.
pub fn bombs() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let most = i64::from(i32::MAX);
    let whole = [1_u32, 2, 3, 4, 5, 6, 7, 8, 9, 10].map(u32::to_le_bytes).concat();
    let plain = Leaf::required(INT32, 0);
    let string = Leaf::required(STRING, 0);
    let repeated = Leaf {
        repetition: 2,
        ..Leaf::required(INT32, 0)
    };
    // Runs of two billion levels in nine bytes.
    let levels = [6_u32.to_le_bytes().as_slice(), &[0xfe, 0xff, 0xff, 0xff, 0x0f, 1]].concat();
    let indices = data_page(3, 10, 8, &[1, 20, 0]);
    vec![
        ("whole", plain.file(&[data_page(40, 10, PLAIN, &whole)]), "int32"),
        (
            "values of a dictionary",
            plain.file(&[dictionary_page(40, most, &whole), indices.clone()]),
            "damaged",
        ),
        ("no dictionary", plain.file(&[indices]), "damaged"),
        (
            "levels",
            repeated.file(&[data_page(20, most, PLAIN, &[levels.clone(), levels].concat())]),
            "more memory",
        ),
        (
            "lengths",
            string.file(&[data_page(16, most, 6, &deltas(most.cast_unsigned(), 0, 1))]),
            "more memory",
        ),
        (
            "lengths in the page",
            string.file(&[data_page(16, 10, 6, &deltas(most.cast_unsigned(), 0, 1))]),
            "damaged",
        ),
        (
            "suffixes",
            string.file(&[data_page(
                32,
                10,
                7,
                &[deltas(10, 0, 1), deltas(most.cast_unsigned(), 0, 1)].concat(),
            )]),
            "damaged",
        ),
        (
            "gzip",
            Leaf::required(INT32, 2).file(&[data_page(40, 10, PLAIN, &gzip(&vec![0; 64 << 20]))]),
            "damaged",
        ),
        (
            "window",
            Leaf::required(INT32, 4).file(&[data_page(40, 10, PLAIN, &[0x11, 0x1e, 1, 2, 3])]),
            "damaged",
        ),
        (
            "codec",
            Leaf::required(INT32, 3).file(&[data_page(40, 10, PLAIN, &whole)]),
            "LZO is not supported",
        ),
        (
            "size",
            Leaf::required(INT32, 6).file(&[data_page(most, 10, PLAIN, &whole)]),
            "more than a preview reads",
        ),
        ("negative", plain.file(&[data_page(-40, 10, PLAIN, &whole)]), "damaged"),
        (
            "negative count",
            plain.file(&[data_page(40, -10, PLAIN, &whole)]),
            "damaged",
        ),
        (
            "offset",
            plain.file_at(&data_page(40, 10, PLAIN, &whole), i64::MAX),
            "does not say where",
        ),
        (
            "negative offset",
            plain.file_at(&data_page(40, 10, PLAIN, &whole), -4),
            "footer cannot be read",
        ),
        (
            "many pages",
            plain.file(&vec![data_page(0, 0, PLAIN, &[]); 10_000]),
            "fewer rows",
        ),
        (
            "encoding",
            plain.file(&[data_page(40, 10, 77, &whole)]),
            "encoding 77 is not supported",
        ),
    ]
}
