//! Variables of a forward proxy, which the HTTP clients read by themselves.

/// The variables that name a proxy.
const VARIABLES: [&str; 6] = [
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
];

/// Returns the variables that name a proxy in this process's environment.
#[must_use]
pub fn proxy_variables() -> Vec<&'static str> {
    #[expect(clippy::disallowed_methods, reason = "presence only, and this is the config module")]
    let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    VARIABLES.into_iter().filter(is_set).collect()
}
