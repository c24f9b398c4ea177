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
    let (digits, point) = shortest(number.abs());
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    // `float_repr` of CPython: fixed notation when the point lies behind at least -3 and at most 16 digits.
    if point <= -4 || point > 16 {
        let (first, rest) = digits.split_at(1);
        out.extend_from_slice(first.as_bytes());
        if !rest.is_empty() {
            out.push(b'.');
            out.extend_from_slice(rest.as_bytes());
        }
        let exponent = point - 1;
        out.extend_from_slice(if exponent < 0 { b"e-" } else { b"e+" });
        let exponent = exponent.unsigned_abs();
        out.extend_from_slice(format!("{exponent:02}").as_bytes());
    } else if point <= 0 {
        out.extend_from_slice(b"0.");
        zeros(-point, out);
        out.extend_from_slice(digits.as_bytes());
    } else if point >= count {
        out.extend_from_slice(digits.as_bytes());
        zeros(point - count, out);
        out.extend_from_slice(b".0");
    } else {
        let (whole, fraction) = digits.split_at(usize::try_from(point).unwrap_or_default());
        out.extend_from_slice(whole.as_bytes());
        out.push(b'.');
        out.extend_from_slice(fraction.as_bytes());
    }
}

fn zeros(count: i32, out: &mut Vec<u8>) {
    out.extend(std::iter::repeat_n(b'0', usize::try_from(count).unwrap_or_default()));
}

/// The shortest digits of a positive number, without zeros at either end, and where the point lies: 0.DIGITS times ten to
/// the power of it.
fn shortest(number: f64) -> (String, i32) {
    let mut buffer = ryu::Buffer::new();
    let printed = buffer.format_finite(number);
    let (mantissa, exponent) = printed.split_once('e').unwrap_or((printed, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let all = format!("{whole}{fraction}");
    let digits = all.trim_start_matches('0');
    let leading = i32::try_from(all.len() - digits.len()).unwrap_or_default();
    let point = i32::try_from(whole.len()).unwrap_or_default() + exponent - leading;
    (digits.trim_end_matches('0').to_owned(), point)
}
