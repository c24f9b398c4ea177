// A page that uses the server from another origin, as a catalog's front end does, with both TypeScript SDKs. What it may do,
// and why it may not do something, it shows; what the test wants to know besides is in `window.seen`.

import * as second from "@modelcontextprotocol/client";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const info = { name: "page", version: "1.0.0" };
const SDKS = {
  "1.x": (url, options) => [new Client(info), new StreamableHTTPClientTransport(url, options)],
  "2.x": (url, options) => [
    new second.Client(info, { versionNegotiation: { mode: "auto" } }),
    new second.StreamableHTTPClientTransport(url, options),
  ],
};

// Where things are: the endpoint, one that cannot decide about tokens, and a bucket.
const { mcp, undecided, bucket } = await (await fetch("/config.json")).json();
window.seen = { protocols: [], headers: {} };

function show(text, kind = "done") {
  const item = document.createElement("li");
  item.className = kind;
  item.textContent = text;
  document.querySelector("ol").append(item);
}

/** The user's token of this moment. The next one is another. */
async function token(user) {
  return (await fetch(`/token/${user}`, { method: "POST" })).text();
}

async function session(sdk) {
  let user;
  // The token is read anew for each request; as long as no user is logged in, there is none.
  const withToken = async (url, init) => {
    const headers = new Headers(init?.headers);
    if (user) {
      headers.set("Authorization", `Bearer ${await token(user)}`);
    }
    return fetch(url, { ...init, headers });
  };
  const [client, transport] = SDKS[sdk](new URL(mcp), { fetch: withToken });
  const call = async (name, args) => {
    const result = await client.callTool({ name, arguments: args });
    const { success, error } = result.structuredContent;
    if (result.isError || !success) {
      throw new Error(error);
    }
    return result.structuredContent;
  };

  await client.connect(transport);
  const { tools } = await client.listTools();
  window.seen.protocols.push(transport.protocolVersion);
  show(`${sdk} without a token: ${tools.length} tools`);
  await call("bucket_list", {}).catch((error) => show(`${sdk} without a token: ${error.message}`, "refused"));

  user = "reader";
  const { returned } = await call("bucket_objects_list", { bucket, prefix: "seed/" });
  show(`${sdk} reader: ${returned} objects`);

  user = "writer";
  const items = [{ key: `from-a-page/${sdk}.txt`, text: `Grüße von ${sdk}` }];
  const { results } = await call("bucket_objects_put", { bucket, items });
  show(`${sdk} writer: uploaded ${results[0].size} bytes`);
  const made = await call("package_create", { bucket, name: `pages/sdk-${sdk[0]}`, files: [results[0].s3_uri] });
  show(`${sdk} writer: package ${made.package.name} of ${made.entries_added} file`);

  user = "reader";
  const put = call("bucket_objects_put", { bucket, items: [{ key: "from-a-page/not-mine.txt", text: "no" }] });
  await put.then(() => show("written"), (error) => show(`${sdk} reader: ${error.message}`, "refused"));
  await client.close();
}

/** What a page may read of an answer besides its body. */
async function headers(what, url, bearer, body) {
  const sent = { "Content-Type": "application/json", ...(bearer && { Authorization: `Bearer ${bearer}` }) };
  const answer = await fetch(url, { method: "POST", headers: sent, body });
  window.seen.headers[what] = { status: answer.status, ...Object.fromEntries(answer.headers) };
}

try {
  for (const sdk of Object.keys(SDKS)) {
    await session(sdk);
  }
  const request = (method, params) => JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  await headers("served", mcp, undefined, request("ping"));
  await headers("no token", mcp, undefined, request("tools/call", { name: "bucket_list" }));
  await headers("bad token", mcp, "x.y.z", request("tools/call", { name: "bucket_list" }));
  await headers("undecided", undecided, await token("reader"), request("tools/call", { name: "bucket_list" }));
} catch (error) {
  show(`${error.name}: ${error.message}`, "refused");
  // A request that needs no preflight does reach the server, which must refuse it by itself.
  await fetch(mcp, { method: "POST", mode: "no-cors", body: "{}" });
} finally {
  document.body.dataset.done = "yes";
}
