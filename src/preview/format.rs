//! Recognition of content: by its first bytes, then by the name and the content type of the object.

/// What an object says about itself, beside its content.
#[derive(Debug, Clone, Default)]
pub struct Label {
    /// Lower-case extension of the key, without that of gzip.
    pub extension: String,
    /// Lower-case content type, without parameters.
    pub content_type: String,
}

impl Label {
    #[must_use]
    pub fn new(key: &str, content_type: Option<&str>) -> Self {
        let name = key.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        let name = name
            .strip_suffix(".gz")
            .or_else(|| name.strip_suffix(".gzip"))
            .unwrap_or(&name);
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        let content_type = content_type.unwrap_or_default().split(';').next().unwrap_or_default();
        Self {
            extension: extension.to_owned(),
            content_type: content_type.trim().to_ascii_lowercase(),
        }
    }

    #[must_use]
    pub fn says_tsv(&self) -> bool {
        matches!(self.extension.as_str(), "tsv" | "tab") || self.content_type == "text/tab-separated-values"
    }

    #[must_use]
    pub fn says_csv(&self) -> bool {
        self.extension == "csv" || matches!(self.content_type.as_str(), "text/csv" | "application/csv")
    }

    #[must_use]
    pub fn says_json_lines(&self) -> bool {
        let is_type = |name: &str| self.content_type == name;
        matches!(self.extension.as_str(), "jsonl" | "ndjson")
            || is_type("application/x-ndjson")
            || is_type("application/jsonl")
            || is_type("application/jsonlines")
    }

    /// Whether the name says that the content is text of another kind.
    #[must_use]
    pub fn says_other_text(&self) -> bool {
        let known =
            "c cfg conf cpp css go h htm html ini ipynb java js json md py r rs rst sh sql svg toml ts xml yaml yml";
        known.split(' ').any(|extension| extension == self.extension)
    }
}

/// Content that is no table, by what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotATable {
    /// Occurs when there are no bytes.
    Empty,
    /// Occurs when content is of a known binary format.
    Binary(&'static str),
    /// Occurs when content is binary, of no known format.
    Unknown,
    /// Occurs when content is a packed table whose rows cannot be read by ranges.
    PackedParquet,
    /// Occurs when content is one JSON document.
    JsonDocument,
    /// Occurs when content is text without columns.
    Text,
}

/// First bytes of formats, and what they are called.
const MAGIC: [(&[u8], &str); 21] = [
    (b"PARE", "an encrypted Parquet file"),
    (b"PK\x03\x04", "a ZIP archive (also Excel, Word and NumPy files are)"),
    (b"%PDF-", "a PDF"),
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"II*\0", "a TIFF image"),
    (b"MM\0*", "a TIFF image"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"ARROW1", "an Arrow file"),
    (b"ORC", "an ORC file"),
    (b"Obj\x01", "an Avro file"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file"),
    (b"\x28\xb5\x2f\xfd", "packed with zstd"),
    (b"BZh", "packed with bzip2"),
    (b"\xfd7zXZ\0", "packed with xz"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"BAM\x01", "a BAM file"),
    (b"CRAM", "a CRAM file"),
];

/// Returns the known binary format that begins with these bytes.
pub fn binary_format(start: &[u8]) -> Option<NotATable> {
    let known = MAGIC.iter().find(|(magic, _)| start.starts_with(magic));
    known.map(|(_, name)| NotATable::Binary(name))
}

pub fn is_parquet(start: &[u8]) -> bool {
    start.starts_with(b"PAR1")
}

pub fn is_gzip(start: &[u8]) -> bool {
    start.starts_with(&[0x1f, 0x8b, 0x08])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_without_gzip_and_parameters() {
        let label = Label::new("a.b/Data.CSV.gz", Some("Text/CSV; charset=utf-8"));
        assert_eq!(
            (label.extension.as_str(), label.content_type.as_str()),
            ("csv", "text/csv")
        );
        assert!(label.says_csv() && !label.says_tsv());
        assert_eq!(Label::new("a.b/data", None).extension, "");
    }
}
