use std::collections::HashSet;

use clap::ValueEnum as _;

use super::*;

#[test]
fn all_lists_every_variant() {
    assert_eq!(ErrorCode::ALL.as_slice(), ErrorCode::value_variants());
}

/// A row belongs to the variant whose name is the code in camel case, so no two codes are equal.
#[test]
fn codes_are_the_snake_case_names_of_the_variants() {
    for code in ErrorCode::ALL {
        assert_eq!(code.as_str(), code.to_possible_value().unwrap().get_name());
        assert!(
            code.as_str()
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
            "{code}"
        );
        assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
    }
    let distinct: HashSet<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(distinct.len(), ErrorCode::ALL.len());
}

#[test]
fn every_row_fits_into_a_markdown_table() {
    for code in ErrorCode::ALL {
        for cell in [code.when(), code.remedy()] {
            assert!(
                !cell.is_empty() && cell.trim() == cell && !cell.contains(['|', '\n']),
                "{code}: {cell}"
            );
        }
    }
}

#[test]
fn statuses_and_numbers_agree() {
    for code in ErrorCode::ALL {
        let number = match code.status() {
            StatusCode::UNAUTHORIZED => Some(UNAUTHORIZED),
            StatusCode::FORBIDDEN => Some(FORBIDDEN),
            StatusCode::TOO_MANY_REQUESTS => Some(LIMITED),
            StatusCode::SERVICE_UNAVAILABLE => Some(UNAVAILABLE),
            StatusCode::INTERNAL_SERVER_ERROR => Some(INTERNAL_ERROR),
            _ => None,
        };
        assert!(number.is_none_or(|number| number == code.rpc_code()), "{code}");
        let is_renumbered = code.rpc_code() != code.rpc_code_2026();
        assert_eq!(is_renumbered, code.rpc_code() == RESOURCE_NOT_FOUND, "{code}");
    }
}

#[test]
fn a_denial_that_is_worth_a_retry_is_an_outage() {
    assert_eq!(ErrorCode::AssumeRoleFailed.rpc_code_of(false), FORBIDDEN);
    assert_eq!(ErrorCode::AssumeRoleFailed.rpc_code_of(true), UNAVAILABLE);
    assert_eq!(ErrorCode::Throttled.rpc_code_of(true), LIMITED);
}
