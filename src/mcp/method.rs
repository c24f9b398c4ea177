//! The table of methods: their names, the versions that have them, and what requests of them must carry.

use super::Version;

/// A method that this server implements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// The handshake of versions before 2026-07-28.
    Initialize,
    /// Liveness check of versions before 2026-07-28.
    Ping,
    /// Discovery, from 2026-07-28 on.
    Discover,
    /// The list of tools.
    ListTools,
    /// A call of a tool.
    CallTool,
    /// The list of resources.
    ListResources,
    /// The list of resource templates.
    ListResourceTemplates,
    /// The contents of a resource.
    ReadResource,
    /// The list of prompts.
    ListPrompts,
    /// A prompt with its arguments filled in.
    GetPrompt,
    /// Completions of an argument.
    Complete,
}

/// Names of methods that MCP and its extensions define and this server does not implement, and of notifications. They
/// appear in logs as they are; every other name there is unknown.
const NOT_IMPLEMENTED: [&str; 13] = [
    "resources/subscribe",
    "resources/unsubscribe",
    "logging/setLevel",
    "skills/list",
    "skills/get",
    "subscriptions/listen",
    "tasks/get",
    "tasks/cancel",
    "notifications/initialized",
    "notifications/cancelled",
    "notifications/progress",
    "notifications/message",
    "notifications/roots/list_changed",
];

/// The name in logs of a method that is not MCP's.
const UNKNOWN: &str = "(unknown)";

impl Method {
    const ALL: [Self; 11] = [
        Self::Initialize,
        Self::Ping,
        Self::Discover,
        Self::ListTools,
        Self::CallTool,
        Self::ListResources,
        Self::ListResourceTemplates,
        Self::ReadResource,
        Self::ListPrompts,
        Self::GetPrompt,
        Self::Complete,
    ];

    /// The method as it appears on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Initialize => "initialize",
            Self::Ping => "ping",
            Self::Discover => "server/discover",
            Self::ListTools => "tools/list",
            Self::CallTool => "tools/call",
            Self::ListResources => "resources/list",
            Self::ListResourceTemplates => "resources/templates/list",
            Self::ReadResource => "resources/read",
            Self::ListPrompts => "prompts/list",
            Self::GetPrompt => "prompts/get",
            Self::Complete => "completion/complete",
        }
    }

    /// Parses a method's name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == name)
    }

    /// Whether a version of the protocol has this method.
    #[must_use]
    pub fn is_in(self, version: Version) -> bool {
        match self {
            Self::Initialize | Self::Ping => version.has_handshake(),
            _ => true,
        }
    }

    /// Whether the method is for discovery and reads no user's data.
    #[must_use]
    pub const fn is_discovery(self) -> bool {
        matches!(
            self,
            Self::Initialize
                | Self::Ping
                | Self::Discover
                | Self::ListTools
                | Self::ListResources
                | Self::ListResourceTemplates
                | Self::ListPrompts
        )
    }
}

/// A method's name as it is logged: a fixed string, whatever was sent.
pub(super) fn log_name(name: &str) -> &'static str {
    match Method::parse(name) {
        Some(method) => method.as_str(),
        None => NOT_IMPLEMENTED.into_iter().find(|known| *known == name).unwrap_or(UNKNOWN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_the_protocol_are_logged() {
        for (name, logged) in [
            ("tools/call", "tools/call"),
            ("notifications/cancelled", "notifications/cancelled"),
            ("tools/burn", UNKNOWN),
            ("", UNKNOWN),
        ] {
            assert_eq!(log_name(name), logged);
        }
    }

    #[test]
    fn the_handshake_is_gone_from_2026() {
        let gone: Vec<&str> =
            Method::ALL.into_iter().filter(|method| !method.is_in(Version::V2026July)).map(Method::as_str).collect();
        assert_eq!(gone, ["initialize", "ping"]);
    }
}
