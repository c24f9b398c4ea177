// The request log, and a server that goes away.

import assert from "node:assert/strict";
import { connect, createServer } from "node:net";
import { accessible, fits, open, pictures, useToken, view, waitText } from "./browser.mjs";

const call = (name) => JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, arguments: {} } });

/** Requests of other clients appear, with the state of their tokens and without the tokens. */
export async function shows_requests_of_others(browser, { origin, expired, users }) {
  const { page, check } = await open(browser, `${origin}/#requests`, { tokens: [expired, users.reader] });
  await page.locator("#view-requests").waitFor();
  const post = (name, headers) => fetch(`${origin}/mcp`, { method: "POST", body: call(name), headers: { "Content-Type": "application/json", ...headers } });
  const answers = [];
  for (const [name, token] of [["bucket_list", null], ["auth_status", expired], ["auth_status", "x.y.z"], ["auth_status", users.reader]]) {
    answers.push(await post(name, { Origin: "http://localhost:5173", ...(token ? { Authorization: `Bearer ${token}` } : {}) }));
  }
  await waitText(page, "#request-table", answers.at(-1).headers.get("x-request-id"));
  const rows = await page.locator("#request-table tbody tr").evaluateAll((found) => found.map((row) => [...row.cells].map((cell) => cell.innerText)));
  const seen = rows.slice(0, 4).map(([, ...cells]) => cells);
  const ids = answers.map((answer) => answer.headers.get("x-request-id"));
  const from = "http://localhost:5173";
  assert.deepEqual(seen, [
    [from, "tools/call", "auth_status", "good", "200", "", ids[3]],
    [from, "tools/call", "auth_status", "bad", "401", "invalid_jwt", ids[2]],
    [from, "tools/call", "auth_status", "expired", "401", "token_expired", ids[1]],
    [from, "tools/call", "bucket_list", "none", "401", "missing_jwt", ids[0]],
  ]);
  await page.getByLabel("Only what failed").check();
  assert.equal(await page.locator("#request-table tbody tr").count(), 3);
  await accessible(page, "requests");
  await fits(page, "requests");
  await pictures(page, "requests");
  await check();
}

/** Where the server has no log, the page shows its own requests. */
export async function shows_its_own_requests(browser, { origin, users }) {
  const { page, check } = await open(browser, `${origin}/#identity`, { tokens: [users.reader] });
  await useToken(page, users.reader);
  await waitText(page, "#view-identity", "Why these credentials");
  await view(page, "Requests");
  const shown = await waitText(page, "#view-requests", "auth_status");
  assert.ok(shown.includes("The requests of this page") && shown.includes("const withToken"), shown);
  await check();
}

/** A server that goes away and comes back: the page says so, and works again without a reload. */
export async function survives_an_outage(browser, { origin, users }) {
  const target = new URL(origin);
  const sockets = new Set();
  const forward = (socket) => {
    const upstream = connect(Number(target.port), target.hostname);
    for (const side of [socket, upstream]) {
      sockets.add(side);
      side.on("error", () => {});
      side.on("close", () => (sockets.delete(side), socket.destroy(), upstream.destroy()));
    }
    socket.pipe(upstream).pipe(socket);
  };
  const listen = async (port) => {
    const server = createServer(forward);
    await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
    return server;
  };
  let server = await listen(0);
  const { port } = server.address();
  const { page, check } = await open(browser, `http://127.0.0.1:${port}/#tools/auth_status`, { tokens: [users.reader] });
  await useToken(page, users.reader);
  await page.locator("#run").click();
  await waitText(page, "#result", "The tool succeeded.");
  server.close();
  for (const socket of sockets) socket.destroy();
  await waitText(page, "#notice", "The server does not answer");
  await page.locator("#run").click();
  await waitText(page, "#result", "The server does not answer.");
  server = await listen(port);
  await page.locator("#notice .notice").waitFor({ state: "detached", timeout: 20_000 });
  await page.locator("#run").click();
  await waitText(page, "#result", "The tool succeeded.");
  server.close();
  await check();
  for (const socket of sockets) socket.destroy();
}
