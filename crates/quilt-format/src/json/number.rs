//! Numbers: exact integers of any size, and doubles in the format of Python's `repr`.
//!
//! The digits of a double come from `ryu`, whose shortest digits are those of CPython's `float_repr_style = 'short'`.
//! Rust's own formatter breaks ties between two shortest candidates differently, which would change hashes.

/// A JSON number.
#[derive(Debug, Clone)]
pub enum Number {
    /// A literal without fraction and exponent, as its digits; `-0` is `0`.
    Integer(Box<str>),
    /// Any other literal. It may be infinite (`1e400`) or NaN, which Python accepts.
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
    let Decimal { digits, count, point } = decimal(buffer.format_finite(number.abs()));
    // `float_repr` of CPython: fixed notation when the point is at a position from -3 to 16.
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

/// Writes `count` digits, with a point after the first `whole` of them if there are more.
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

/// The shortest decimal form of a double: 0.DIGITS times ten to the power of `point`.
struct Decimal<D> {
    /// The digits, without zeros at either end.
    digits: D,
    count: usize,
    point: i32,
}

/// Parses the output of `ryu`.
fn decimal(printed: &str) -> Decimal<impl Iterator<Item = u8> + '_> {
    let (mantissa, exponent) = printed.split_once('e').unwrap_or((printed, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = || whole.bytes().chain(fraction.bytes());
    let leading = all().take_while(|digit| *digit == b'0').count();
    let trailing = all().rev().take_while(|digit| *digit == b'0').count();
    let count = whole.len() + fraction.len() - leading - trailing;
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let signed = |length: usize| i32::try_from(length).unwrap_or_default();
    Decimal {
        digits: all().skip(leading).take(count),
        count,
        point: signed(whole.len()) + exponent - signed(leading),
    }
}
