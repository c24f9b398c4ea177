//! Numbers: integers of any size exactly, everything else as a double, printed as Python's `repr` prints it.
//!
//! The digits of a double come from `ryu`, whose shortest digits are those of CPython's `float_repr_style = 'short'`.
//! Rust's own formatter breaks ties between two shortest candidates the other way, which changes hashes.

/// A JSON number.
#[derive(Debug, Clone)]
pub enum Number {
    /// A literal without fraction and exponent: its digits, `-0` as `0`.
    Integer(Box<str>),
    /// Any other literal. It may be infinite (`1e400`) or not a number (Python reads `NaN`).
    Float(f64),
}

impl Number {
    pub(super) fn is_zero(&self) -> bool {
        match self {
            Self::Integer(digits) => **digits == *"0",
            Self::Float(number) => *number == 0.0,
        }
    }

    /// Appends Python's `repr`.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Integer(digits) => out.extend_from_slice(digits.as_bytes()),
            Self::Float(number) => float(*number, out),
        }
    }
}

fn float(number: f64, out: &mut Vec<u8>) {
    if number.is_nan() {
        return out.extend_from_slice(b"NaN");
    }
    if number.is_sign_negative() {
        out.push(b'-');
    }
    if number.is_infinite() {
        return out.extend_from_slice(b"Infinity");
    }
    if number == 0.0 {
        return out.extend_from_slice(b"0.0");
    }
    let mut buffer = ryu::Buffer::new();
    let (digits, count, point) = shortest(buffer.format_finite(number.abs()));
    // `float_repr` of CPython: fixed notation when the point lies behind at least -3 and at most 16 digits.
    if point <= -4 || point > 16 {
        put(digits, 1, count, out);
        let exponent = point - 1;
        out.extend_from_slice(if exponent < 0 { b"e-" } else { b"e+" });
        let exponent = exponent.unsigned_abs();
        if exponent < 10 {
            out.push(b'0');
        }
        super::write_integer(exponent.into(), out);
    } else if point <= 0 {
        out.extend_from_slice(b"0.");
        zeros(-point, out);
        out.extend(digits);
    } else {
        let point = usize::try_from(point).unwrap_or_default();
        put(
            digits.chain(std::iter::repeat_n(b'0', point.saturating_sub(count))),
            point,
            count.max(point),
            out,
        );
        if count <= point {
            out.extend_from_slice(b".0");
        }
    }
}

/// Writes `count` digits, with a point behind the first `whole` of them if there are more.
fn put(mut digits: impl Iterator<Item = u8>, whole: usize, count: usize, out: &mut Vec<u8>) {
    out.extend(digits.by_ref().take(whole));
    if count > whole {
        out.push(b'.');
        out.extend(digits);
    }
}

fn zeros(count: i32, out: &mut Vec<u8>) {
    out.extend(std::iter::repeat_n(b'0', usize::try_from(count).unwrap_or_default()));
}

/// The digits of what `ryu` printed, without zeros at either end, how many there are, and where the point lies: the number
/// is 0.DIGITS times ten to the power of it.
fn shortest(printed: &str) -> (impl Iterator<Item = u8> + '_, usize, i32) {
    let (mantissa, exponent) = printed.split_once('e').unwrap_or((printed, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = || whole.bytes().chain(fraction.bytes());
    let leading = all().take_while(|digit| *digit == b'0').count();
    let trailing = all().rev().take_while(|digit| *digit == b'0').count();
    let count = whole.len() + fraction.len() - leading - trailing;
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let signed = |length: usize| i32::try_from(length).unwrap_or_default();
    (
        all().skip(leading).take(count),
        count,
        signed(whole.len()) + exponent - signed(leading),
    )
}
