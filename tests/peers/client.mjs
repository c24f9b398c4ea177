// The TypeScript SDKs' clients talk to a running server, in both eras of the protocol: `node client.mjs DEV_JSON [MCP_URL]`.
// Prints what each saw as one JSON line; the first failed assertion ends it with a non-zero code.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import * as second from "@modelcontextprotocol/client";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

// How a client is made, what it negotiates, and where its `callTool` takes options. The first is SDK 1.x, the others 2.x.
const MODES = {
  "1.x": {
    protocol: "2025-11-25",
    client: (info) => new Client(info),
    transport: StreamableHTTPClientTransport,
    options: (options) => [undefined, options],
  },
  legacy: secondSdk("legacy", "2025-11-25"),
  auto: secondSdk("auto", "2026-07-28"),
  "2026-07-28": secondSdk({ pin: "2026-07-28" }, "2026-07-28"),
};

function secondSdk(mode, protocol) {
  return {
    protocol,
    client: (info) => new second.Client(info, { versionNegotiation: { mode } }),
    transport: second.StreamableHTTPClientTransport,
    options: (options) => [options],
  };
}

const TOOLS = [
  "auth_status",
  "bucket_access_check",
  "bucket_list",
  "bucket_object_fetch",
  "bucket_object_info",
  "bucket_object_link",
  "bucket_object_text",
  "bucket_objects_list",
  "bucket_objects_put",
  "package_browse",
  "package_create",
  "package_create_from_s3",
  "package_delete",
  "package_diff",
  "package_list",
  "package_templates",
  "package_update",
  "package_verify",
  "package_versions",
  "permissions_discover",
  "permissions_recommendations",
  "workflow_list",
];

const [devJson, url] = process.argv.slice(2);
const dev = JSON.parse(await readFile(devJson, "utf8"));
const bucket = dev.buckets.shared;

/** Does `work` with a client of this mode that sends `token`, if any. */
async function connected(mode, token, work) {
  const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const transport = new MODES[mode].transport(new URL(url ?? dev.mcp_url), { requestInit: { headers } });
  const client = MODES[mode].client({ name: "typescript-peer", version: "1.0.0" });
  await client.connect(transport);
  try {
    // With the list the client also compiles every output schema, and from then on checks results against them.
    const { tools } = await client.listTools();
    return await work(client, tools, transport);
  } finally {
    await client.close();
  }
}

/** Calls a tool that must succeed. */
async function call(client, name, args, ...options) {
  const result = await client.callTool({ name, arguments: args }, ...options);
  assert.notEqual(result.isError, true, `${name}: ${JSON.stringify(result.structuredContent)}`);
  const text = JSON.parse(result.content.find((block) => block.type === "text").text);
  assert.equal(text.success, true);
  if (result.content[0].type === "image") {
    assert.equal(result.structuredContent, undefined, `${name}: a client that finds it shows no image`);
    return { ...result, structuredContent: text };
  }
  assert.deepEqual(text, result.structuredContent, `${name}: text and structured content differ`);
  return result;
}

async function withoutToken(mode, seen) {
  await connected(mode, undefined, async (client, tools, transport) => {
    assert.equal(client.getServerVersion().name, "quilt-mcp");
    assert.equal(transport.sessionId, undefined, "a stateless server hands out no session");
    assert.equal(transport.protocolVersion, MODES[mode].protocol);
    const names = tools.map((tool) => tool.name);
    assert.deepEqual(TOOLS.filter((name) => !names.includes(name)), [], `listed are ${names}`);
    for (const tool of tools) {
      assert.equal(tool.inputSchema.type, "object", tool.name);
      assert.equal(tool.outputSchema?.type, tool.name === "bucket_object_fetch" ? undefined : "object", tool.name);
      assert.equal(typeof tool.annotations?.readOnlyHint, "boolean", tool.name);
    }
    Object.assign(seen, { server: client.getServerVersion(), protocol: transport.protocolVersion, tools: names.length });

    await assert.rejects(client.callTool({ name: "auth_status", arguments: {} }), (error) => {
      assert.equal(error.status ?? error.code, 401, String(error));
      assert.match(error.message, /missing_jwt/);
      seen.without_token = 401;
      return true;
    });
  });
}

async function asWriter(mode, seen) {
  await connected(mode, dev.users.writer.token, async (client) => {
    const status = (await call(client, "auth_status", {})).structuredContent;
    assert.equal(status.credential_source, "catalog");
    assert.ok(JSON.stringify(status).includes(dev.users.writer.sub), JSON.stringify(status));
    seen.credential_source = status.credential_source;

    const listed = (await call(client, "bucket_objects_list", { bucket, prefix: "plankton/" })).structuredContent;
    const keys = listed.objects.map((object) => object.key);
    assert.ok(keys.includes("plankton/données/été 2026.csv"), keys.join());
    assert.equal(listed.returned, keys.length);
    seen.objects = keys.length;

    const key = `peers/typescript ${mode} – été.txt`;
    const text = "Grüße aus TypeScript\nline two \u{1f9a0}\n";
    const put = (await call(client, "bucket_objects_put", { bucket, items: [{ key, text }] })).structuredContent;
    assert.equal(put.uploaded, 1);
    const [written] = put.results;
    assert.equal(written.size, Buffer.byteLength(text));
    assert.ok(written.version_id, "the bucket is versioned");
    const read = (await call(client, "bucket_object_text", { s3_uri: written.s3_uri })).structuredContent;
    assert.equal(read.text, text);
    assert.equal(read.truncated, false);
    seen.written = written.s3_uri;

    const info = (await call(client, "bucket_object_info", { s3_uri: written.s3_uri })).structuredContent.object;
    assert.equal(info.version_id, written.version_id);
    const link = (await call(client, "bucket_object_link", { s3_uri: written.s3_uri })).structuredContent;
    assert.equal(await (await fetch(link.url)).text(), text);
    const { buckets } = (await call(client, "bucket_list", {})).structuredContent;
    assert.ok(buckets.some((found) => found.name === bucket), JSON.stringify(buckets));
    const found = (await call(client, "permissions_discover", { probe_write: true })).structuredContent;
    assert.deepEqual(found.categorized_buckets.write_access, [bucket]);
    const advice = (await call(client, "permissions_recommendations", {})).structuredContent;
    assert.deepEqual(advice.recommendations, []);

    const s3_uri = `s3://${bucket}/plankton/images/gradient.png`;
    const fetched = await call(client, "bucket_object_fetch", { s3_uri });
    const image = fetched.content.find((block) => block.type === "image");
    assert.equal(image?.mimeType, "image/png");
    const bytes = Buffer.from(image.data, "base64");
    assert.equal(bytes.subarray(1, 4).toString("latin1"), "PNG");
    assert.equal(bytes.length, fetched.structuredContent.size);
    seen.image = createHash("sha256").update(bytes).digest("hex");

    const prefix = { source_bucket: bucket, source_prefix: "plankton/" };
    const reports = [];
    const told = MODES[mode].options({ onprogress: (report) => reports.push(report) });
    const name = `peers/typescript-${mode.replaceAll(".", "-")}`;
    const made = await call(client, "package_create_from_s3", { bucket, name, ...prefix }, ...told);
    assert.equal(made.structuredContent.entries_added, 5);
    assert.notEqual(reports.length, 0, "nothing was told of the progress");
    for (const [index, report] of reports.entries()) {
      assert.ok(report.progress > (reports[index - 1]?.progress ?? 0) && report.progress <= report.total);
    }
    seen.package = name;

    const halves = [{ key: "peers/half.txt", text: "good" }, { key: "", text: "a key is missing" }];
    const half = await client.callTool({ name: "bucket_objects_put", arguments: { bucket, items: halves, dry_run: true } });
    assert.equal(half.isError, true);
    assert.deepEqual(half.structuredContent.results.map((result) => result.success), [true, false]);
  });
}

async function asReader(mode, seen) {
  await connected(mode, dev.users.reader.token, async (client) => {
    const items = [{ key: "peers/not-mine.txt", text: "no" }];
    const result = await client.callTool({ name: "bucket_objects_put", arguments: { bucket, items } });
    assert.equal(result.isError, true);
    const refused = result.structuredContent;
    assert.equal(refused.success, false);
    assert.equal(refused.error_code, "access_denied");
    assert.match(JSON.stringify(refused), /s3:PutObject/);
    assert.equal(refused.credential_source, "catalog");
    seen.refused = refused.error;

    const operations = ["list", "read", "write"];
    const access = (await call(client, "bucket_access_check", { bucket_name: bucket, operations })).structuredContent;
    assert.deepEqual(access.access_summary, { can_list: true, can_read: true, can_write: false });
  });
}

for (const mode of Object.keys(MODES)) {
  const seen = { peer: "typescript", mode };
  await withoutToken(mode, seen);
  await asWriter(mode, seen);
  await asReader(mode, seen);
  console.log(JSON.stringify(seen));
}
