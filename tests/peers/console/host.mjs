// A page that is a host of MCP Apps, by the official bridge: a client of the server, and views in a frame within a frame of
// another origin, with the policy that the extension gives to views that ask for nothing. What a view asks of it, and what it
// asks of the server, is in `window.seen`.

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { AppBridge, getToolUiResourceUri, PostMessageTransport, RESOURCE_MIME_TYPE } from "@modelcontextprotocol/ext-apps/app-bridge";

const UI = "io.modelcontextprotocol/ui";
const info = { name: "host-of-tests", version: "1.0.0" };
const capabilities = { extensions: { [UI]: { mimeTypes: [RESOURCE_MIME_TYPE] } } };

window.seen = { calls: [], links: [], contexts: [], heights: [] };
/** What hosts give of their own look, in both schemes. */
window.looks = {
  light: { "--color-background-primary": "#faf9f5", "--color-text-primary": "#141413", "--color-text-secondary": "#3d3d3a" },
  dark: { "--color-background-primary": "#262624", "--color-text-primary": "#faf9f5", "--color-text-secondary": "#c2c0b6" },
};

let client;
let anonymous;
let tools;
let sandbox;
let shown;

async function connected(mcp, era, token) {
  const withToken = (url, init) => {
    const headers = new Headers(init?.headers);
    if (token) headers.set("Authorization", `Bearer ${token}`);
    const { method, params } = init?.body ? JSON.parse(init.body) : {};
    if (method === "tools/call") window.seen.calls.push([params.name, headers.get("MCP-Protocol-Version"), params.arguments]);
    return fetch(url, { ...init, headers });
  };
  const made = new Client(info, { capabilities, versionNegotiation: { mode: era } });
  await made.connect(new StreamableHTTPClientTransport(new URL(mcp), { fetch: withToken }));
  return made;
}

window.connect = async ({ mcp, era, token, sandboxUrl }) => {
  sandbox = sandboxUrl;
  client = await connected(mcp, era, token);
  anonymous = await connected(mcp, era);
  tools = (await anonymous.listTools()).tools;
  const { resources } = await anonymous.listResources();
  return {
    extension: client.getServerCapabilities().extensions[UI],
    views: Object.fromEntries(tools.map((tool) => [tool.name, getToolUiResourceUri(tool)]).filter(([, uri]) => uri)),
    resources: resources.filter(({ mimeType }) => mimeType === RESOURCE_MIME_TYPE).map(({ uri }) => uri),
  };
};

/** Calls a tool and shows its result in its view, as a host that says `context` of itself. */
window.show = async (name, args, context = {}) => {
  await shown?.close();
  document.querySelector("iframe")?.remove();
  const tool = tools.find((found) => found.name === name);
  const { contents: [page] } = await anonymous.readResource({ uri: getToolUiResourceUri(tool) });
  if (page.mimeType !== RESOURCE_MIME_TYPE || Object.values(page._meta.ui.csp).length > 0) throw new Error(JSON.stringify(page._meta));
  const frame = document.createElement("iframe");
  frame.setAttribute("sandbox", "allow-scripts allow-same-origin");
  frame.style.width = "100%";
  const can = { openLinks: {}, serverTools: {}, updateModelContext: { text: {} } };
  const hostContext = {
    theme: "light", displayMode: "inline", availableDisplayModes: ["inline", "fullscreen"],
    styles: { variables: window.looks.light }, toolInfo: { tool }, ...context,
  };
  const bridge = new AppBridge(client, info, can, { hostContext });
  const [ready, initialized] = ["onsandboxready", "oninitialized"].map((event) => new Promise((resolve) => (bridge[event] = resolve)));
  bridge.onsizechange = ({ height }) => {
    window.seen.heights.push(height);
    frame.style.height = `${height}px`;
  };
  bridge.onopenlink = async ({ url }) => (window.seen.links.push(url), {});
  bridge.onupdatemodelcontext = async ({ content }) => (window.seen.contexts.push(content[0].text), {});
  bridge.onrequestdisplaymode = async ({ mode }) => ({ mode });
  document.body.append(frame);
  await bridge.connect(new PostMessageTransport(frame.contentWindow, frame.contentWindow));
  frame.src = sandbox;
  await ready;
  await bridge.sendSandboxResourceReady({ html: page.text });
  await initialized;
  await bridge.sendToolInput({ arguments: args });
  await bridge.sendToolResult(await client.callTool({ name, arguments: args }));
  shown = bridge;
};

window.darken = () => shown.setHostContext({ theme: "dark", styles: { variables: window.looks.dark } });
window.lighten = () => shown.setHostContext({ theme: "light", styles: { variables: window.looks.light } });
window.tearDown = () => shown.teardownResource({});
window.isReady = true;
