//! Panics as log lines: with the fields of the current request, without a backtrace and without directories of the machine
//! that compiled the code.

use std::any::Any;
use std::cell::Cell;
use std::panic::PanicHookInfo;

use super::log_queue;
use super::text;

thread_local! {
    static IS_REPORTING: Cell<bool> = const { Cell::new(false) };
}

/// Replaces the process's panic hook, which writes plain text to standard error.
pub(super) fn install_hook() {
    std::panic::set_hook(Box::new(report));
}

fn report(info: &PanicHookInfo<'_>) {
    let message = text::without_controls(message(info.payload()), text::MAX_ERROR_BYTES);
    if IS_REPORTING.replace(true) {
        // The log itself panicked.
        log_queue::write_last(&message);
        return;
    }
    let location = info
        .location()
        .map(|location| format!("{}:{}", source_file(location.file()), location.line()));
    tracing::error!(target: "quilt_mcp::panic", location, panic = message, "the program panicked");
    IS_REPORTING.set(false);
}

fn message(payload: &dyn Any) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

/// Returns the path of a source file inside its package or, for other absolute paths, its name.
fn source_file(path: &str) -> &str {
    let after = |mark: &str| path.split_once(mark).map(|(_, rest)| rest);
    if let Some(rest) = after("/registry/src/") {
        return rest.split_once('/').map_or(rest, |(_, file)| file);
    }
    if path.starts_with("/rustc/") {
        return after("/library/").unwrap_or(path);
    }
    if path.starts_with('/') {
        return path.rsplit('/').next().unwrap_or(path);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_has_no_directory_of_the_machine() {
        for (path, shown) in [
            ("src/mcp/call.rs", "src/mcp/call.rs"),
            (
                "/home/ci/.cargo/registry/src/index.crates.io-1949/tower-0.5.2/src/lib.rs",
                "tower-0.5.2/src/lib.rs",
            ),
            ("/rustc/0123abcd/library/core/src/option.rs", "core/src/option.rs"),
            ("/home/ci/checkout/src/lib.rs", "lib.rs"),
        ] {
            assert_eq!(source_file(path), shown);
        }
    }

    #[test]
    fn a_panic_has_the_message_of_its_payload() {
        assert_eq!(message(&"a literal"), "a literal");
        assert_eq!(message(&"formatted".to_owned()), "formatted");
        assert_eq!(message(&7), "no message");
    }
}
