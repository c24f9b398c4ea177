//! Scans for the end of plain runs, eight bytes at a time.

const ONES: u64 = u64::MAX / 255;
const HIGHS: u64 = ONES << 7;

/// Returns the length of the leading run of bytes that need no escape in any format: printable ASCII except for `"` and `\`.
pub(crate) fn plain_len(text: &[u8]) -> usize {
    run(text, |eight| is(eight, b'"') | is(eight, b'\\') | unprintable(eight))
}

/// Returns the length of the leading run of plain bytes without a special meaning in a URI: also stops at `#$%&?[]`.
pub(crate) fn plain_uri_len(text: &[u8]) -> usize {
    run(text, |eight| {
        between(eight, b'"', b'&') | between(eight, b'[', b']') | is(eight, b'?') | unprintable(eight)
    })
}

/// Splits off a string in quotes that needs no escapes; returns `None` if the text starts with anything else.
pub(crate) fn split_plain_string(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let [b'"', inside @ ..] = text else { return None };
    let length = plain_len(inside);
    if inside.get(length) == Some(&b'"') {
        text.split_at_checked(length + 2)
    } else {
        None
    }
}

/// Returns the number of bytes before the first one for which `special` sets the highest bit. The bits of later bytes are
/// unspecified.
#[inline]
fn run(text: &[u8], special: impl Fn(u64) -> u64) -> usize {
    let mut rest = text;
    while let Some((eight, after)) = rest.split_first_chunk::<8>() {
        let found = special(u64::from_le_bytes(*eight)) & HIGHS;
        if found != 0 {
            return text.len() - rest.len() + (found.trailing_zeros() / 8) as usize;
        }
        rest = after;
    }
    let mut last = [0; 8];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    // The zeros after the end are special.
    let found = special(u64::from_le_bytes(last)) & HIGHS;
    text.len() - rest.len() + (found.trailing_zeros() / 8) as usize
}

fn is(eight: u64, byte: u8) -> u64 {
    let difference = eight ^ (ONES * u64::from(byte));
    difference.wrapping_sub(ONES) & !difference
}

/// Finds ASCII bytes in a range; the result is unspecified for other bytes.
fn between(eight: u64, low: u8, high: u8) -> u64 {
    let seven_bits = eight & !HIGHS;
    let from_low = seven_bits + ONES * u64::from(0x80 - low);
    let above_high = seven_bits + ONES * u64::from(0x7f - high);
    from_low & !above_high
}

fn unprintable(eight: u64) -> u64 {
    let below_space = eight.wrapping_sub(ONES * 0x20) & !eight;
    // The addition turns 0x7f into 0x80, and no carry crosses a byte.
    let above_tilde = eight | ((eight & !HIGHS) + ONES);
    below_space | above_tilde
}

/// Splits off the leading digits.
pub(crate) fn split_digits(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(text.iter().take_while(|byte| byte.is_ascii_digit()).count())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    type Scan = fn(&[u8]) -> usize;
    const SCANS: [(Scan, &[u8]); 2] = [(super::plain_len, b"\"\\"), (super::plain_uri_len, b"\"#$%&?[\\]")];

    fn is_plain(byte: u8, special: &[u8]) -> bool {
        (0x20..0x7f).contains(&byte) && !special.contains(&byte)
    }

    proptest! {
        #[test]
        fn eight_at_a_time_is_one_by_one(bytes in proptest::collection::vec(prop_oneof![0x20u8..0x7f, any::<u8>()], 0..40)) {
            for (scan, special) in SCANS {
                prop_assert_eq!(scan(&bytes), bytes.iter().take_while(|byte| is_plain(**byte, special)).count());
            }
        }
    }

    #[test]
    fn every_byte_at_every_place_is_judged_alone() {
        for (scan, special) in SCANS {
            for byte in 0..=u8::MAX {
                for place in 0..16 {
                    for around in *b"a ~!'Z^@>" {
                        let mut bytes = [around; 16];
                        bytes[place] = byte;
                        assert_eq!(
                            scan(&bytes),
                            if is_plain(byte, special) { 16 } else { place },
                            "{byte} {place} {around}"
                        );
                    }
                }
            }
        }
    }
}
