//! Causes of connections that could not be made, in words for a message.

use std::error::Error;
use std::io;

/// Returns why there is no connection, if the error or one of its causes says so: the certificate, the name, the proxy, or
/// the network.
#[must_use]
pub fn connection_problem(error: &(dyn Error + 'static)) -> Option<&'static str> {
    let chain = || std::iter::successors(Some(error), |error| (*error).source());
    chain().find_map(by_text).or_else(|| chain().find_map(by_kind))
}

fn by_text(error: &(dyn Error + 'static)) -> Option<&'static str> {
    let text = error.to_string().to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if has(&["unknownissuer", "unknown issuer", "self-signed", "self signed"]) {
        Some("its certificate is of an authority that is not trusted; AWS_CA_BUNDLE names a private one")
    } else if has(&["certificate"]) {
        Some("its certificate is not valid")
    } else if has(&["dns error", "failed to lookup address", "name or service not known"]) {
        Some("its name could not be resolved")
    } else if has(&["tunnel", "proxy"]) {
        Some("the proxy did not open a connection to it")
    } else {
        None
    }
}

fn by_kind(error: &(dyn Error + 'static)) -> Option<&'static str> {
    let error = error.downcast_ref::<io::Error>()?;
    Some(match error.kind() {
        io::ErrorKind::ConnectionRefused => "the connection was refused",
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
            "the connection was closed by the other side"
        }
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => "there is no route to it",
        io::ErrorKind::TimedOut => "the connection timed out",
        // The source of an error that wraps another is that one's source.
        _ => return by_kind(error.get_ref()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_cause_is_named() {
        let refused = io::Error::other(io::Error::from(io::ErrorKind::ConnectionRefused));
        assert_eq!(connection_problem(&refused), Some("the connection was refused"));
        for (text, expected) in [
            ("invalid peer certificate: UnknownIssuer", "AWS_CA_BUNDLE"),
            ("invalid peer certificate: Expired", "not valid"),
            ("dns error: failed to lookup address information", "resolved"),
            ("tunnel error: unsuccessful", "proxy"),
        ] {
            let problem = connection_problem(&io::Error::other(io::Error::other(text))).unwrap();
            assert!(problem.contains(expected), "{text}: {problem}");
        }
        assert_eq!(connection_problem(&io::Error::other("something else")), None);
    }
}
