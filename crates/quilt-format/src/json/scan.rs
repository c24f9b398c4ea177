//! How far plain bytes go, eight at a time.

const ONES: u64 = u64::MAX / 255;
const HIGHS: u64 = ONES << 7;

/// How many bytes at the front stand as they are in every spelling of a string: printable ASCII but for `"` and `\`.
pub(crate) fn plain(text: &[u8]) -> usize {
    run(text, |eight| is(eight, b'"') | is(eight, b'\\') | unprintable(eight))
}

/// How many bytes at the front are plain and mean nothing in a URI. Stops at `"#$%&?[\]`, too.
pub(crate) fn plain_uri(text: &[u8]) -> usize {
    run(text, |eight| {
        between(eight, b'"', b'&') | between(eight, b'[', b']') | is(eight, b'?') | unprintable(eight)
    })
}

/// How many bytes are in front of the first for which the highest bit of its place in `special` is set. That says nothing
/// of the bytes behind that one.
#[inline]
fn run(text: &[u8], special: impl Fn(u64) -> u64) -> usize {
    let mut rest = text;
    while let Some((eight, behind)) = rest.split_first_chunk::<8>() {
        let found = special(u64::from_le_bytes(*eight)) & HIGHS;
        if found != 0 {
            return text.len() - rest.len() + (found.trailing_zeros() / 8) as usize;
        }
        rest = behind;
    }
    let mut last = [0; 8];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    // The zeros behind the end are special.
    let found = special(u64::from_le_bytes(last)) & HIGHS;
    text.len() - rest.len() + (found.trailing_zeros() / 8) as usize
}

fn is(eight: u64, byte: u8) -> u64 {
    let difference = eight ^ (ONES * u64::from(byte));
    difference.wrapping_sub(ONES) & !difference
}

/// Of bytes that are ASCII.
fn between(eight: u64, low: u8, high: u8) -> u64 {
    let seven_bits = eight & !HIGHS;
    let from_low = seven_bits + ONES * u64::from(0x80 - low);
    let above_high = seven_bits + ONES * u64::from(0x7f - high);
    from_low & !above_high
}

fn unprintable(eight: u64) -> u64 {
    let below_space = eight.wrapping_sub(ONES * 0x20) & !eight;
    // 0x7f becomes 0x80 by the addition, and no carry leaves a byte.
    let above_tilde = eight | ((eight & !HIGHS) + ONES);
    below_space | above_tilde
}

/// The digits at the front, and the rest.
pub(crate) fn split_digits(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(text.iter().take_while(|byte| byte.is_ascii_digit()).count())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    type Scan = fn(&[u8]) -> usize;
    const SCANS: [(Scan, &[u8]); 2] = [(super::plain, b"\"\\"), (super::plain_uri, b"\"#$%&?[\\]")];

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
