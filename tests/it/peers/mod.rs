//! Programs of others that talk to the server: SDKs, agent frameworks, command lines, a browser, MCP's conformance suite, a
//! Quilt stack.

mod chromium;
mod conformance;
mod curl;
mod frameworks;
mod inspector;
mod live;
mod model_clients;
mod quilt3_local;
mod sdks;
