//! The fast path from a JSON text to its canonical form, which allocates no values.
//!
//! It handles what JSON writers usually produce and leaves the rest (numeric escapes, keys other than plain ASCII, duplicate
//! keys, a space before a colon, several lines, invalid JSON) to the general path, [`parse`](super::parse()) followed by
//! [`Value::write_canonical`](super::Value::write_canonical).
//!
//! **Invariant.** Where the fast path handles a text, both paths write the same bytes; a property test compares them.

use super::scan::{plain_len, split_digits, split_plain_string};
use super::{Number, Value, canonical, parse};

/// Unsorted objects with more members than this are left to the general path.
const MAX_INSERTION_SORT: usize = 64;
/// Values nested deeper than this are left to the general path.
const MAX_FAST_DEPTH: usize = 32;

/// Rewrites values in canonical form. A recoder reuses its buffers, so one should be used for many rows.
#[derive(Debug, Default)]
pub(crate) struct Recoder {
    members: Vec<Member>,
    spare: Vec<u8>,
}

/// The position of an object's member in the output.
#[derive(Debug, Clone, Copy)]
struct Member {
    start: usize,
    /// The end of the key, after its quote.
    key_end: usize,
    end: usize,
}

impl Recoder {
    /// Appends the canonical form of the value at the start of `text` and returns the remaining text. `None` means that the
    /// general path is required; the bytes appended so far are then meaningless.
    pub(crate) fn value<'a>(&mut self, text: &'a [u8], out: &mut Vec<u8>) -> Option<&'a [u8]> {
        self.members.clear();
        self.value_at(text, out, 0)
    }

    fn value_at<'a>(&mut self, text: &'a [u8], out: &mut Vec<u8>, depth: usize) -> Option<&'a [u8]> {
        match text {
            [b'"', ..] => string(text, out),
            [b'-' | b'0'..=b'9', ..] => number(text, out),
            [b'{', rest @ ..] if depth < MAX_FAST_DEPTH => self.object(rest, out, depth + 1),
            [b'[', rest @ ..] if depth < MAX_FAST_DEPTH => self.array(rest, out, depth + 1),
            [b'n', ..] => literal(b"null", text, out),
            [b't', ..] => literal(b"true", text, out),
            [b'f', ..] => literal(b"false", text, out),
            _ => None,
        }
    }

    fn array<'a>(&mut self, text: &'a [u8], out: &mut Vec<u8>, depth: usize) -> Option<&'a [u8]> {
        out.push(b'[');
        let mut rest = space(text);
        if let [b']', after @ ..] = rest {
            out.push(b']');
            return Some(after);
        }
        loop {
            rest = space(self.value_at(rest, out, depth)?);
            match rest {
                [b',', after @ ..] => {
                    out.push(b',');
                    rest = space(after);
                }
                [b']', after @ ..] => {
                    out.push(b']');
                    return Some(after);
                }
                _ => return None,
            }
        }
    }

    fn object<'a>(&mut self, text: &'a [u8], out: &mut Vec<u8>, depth: usize) -> Option<&'a [u8]> {
        let begin = out.len();
        let mut rest = space(text);
        if let [b'}', after @ ..] = rest {
            out.extend_from_slice(b"{}");
            return Some(after);
        }
        let first = self.members.len();
        loop {
            // Each member is preceded by a comma, so that members can be reordered. The first comma becomes the brace.
            let start = out.len();
            let (key, after) = split_plain_string(rest)?;
            let [b':', after @ ..] = after else { return None };
            out.push(b',');
            out.extend_from_slice(rest.get(..=key.len())?);
            let key_end = start + 1 + key.len();
            rest = space(self.value_at(space(after), out, depth)?);
            self.members.push(Member {
                start,
                key_end,
                end: out.len(),
            });
            insert_sorted(self.members.get_mut(first..)?, out, &mut self.spare)?;
            match rest {
                [b',', after @ ..] => rest = space(after),
                [b'}', after @ ..] => {
                    self.members.truncate(first);
                    *out.get_mut(begin)? = b'{';
                    out.push(b'}');
                    return Some(after);
                }
                _ => return None,
            }
        }
    }
}

impl Member {
    /// Returns the key without its quotes. It is plain ASCII, whose byte order is that of its code points.
    fn key<'a>(&self, out: &'a [u8]) -> Option<&'a [u8]> {
        out.get(self.start + 2..self.key_end - 1)
    }
}

/// Moves the last member, at the end of the output, to its position among the others, which are sorted. Returns `None` if
/// its key is a duplicate, or if there are too many members for an insertion sort.
fn insert_sorted(members: &mut [Member], out: &mut [u8], spare: &mut Vec<u8>) -> Option<()> {
    let (last, others) = members.split_last()?;
    let Some(previous) = others.last() else { return Some(()) };
    let key = last.key(out);
    if previous.key(out) < key {
        return Some(());
    }
    if others.len() > MAX_INSERTION_SORT {
        return None;
    }
    let position = others
        .iter()
        .rposition(|other| other.key(out) < key)
        .map_or(0, |position| position + 1);
    let next = others.get(position)?;
    if next.key(out) == key {
        return None;
    }
    let begin = next.start;
    let length = last.end - last.start;
    let moved = Member {
        start: begin,
        key_end: begin + (last.key_end - last.start),
        end: begin + length,
    };
    // `rotate_right` on the output does the same, but moves single bytes.
    spare.clear();
    spare.extend_from_slice(out.get(last.start..last.end)?);
    out.copy_within(begin..last.start, begin + length);
    out.get_mut(begin..begin + length)?.copy_from_slice(spare);
    let tail = members.get_mut(position..)?;
    tail.rotate_right(1);
    *tail.first_mut()? = moved;
    for member in tail.iter_mut().skip(1) {
        member.start += length;
        member.key_end += length;
        member.end += length;
    }
    Some(())
}

/// Skips white space except for line ends.
fn space(text: &[u8]) -> &[u8] {
    match text {
        [b' ', rest @ ..] if matches!(rest, [b'!'..=0xff, ..]) => rest,
        [b'!'..=0xff, ..] => text,
        _ => {
            let mut rest = text;
            while let [b' ' | b'\t', after @ ..] = rest {
                rest = after;
            }
            rest
        }
    }
}

fn literal<'a>(literal: &[u8], text: &'a [u8], out: &mut Vec<u8>) -> Option<&'a [u8]> {
    let rest = text.strip_prefix(literal)?;
    out.extend_from_slice(literal);
    Some(rest)
}

fn string<'a>(text: &'a [u8], out: &mut Vec<u8>) -> Option<&'a [u8]> {
    let mut length = 1 + plain_len(text.get(1..)?);
    let mut rest = text;
    loop {
        if rest.get(length) == Some(&b'"') {
            let (last, after) = rest.split_at_checked(length + 1)?;
            out.extend_from_slice(last);
            return Some(after);
        }
        let (run, after) = rest.split_at_checked(length)?;
        out.extend_from_slice(run);
        rest = match after {
            [b'\\', b'/', after @ ..] => {
                out.push(b'/');
                after
            }
            [
                b'\\',
                letter @ (b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't'),
                after @ ..,
            ] => {
                out.extend_from_slice(&[b'\\', *letter]);
                after
            }
            [0x7f..=0xff, ..] => {
                let length = after.iter().take_while(|byte| **byte >= 0x7f).count();
                let (foreign, after) = after.split_at_checked(length)?;
                canonical::escaped(std::str::from_utf8(foreign).ok()?.as_bytes(), out);
                after
            }
            _ => return None,
        };
        length = plain_len(rest);
    }
}

fn number<'a>(text: &'a [u8], out: &mut Vec<u8>) -> Option<&'a [u8]> {
    let magnitude = text.strip_prefix(b"-").unwrap_or(text);
    let (whole, mut rest) = split_digits(magnitude);
    let mut is_canonical = match rest {
        [b'.', fraction @ ..] => {
            let digits;
            (digits, rest) = split_digits(fraction);
            is_repr(whole, digits)
        }
        // Python has no negative zero integer, and limits the digits of integers.
        _ => whole.len() <= 1000 && (whole != b"0" || magnitude.len() == text.len()),
    };
    is_canonical &= matches!(whole, [b'0'] | [b'1'..=b'9', ..]);
    if let [b'e' | b'E', exponent @ ..] = rest {
        let unsigned = exponent
            .strip_prefix(b"+")
            .or_else(|| exponent.strip_prefix(b"-"))
            .unwrap_or(exponent);
        (_, rest) = split_digits(unsigned);
        is_canonical = false;
    }
    let (literal, rest) = text.split_at_checked(text.len() - rest.len())?;
    if is_canonical {
        out.extend_from_slice(literal);
        return Some(rest);
    }
    match parse::parse(std::str::from_utf8(literal).ok()?).ok()? {
        Value::Number(number @ Number::Float(_)) => number.write(out),
        _ => return None,
    }
    Some(rest)
}

/// Returns whether a decimal with these digits is certainly the `repr` of its double. May return `false` for one that is.
///
/// A double preserves 15 decimal digits: no two such decimals are the same double, so the shortest decimal that reads back
/// as the double is the literal itself.
fn is_repr(whole: &[u8], fraction: &[u8]) -> bool {
    let is_short = whole.len() + fraction.len() <= 15;
    let has_no_trailing_zero = matches!(fraction, [_] | [.., b'1'..=b'9']);
    // Smaller numbers are written with an exponent.
    let is_large = whole != b"0" || fraction == b"0" || fraction.iter().take(4).any(|digit| *digit != b'0');
    is_short && has_no_trailing_zero && is_large
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fast(text: &str) -> Option<String> {
        let mut out = Vec::new();
        let rest = Recoder::default().value(text.as_bytes(), &mut out)?;
        rest.is_empty().then(|| String::from_utf8(out).unwrap())
    }

    fn general(text: &str) -> Option<String> {
        Some(parse(text).ok()?.canonical())
    }

    /// A fast path that handles nothing would pass the other tests.
    #[test]
    fn usual_text_takes_the_fast_path() {
        for text in [
            r#"{"type": "sha2-256-chunked", "value": "G+PM="}"#,
            r#"{"user_meta": {"station": "näh", "weight": 3.5, "n": 12, "b": [true, null, -1.25e-7]}}"#,
            r#"{"b":{"b":1,"a":{"z":[],"y":{}}},"a":"\"\\\/\b\f\n\r\t","a b":2,"a!":3}"#,
            "[0.0,-0.0,0.0001,1e16,100.50]",
            "\"\u{7f}\u{80}\u{ffff}\u{10000}\"",
        ] {
            assert_eq!(fast(text).as_ref(), general(text).as_ref(), "{text}");
            assert!(fast(text).is_some(), "{text}");
        }
    }

    #[test]
    fn unusual_text_takes_the_general_path() {
        for text in [
            "[\n]",
            r#"{"a" :1}"#,
            r#""\u00e9""#,
            r#"{"é":1}"#,
            r#"{"a":1,"b":2,"a":3}"#,
            "-0",
            "NaN",
            "01",
            "1.",
            "nul",
            "{",
            "\"\t\"",
        ] {
            assert_eq!(fast(text), None, "{text}");
        }
    }

    fn json() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            "(null|true|false|-?(0|[1-9][0-9]{0,18})|-?(0|[1-9][0-9]{0,17})[.][0-9]{1,18}([eE][+-]?[0-9]{1,3})?)",
            any::<f64>().prop_map(|float| format!("{float:?}")),
            "\"([ !#-~é\u{7f}😀]|\\\\[\"\\\\/bfnrt]|\\\\u00[0-9a-f]{2}){0,12}\"",
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(|items| format!("[{}]", items.join(", "))),
                proptest::collection::vec(("[ !a-c\"]{0,3}", inner), 0..6).prop_map(|members| {
                    let members = members
                        .iter()
                        .map(|(key, value)| format!("\"{}\" : {value}", key.replace('"', "é")));
                    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
                }),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn both_paths_write_the_same_bytes(text in json()) {
            if let Some(fast) = fast(&text) {
                prop_assert_eq!(Some(fast), general(&text));
            }
        }

        #[test]
        fn nothing_is_taken_that_python_refuses(text in "[\\[\\]{}\",:\\\\u0-9a-fdtn .eE+\\-é]{0,40}") {
            if let Some(fast) = fast(&text) {
                prop_assert_eq!(Some(fast), general(text.as_str()));
            }
        }
    }
}
