use proptest::prelude::*;

use super::*;

fn canonical(text: &str) -> String {
    parse(text).unwrap().canonical()
}

#[test]
fn floats_are_printed_as_python_prints_them() {
    for (text, printed) in [
        ("1E2", "100.0"),
        ("1.50", "1.5"),
        ("100e-2", "1.0"),
        ("-0.0", "-0.0"),
        ("-0", "0"),
        ("1e400", "Infinity"),
        ("-1e400", "-Infinity"),
        ("NaN", "NaN"),
        ("-Infinity", "-Infinity"),
        ("1e16", "1e+16"),
        ("9999999999999998.0", "9999999999999998.0"),
        ("1e15", "1000000000000000.0"),
        ("0.0001", "0.0001"),
        ("0.00001", "1e-05"),
        ("1.5e-7", "1.5e-07"),
        ("123456.789", "123456.789"),
        ("1.2345678901234568e+17", "1.2345678901234568e+17"),
        ("5e-324", "5e-324"),
        ("1.7976931348623157e308", "1.7976931348623157e+308"),
        // Two shortest candidates lie equally near: Python takes the even one, Rust's formatter the greater.
        ("1113178120592002.25", "1113178120592002.2"),
    ] {
        assert_eq!(canonical(text), printed, "{text}");
    }
}

#[test]
fn integers_of_any_size_are_exact() {
    for text in ["0", "-1", "18446744073709551616", "-1000000000000000000000000000000"] {
        assert_eq!(canonical(text), text);
    }
    assert!(parse(&"1".repeat(4300)).is_ok());
    assert!(parse(&"1".repeat(4301)).is_err(), "Python refuses it");
}

#[test]
fn strings_are_escaped_as_python_escapes_them() {
    assert_eq!(
        canonical(r#""\"\\\/\b\f\n\r\tA\u007f\u001f""#),
        r#""\"\\/\b\f\n\r\tA\u007f\u001f""#
    );
    assert_eq!(canonical("\"é\u{ffff}😀\""), r#""\u00e9\uffff\ud83d\ude00""#);
    let mut out = Vec::new();
    parse(r#"{"b": [1, 2.0, {}], "a\u007f": "é\n\u0001"}"#)
        .unwrap()
        .write_manifest(&mut out)
        .unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "{\"b\": [1, 2.0, {}], \"a\u{7f}\": \"é\\n\\u0001\"}"
    );
}

#[test]
fn lone_surrogates_are_hashed_but_not_written() {
    let text = r#"["\ud800","\ude00\ud83d","\ud83d\ude00","\ud800x","\ud800\u0041","\ud800\ud83d\ude00"]"#;
    let value = parse(text).unwrap();
    assert_eq!(
        value.canonical(),
        r#"["\ud800","\ude00\ud83d","\ud83d\ude00","\ud800x","\ud800A","\ud800\ud83d\ude00"]"#
    );
    assert_eq!(value.write_manifest(&mut Vec::new()), Err(NotWritable::LoneSurrogate));
    assert_eq!(
        parse("1e999").unwrap().write_manifest(&mut Vec::new()),
        Err(NotWritable::NotFinite)
    );
}

#[test]
fn keys_sort_by_code_point_and_the_last_duplicate_wins_in_the_first_place() {
    assert_eq!(
        canonical("{\"\u{10000}\":1,\"\u{ffff}\":2,\"b\":3,\"B\":4,\"b\":5}"),
        r#"{"B":4,"b":5,"\uffff":2,"\ud800\udc00":1}"#
    );
    let mut out = Vec::new();
    parse(r#"{"b":1,"a":2,"b":3}"#)
        .unwrap()
        .write_manifest(&mut out)
        .unwrap();
    assert_eq!(out, br#"{"b": 3, "a": 2}"#);
    let keys: Vec<String> = (0..100).map(|n| format!("\"k{:02}\":{n}", n % 50)).collect();
    let many = parse(&format!("{{{},\"z\":0}}", keys.join(","))).unwrap();
    assert_eq!(many.as_object().unwrap().len(), 51);
    assert_eq!(many.as_object().unwrap().get("k07").unwrap().as_u64(), Some(57));
}

#[test]
fn what_python_refuses_is_refused() {
    for bad in [
        "",
        " ",
        "01",
        "-",
        "1.",
        ".5",
        "+1",
        "1e",
        "1e+",
        "[1,]",
        "[,1]",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\" 1}",
        "nul",
        "True",
        "1 2",
        "\"\t\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"abc",
        "\u{feff}1",
        "[",
        "{",
        "'a'",
        "-Inf",
        "[1 2]",
        "\u{a0}1",
        "\"\\ud800\\u12\"",
    ] {
        assert!(parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let deepest = parse(&nested(parse::MAX_DEPTH)).unwrap();
    assert_eq!(deepest.canonical(), nested(parse::MAX_DEPTH));
    assert!(parse(&nested(parse::MAX_DEPTH + 1)).is_err());
    assert!(parse(&"[{\"a\":".repeat(1_000_000)).is_err());
}

#[test]
fn equality_is_python_s() {
    for (a, b, same) in [
        ("1", "1.0", true),
        ("1", "true", true),
        ("0", "-0.0", true),
        ("9007199254740993", "9007199254740992.0", false),
        ("1e22", "10000000000000000000000", true),
        ("1e400", "1e400", true),
        ("NaN", "NaN", false),
        (r#"{"a":1,"b":[]}"#, r#"{"b":[],"a":1.0}"#, true),
        ("null", "false", false),
        ("\"1\"", "1", false),
    ] {
        assert_eq!(parse(a).unwrap() == parse(b).unwrap(), same, "{a} {b}");
    }
}

proptest! {
    #[test]
    fn what_is_printed_reads_back(bits in any::<u64>(), text in any::<String>()) {
        let float = f64::from_bits(bits);
        prop_assume!(float.is_finite());
        let value = Value::Array(vec![Value::Number(Number::Float(float)), Value::from(text)]);
        let again = parse(&value.canonical()).unwrap();
        prop_assert_eq!(again.canonical(), value.canonical());
        prop_assert!(again == value);
        let mut manifest = Vec::new();
        value.write_manifest(&mut manifest).unwrap();
        prop_assert!(parse(std::str::from_utf8(&manifest).unwrap()).unwrap() == value);
    }

    #[test]
    fn no_text_makes_it_panic(text in "[\\[\\]{}\",:\\\\u0-9a-fA-Fdtn .eE+-]{0,60}") {
        if let Ok(value) = parse(&text) {
            let _ = value.canonical();
            let _ = serde_json::Value::from(&value);
        }
    }
}
