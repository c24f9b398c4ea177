//! Programs of others that talk to the server: SDKs, command lines, a browser, MCP's conformance suite, a Quilt stack.

mod chromium;
mod conformance;
mod curl;
mod inspector;
mod live;
mod sdks;
