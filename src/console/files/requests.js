// Requests: in the development environment those of every client of the server, else those of this page; and a wrapper of
// fetch that sends a token with each request.

import { fill, h, plainTable, problem } from "./dom.js";
import { endpointOf } from "./connect.js";
import { codeBlock, page } from "./page.js";
import { text } from "./strings.js";

/** @typedef {import("./console.js").View} View */

const POLL_MS = 2000;

/** @param {string} url */
const wrapper = (url) => [
  "const withToken = async (url, init = {}) => {",
  "  const headers = new Headers(init.headers);",
  '  headers.set("Authorization", `Bearer ${await currentToken()}`);',
  "  return fetch(url, { ...init, headers });",
  "};",
  `const response = await withToken(${JSON.stringify(url)}, {`,
  '  method: "POST",',
  '  headers: { "Content-Type": "application/json" },',
  '  body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "auth_status", arguments: {} } }),',
  "});",
].join("\n");

/** @param {any} token */
const tokenState = (token) =>
  h("span", { class: token === "good" || token === "sent" ? "good" : token ? "bad" : "quiet" }, token ?? text.notChecked);

/** @param {any[]} requests */
function requestTable(requests) {
  if (requests.length === 0) return h("p", {}, text.noRequests);
  return plainTable(text.requestHead, requests.map((request) => [
    String(request.time).slice(11, 23), request.origin ?? "", request.method ?? request.http_method, request.tool ?? "",
    tokenState(request.token), request.status ?? text.pending, request.code ?? "", h("code", {}, request.request_id ?? ""),
  ]), text.requestsTitle);
}

/** @param {View} view */
export function renderRequests({ main, session, about, ends }) {
  const table = h("div", { id: "request-table" });
  const only = h("input", { type: "checkbox", id: "only-refused" });
  const hint = about.request_log ? text.requestsOfAll : text.requestsOfPage;
  /** @type {any[]} */
  let latest = [];
  const show = () => {
    const isRefused = (/** @type {any} */ request) => Boolean(request.code) || request.status >= 400;
    fill(table, requestTable(only.checked ? latest.filter(isRefused) : latest));
  };
  const load = async () => {
    if (document.hidden) return;
    try {
      const response = await fetch(`${page().base}/mcp/console/requests`, { cache: "no-store", credentials: "omit", signal: ends });
      const { requests } = await response.json();
      const isNew = JSON.stringify(requests) !== JSON.stringify(latest);
      latest = requests;
      if (isNew || !table.firstChild) show();
    } catch {
      if (!ends.aborted && !table.firstChild) fill(table, problem(new Error(text.unreachable)));
    }
  };
  only.addEventListener("change", show);
  fill(main, h("section", { "aria-labelledby": "requests" }, h("h2", { id: "requests" }, text.requestsTitle),
    h("p", {}, hint), h("div", { class: "row" }, only, h("label", { for: "only-refused" }, text.onlyRefused)), table),
  h("section", { "aria-labelledby": "wrapper" }, h("h2", { id: "wrapper" }, text.wrapperTitle), h("p", {}, text.wrapperHint),
    codeBlock(wrapper(endpointOf(about)), text.wrapperTitle)));
  if (about.request_log) {
    const timer = setInterval(load, POLL_MS);
    ends.addEventListener("abort", () => clearInterval(timer));
    return load();
  }
  const own = () => {
    latest = session.sent;
    show();
  };
  session.addEventListener("sent", own, { signal: ends });
  return own();
}
