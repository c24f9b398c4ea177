//! Manifests at random, with unusual numbers, strings and orders of keys.

use std::fmt::Write as _;

use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use rand::{RngExt as _, SeedableRng as _};

/// Makes manifests, the same ones for the same seed.
pub struct Generator {
    rng: StdRng,
}

const SEGMENTS: [&str; 18] = [
    "a",
    "a!",
    "a-b",
    "a.txt",
    "a b",
    "a+",
    "A",
    "b",
    "é",
    "e\u{301}",
    "\u{ffff}",
    "\u{10000}",
    "日本",
    "~",
    "\t",
    "\u{7f}",
    "",
    "a\u{0}",
];

const NUMBERS: [&str; 16] = [
    "0",
    "-0",
    "-0.0",
    "1E2",
    "1.50",
    "100e-2",
    "1e400",
    "1e16",
    "1e-5",
    "0.0001",
    "5e-324",
    "18446744073709551616",
    "-9223372036854775809",
    "1e22",
    "123456789012345678901234567890",
    "9007199254740993",
];

impl Generator {
    pub fn new(seed: u64) -> Self {
        Self {
            rng: StdRng::seed_from_u64(seed),
        }
    }

    /// Returns a manifest that quilt3 can load.
    pub fn manifest(&mut self) -> Vec<u8> {
        let mut lines = vec![self.header()];
        let mut keys: Vec<String> = Vec::new();
        for _ in 0..self.rng.random_range(0..12) {
            let key = self.key();
            let fits = |other: &String| {
                let below = |a: &str, b: &str| b.strip_prefix(a).is_some_and(|rest| rest.starts_with('/'));
                *other != key && !below(other, &key) && !below(&key, other)
            };
            if keys.iter().all(fits) {
                keys.push(key);
            }
        }
        for directory in keys
            .iter()
            .filter_map(|key| key.rsplit_once('/'))
            .map(|(directory, _)| directory)
        {
            if self.rng.random_ratio(1, 4) {
                let (key, meta) = (self.string(&format!("{directory}/")), self.value(3));
                lines.push(format!("{{\"logical_key\": {key}, \"meta\": {meta}}}"));
            }
        }
        let mut entries: Vec<(Vec<String>, String)> = Vec::new();
        for key in keys {
            entries.push((key.split('/').map(str::to_owned).collect(), self.entry(&key)));
        }
        if self.rng.random_ratio(1, 2) {
            entries.shuffle(&mut self.rng);
        } else {
            entries.sort();
        }
        lines.extend(entries.into_iter().map(|(_, line)| line));
        let end = ["\n", "\n", "\n", "\r\n", "\r"].choose(&mut self.rng).unwrap();
        let mut text = lines.join(end);
        if self.rng.random_ratio(4, 5) {
            text.push_str(end);
        }
        text.into_bytes()
    }

    /// Returns a manifest with a defect, or with something that resembles one.
    pub fn mangled(&mut self) -> Vec<u8> {
        let mut bytes = self.manifest();
        for _ in 0..self.rng.random_range(1..3) {
            let at = self.rng.random_range(0..=bytes.len());
            match self.rng.random_range(0..7) {
                0 => bytes.truncate(at),
                1 => bytes.insert(
                    at,
                    *b"{}[]\",:\\ue0-.1\n\r\t \xff\x00\x80".choose(&mut self.rng).unwrap(),
                ),
                2 if at < bytes.len() => drop(bytes.remove(at)),
                3 if at < bytes.len() => bytes[at] = self.rng.random(),
                4 => {
                    let mut lines: Vec<&[u8]> = bytes.split_inclusive(|b| *b == b'\n').collect();
                    let line = *lines.choose(&mut self.rng).unwrap_or(&&b""[..]);
                    lines.push(line);
                    bytes = lines.concat();
                }
                _ => bytes = self.field_replaced(&bytes),
            }
        }
        bytes
    }

    /// Changes the value or the name of a field that quilt3 reads.
    fn field_replaced(&mut self, bytes: &[u8]) -> Vec<u8> {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return bytes.to_vec();
        };
        let field = *["logical_key", "physical_keys", "size", "hash", "meta"]
            .choose(&mut self.rng)
            .unwrap();
        let quoted = format!("\"{field}\":");
        let places: Vec<usize> = text.match_indices(&quoted).map(|(at, _)| at).collect();
        let Some(at) = places.choose(&mut self.rng) else {
            return bytes.to_vec();
        };
        let values = [
            "null",
            "0",
            "[]",
            "{}",
            "\"\"",
            "1",
            "1.5",
            "\"a\"",
            "[\"s3://b/k\"]",
            "[1]",
            "true",
            "[null, 2]",
        ];
        let replaced = match self.rng.random_range(0..3) {
            0 => format!("\"x{field}\":"),
            // The old value stays under another name; the new value comes before it.
            _ => format!("\"{field}\": {}, \"was\":", values.choose(&mut self.rng).unwrap()),
        };
        format!("{}{replaced}{}", &text[..*at], &text[*at + quoted.len()..]).into_bytes()
    }

    fn header(&mut self) -> String {
        let mut fields = Vec::new();
        if self.rng.random_ratio(9, 10) {
            fields.push("\"version\": \"v0\"".to_owned());
        }
        for field in ["user_meta", "workflow", "message", "top_hash", "custom", "é\u{7f}"] {
            if self.rng.random_ratio(1, 2) {
                fields.push(format!("{}: {}", self.string(field), self.value(4)));
            }
        }
        format!("{{{}}}", fields.join(", "))
    }

    fn entry(&mut self, key: &str) -> String {
        let version = [
            "",
            "?versionId=abc",
            "?versionId=v%2F%2B+1",
            "?versionId=null",
            "?versionId=",
        ];
        let physical = format!(
            "s3://bkt/{}{}",
            ["k", "a%20b/%C3%BC", "a b~%", ""].choose(&mut self.rng).unwrap(),
            version.choose(&mut self.rng).unwrap()
        );
        let hash = match self.rng.random_range(0..5) {
            0 => self.value(2).replace("null", "{}"),
            _ => format!(
                "{{\"value\": \"x{}\", \"type\": \"sha2-256-chunked\"}}",
                self.rng.random::<u16>()
            ),
        };
        let meta = match self.rng.random_range(0..4) {
            0 => "{}".to_owned(),
            1 => self.value(3),
            _ => format!("{{\"target\": \"json\", \"user_meta\": {}}}", self.value(4)),
        };
        let mut fields = [
            format!("\"logical_key\": {}", self.string(key)),
            format!("\"physical_keys\": [{}]", self.string(&physical)),
            format!("\"size\": {}", self.rng.random::<u64>() >> self.rng.random_range(0..64)),
            format!("\"hash\": {hash}"),
            format!("\"meta\": {meta}"),
            "\"unknown\": 1".to_owned(),
        ];
        fields.shuffle(&mut self.rng);
        format!(
            "{{{}}}",
            fields.join([", ", ",", " ,\t"].choose(&mut self.rng).unwrap())
        )
    }

    fn key(&mut self) -> String {
        let count = self.rng.random_range(1..4);
        let segments: Vec<&str> = (0..count).map(|_| *SEGMENTS.choose(&mut self.rng).unwrap()).collect();
        segments.join("/")
    }

    fn value(&mut self, depth: usize) -> String {
        match self.rng.random_range(0..if depth == 0 { 7 } else { 10 }) {
            0 => (*["null", "true", "false", "NaN", "-Infinity"]
                .choose(&mut self.rng)
                .unwrap())
            .to_owned(),
            1 => (*NUMBERS.choose(&mut self.rng).unwrap()).to_owned(),
            2 => (0..self.rng.random_range(1..40)).fold(String::from("-1"), |mut digits, _| {
                let _ = write!(digits, "{}", self.rng.random_range(0..10));
                digits
            }),
            3 | 4 => loop {
                let float = f64::from_bits(self.rng.random());
                if float.is_finite() {
                    break if self.rng.random() {
                        format!("{float:?}")
                    } else {
                        format!("{float:e}")
                    };
                }
            },
            // Half of a surrogate pair, which Python reads and hashes.
            5 if self.rng.random_ratio(1, 20) => r#""\ude00x\ud83d""#.to_owned(),
            5 | 6 => {
                let text = self.text();
                self.string(&text)
            }
            7 => {
                let items: Vec<String> = (0..self.rng.random_range(0..4))
                    .map(|_| self.value(depth - 1))
                    .collect();
                format!("[{}]", items.join(", "))
            }
            _ => {
                let fields: Vec<String> = (0..self.rng.random_range(0..6))
                    .map(|_| {
                        let key = self.text();
                        format!("{}: {}", self.string(&key), self.value(depth - 1))
                    })
                    .collect();
                format!("{{{}}}", fields.join(", "))
            }
        }
    }

    fn text(&mut self) -> String {
        (0..self.rng.random_range(0..4))
            .map(|_| match self.rng.random_range(0..6) {
                0 => char::from(self.rng.random_range(0..0x20)),
                1 => *['"', '\\', '/', '\u{7f}', '\u{80}', '\u{2028}', '\u{feff}', '\u{ffff}']
                    .choose(&mut self.rng)
                    .unwrap(),
                2 => char::from_u32(self.rng.random_range(0x1_0000..0x11_0000)).unwrap(),
                3 => char::from_u32(self.rng.random_range(0x80..0xd800)).unwrap(),
                _ => char::from(self.rng.random_range(b' '..0x7f)),
            })
            .collect()
    }

    /// Writes a string in one of its JSON spellings.
    fn string(&mut self, text: &str) -> String {
        let mut out = String::from("\"");
        for c in text.chars() {
            if c < ' ' || c == '"' || c == '\\' || self.rng.random_ratio(1, 8) {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            } else {
                out.push(c);
            }
        }
        out.push('"');
        out
    }
}
