//! Secrets that earlier servers and their documents published: anyone can sign tokens with them.

use quilt_mcp::config::ServeConfig;

const PUBLISHED: [&str; 3] = [
    // The Python server's `make.dev` and tests, 2026-01-28.
    "test-secret-key-for-stateless-testing-only",
    // The catalog's guide to the configuration of its MCP client, 2025-09-24.
    "your-super-secret-jwt-signing-key-here-must-be-at-least-32-characters",
    // The example of the debugger at jwt.io.
    "a-string-secret-at-least-256-bits-long",
];

fn problem(flags: &[String]) -> Option<String> {
    let config = ServeConfig::from_flags(flags.iter().map(String::as_str)).unwrap();
    config.check().err().map(|error| error.to_string())
}

#[test]
fn a_published_secret_is_refused_at_the_start_and_its_variable_is_named() {
    let own = format!("--jwt-secret={}", crate::support::SECRET);
    for secret in PUBLISHED {
        for text in [secret.to_owned(), format!(" {secret}\n")] {
            for (flags, variable) in [
                (vec![format!("--jwt-secret={text}")], "MCP_JWT_SECRET: "),
                (
                    vec![own.clone(), format!("--jwt-secret-previous={text}")],
                    "MCP_JWT_SECRET_PREVIOUS: ",
                ),
                (
                    vec![format!("--enhanced-jwt-secret={text}")],
                    "MCP_ENHANCED_JWT_SECRET: ",
                ),
            ] {
                let problem = problem(&flags).unwrap_or_else(|| panic!("{variable} accepted"));
                assert!(
                    problem.starts_with(variable) && problem.contains("was published"),
                    "{problem}"
                );
                assert!(!problem.contains(secret), "{problem}");
            }
        }
        assert_eq!(
            problem(&[format!("--jwt-secret={secret}x")]),
            None,
            "only the published one"
        );
    }
    assert_eq!(problem(&[own]), None);
}
