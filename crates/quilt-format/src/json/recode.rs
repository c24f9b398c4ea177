//! The fast path from a text to its canonical spelling, which allocates no values.
//!
//! It takes what writers of JSON usually write, and leaves the rest (numeric escapes, keys that are not plain ASCII,
//! duplicate keys, a space before a colon, several lines, invalid JSON) to the general path, which is
//! [`parse`](super::parse()) and [`Value::write_canonical`](super::Value::write_canonical). Invariant: where the fast path
//! takes a text, both paths write the same bytes; a property test compares them.

use super::scan::{plain, split_digits};
use super::{Number, Value, canonical, parse};

/// An object with this many members is left to the general path if they are not in order.
const MANY: usize = 64;
/// Values nested deeper are left to the general path.
const DEEP: usize = 32;

/// Recodes values. Keeps its memory, so that one of them does for many rows.
#[derive(Debug, Default)]
pub(crate) struct Recoder {
    members: Vec<Member>,
    spare: Vec<u8>,
}

/// Where a member of an object stands in the output.
#[derive(Debug, Clone, Copy)]
struct Member {
    start: usize,
    /// The end of the key, behind its quote.
    key_end: usize,
    end: usize,
}

impl Recoder {
    /// Appends the canonical spelling of the value that `text` begins with, and tells what is behind it. `None` asks
    /// for the general path; what was appended then has no meaning.
    pub(crate) fn value<'a>(&mut self, text: &'a [u8], out: &mut Vec<u8>) -> Option<&'a [u8]> {
        self.members.clear();
        self.at(text, out, 0)
    }

    fn at<'a>(&mut self, text: &'a [u8], out: &mut Vec<u8>, depth: usize) -> Option<&'a [u8]> {
        match text {
            [b'"', ..] => string(text, out),
            [b'-' | b'0'..=b'9', ..] => number(text, out),
            [b'{', rest @ ..] if depth < DEEP => self.object(rest, out, depth + 1),
            [b'[', rest @ ..] if depth < DEEP => self.array(rest, out, depth + 1),
            [b'n', ..] => word(b"null", text, out),
            [b't', ..] => word(b"true", text, out),
            [b'f', ..] => word(b"false", text, out),
            _ => None,
        }
    }

    fn array<'a>(&mut self, text: &'a [u8], out: &mut Vec<u8>, depth: usize) -> Option<&'a [u8]> {
        out.push(b'[');
        let mut rest = space(text);
        if let [b']', behind @ ..] = rest {
            out.push(b']');
            return Some(behind);
        }
        loop {
            rest = space(self.at(rest, out, depth)?);
            match rest {
                [b',', behind @ ..] => {
                    out.push(b',');
                    rest = space(behind);
                }
                [b']', behind @ ..] => {
                    out.push(b']');
                    return Some(behind);
                }
                _ => return None,
            }
        }
    }

    fn object<'a>(&mut self, text: &'a [u8], out: &mut Vec<u8>, depth: usize) -> Option<&'a [u8]> {
        let begin = out.len();
        let mut rest = space(text);
        if let [b'}', behind @ ..] = rest {
            out.extend_from_slice(b"{}");
            return Some(behind);
        }
        let first = self.members.len();
        loop {
            // Each has a comma in front, so that they can change places. The first comma becomes the bracket.
            let start = out.len();
            let (key, behind) = quoted(rest)?;
            let [b':', behind @ ..] = behind else { return None };
            out.push(b',');
            out.extend_from_slice(rest.get(..=key.len())?);
            let key_end = start + 1 + key.len();
            rest = space(self.at(space(behind), out, depth)?);
            self.members.push(Member {
                start,
                key_end,
                end: out.len(),
            });
            settle(self.members.get_mut(first..)?, out, &mut self.spare)?;
            match rest {
                [b',', behind @ ..] => rest = space(behind),
                [b'}', behind @ ..] => {
                    self.members.truncate(first);
                    *out.get_mut(begin)? = b'{';
                    out.push(b'}');
                    return Some(behind);
                }
                _ => return None,
            }
        }
    }
}

impl Member {
    /// The key without its quotes. It is plain ASCII, whose order is that of its code points.
    fn key<'a>(&self, out: &'a [u8]) -> Option<&'a [u8]> {
        out.get(self.start + 2..self.key_end - 1)
    }
}

/// Puts the last member, with which the output ends, in its place among the others, which are in order. `None` if its key
/// is there already, or if the members are too many to be sorted by insertion.
fn settle(members: &mut [Member], out: &mut [u8], spare: &mut Vec<u8>) -> Option<()> {
    let (last, others) = members.split_last()?;
    let Some(before) = others.last() else { return Some(()) };
    let key = last.key(out);
    if before.key(out) < key {
        return Some(());
    }
    if others.len() > MANY {
        return None;
    }
    let place = others
        .iter()
        .rposition(|other| other.key(out) < key)
        .map_or(0, |place| place + 1);
    let next = others.get(place)?;
    if next.key(out) == key {
        return None;
    }
    let (begin, length) = (next.start, last.end - last.start);
    let moved = Member {
        start: begin,
        key_end: begin + (last.key_end - last.start),
        end: begin + length,
    };
    // `rotate_right` would do the same, byte by byte.
    spare.clear();
    spare.extend_from_slice(out.get(last.start..last.end)?);
    out.copy_within(begin..last.start, begin + length);
    out.get_mut(begin..begin + length)?.copy_from_slice(spare);
    let tail = members.get_mut(place..)?;
    tail.rotate_right(1);
    *tail.first_mut()? = moved;
    for member in tail.iter_mut().skip(1) {
        member.start += length;
        member.key_end += length;
        member.end += length;
    }
    Some(())
}

/// White space, but for the ends of lines.
fn space(text: &[u8]) -> &[u8] {
    match text {
        [b' ', rest @ ..] if matches!(rest, [b'!'..=0xff, ..]) => rest,
        [b'!'..=0xff, ..] => text,
        _ => {
            let mut rest = text;
            while let [b' ' | b'\t', behind @ ..] = rest {
                rest = behind;
            }
            rest
        }
    }
}

fn word<'a>(word: &[u8], text: &'a [u8], out: &mut Vec<u8>) -> Option<&'a [u8]> {
    let rest = text.strip_prefix(word)?;
    out.extend_from_slice(word);
    Some(rest)
}

/// A string with its quotes that is plain from one to the other, and what is behind it.
pub(crate) fn quoted(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let [b'"', inside @ ..] = text else { return None };
    let length = plain(inside);
    if inside.get(length) == Some(&b'"') {
        text.split_at_checked(length + 2)
    } else {
        None
    }
}

fn string<'a>(text: &'a [u8], out: &mut Vec<u8>) -> Option<&'a [u8]> {
    let mut length = 1 + plain(text.get(1..)?);
    let mut rest = text;
    loop {
        if rest.get(length) == Some(&b'"') {
            let (last, behind) = rest.split_at_checked(length + 1)?;
            out.extend_from_slice(last);
            return Some(behind);
        }
        let (run, behind) = rest.split_at_checked(length)?;
        out.extend_from_slice(run);
        rest = match behind {
            [b'\\', b'/', behind @ ..] => {
                out.push(b'/');
                behind
            }
            [
                b'\\',
                letter @ (b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't'),
                behind @ ..,
            ] => {
                out.extend_from_slice(&[b'\\', *letter]);
                behind
            }
            [0x7f..=0xff, ..] => {
                let length = behind.iter().take_while(|byte| **byte >= 0x7f).count();
                let (foreign, behind) = behind.split_at_checked(length)?;
                canonical::escaped(std::str::from_utf8(foreign).ok()?.as_bytes(), out);
                behind
            }
            _ => return None,
        };
        length = plain(rest);
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
        // Python has no negative zero among its integers, and bounds those that it reads.
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

/// Whether whole digits and those behind the point are what Python prints for their double. Says `false` too often, never
/// `true`.
///
/// A double keeps 15 decimal digits: no two such decimals are the same double, so the shortest that reads back as it is
/// the literal itself.
fn is_repr(whole: &[u8], fraction: &[u8]) -> bool {
    let is_short = whole.len() + fraction.len() <= 15;
    let has_no_zero_behind = matches!(fraction, [_] | [.., b'1'..=b'9']);
    // Smaller ones are written with an exponent.
    let is_large = whole != b"0" || fraction == b"0" || fraction.iter().take(4).any(|digit| *digit != b'0');
    is_short && has_no_zero_behind && is_large
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

    /// A fast path that takes nothing would pass the other tests.
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
