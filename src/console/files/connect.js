// How to connect a client, and what is on.

import { facts, fill, h, link, problem } from "./dom.js";
import { codeBlock, copyButton, fetchAbout, page } from "./page.js";
import { text } from "./strings.js";

/**
 * @typedef {object} About
 * @property {string} version
 * @property {string} verification
 * @property {boolean} token_for_all
 * @property {string[]} toolsets
 * @property {boolean} read_only
 * @property {string | null} catalog_url
 * @property {string[]} authorization_servers
 * @property {string | null} public_endpoint
 * @property {boolean} request_log
 * @property {string[]} sign_in
 * @property {string | null} contact
 * @property {boolean} ready
 * @property {string | null} not_ready
 */

/** The URL for clients. @param {About} about */
export function endpointOf(about) {
  return about.public_endpoint ?? `${location.origin}${page().base}/mcp`;
}

/** @param {unknown} value */
const json = (value) => JSON.stringify(value, null, 2);

/** Text as one word of a POSIX shell. @param {string} word */
const shell = (word) => (/^[\w./:@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

/**
 * The clients, with what a user pastes.
 * @param {string} url
 * @returns {{ name: string, where: string, code: string, deep?: string }[]}
 */
function clients(url) {
  const header = { Authorization: "Bearer ${env:QUILT_TOKEN}" };
  const input = { id: "quilt-token", type: "promptString", description: text.tokenPrompt, password: true };
  const code = { type: "http", url, headers: { Authorization: "Bearer ${input:quilt-token}" } };
  const cursor = btoa(json({ url, headers: header }));
  /** @param {unknown} value */
  const query = (value) => encodeURIComponent(JSON.stringify(value));
  const quoted = shell(url);
  return [
    { name: "Claude Code", where: text.inTerminal,
      code: `claude mcp add --transport http quilt ${quoted} --header "Authorization: Bearer $QUILT_TOKEN"` },
    { name: "VS Code", where: text.inFile(".vscode/mcp.json"), code: json({ servers: { quilt: code }, inputs: [input] }),
      deep: `https://insiders.vscode.dev/redirect/mcp/install?name=quilt&inputs=${query([input])}&config=${query(code)}` },
    { name: "Cursor", where: text.inFile("~/.cursor/mcp.json"),
      code: json({ mcpServers: { quilt: { url, headers: header } } }),
      deep: `https://cursor.com/en/install-mcp?name=quilt&config=${encodeURIComponent(cursor)}` },
    { name: "Codex", where: text.inFile("~/.codex/config.toml"),
      code: `[mcp_servers.quilt]\nurl = ${JSON.stringify(url)}\nbearer_token_env_var = "QUILT_TOKEN"` },
    { name: "MCP Inspector", where: text.inTerminal,
      code: `npx @modelcontextprotocol/inspector --cli ${quoted} --transport http --header "Authorization: Bearer $QUILT_TOKEN" --method tools/list` },
    { name: "curl", where: text.inTerminal,
      code: `curl -sS ${quoted} -H 'Content-Type: application/json' -H "Authorization: Bearer $QUILT_TOKEN" -d '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"auth_status"}}'` },
  ];
}

/** Where a token comes from. @param {About} about */
function tokens(about) {
  const catalog = about.catalog_url ? link(about.catalog_url) : null;
  const logins = about.authorization_servers.map((issuer) => h("li", {}, link(issuer)));
  return h("section", { "aria-labelledby": "tokens" },
    h("h2", { id: "tokens" }, text.tokensTitle),
    h("p", {}, text.tokensBy(about.verification)),
    catalog ? h("p", {}, text.tokensCatalog, " ", catalog) : null,
    about.contact ? h("p", { id: "contact" }, text.contact, " ", link(about.contact)) : null,
    logins.length ? h("p", {}, text.tokensLogin) : null,
    logins.length ? h("ul", {}, ...logins) : null,
    h("p", { class: "quiet" }, text.tokensKeep));
}

/** @param {About} about */
export function status(about) {
  const ready = about.ready ? h("span", { class: "good" }, text.ready) : h("span", { class: "bad" }, text.notReady(about.not_ready ?? ""));
  return facts([
    [text.stateLabel, ready],
    [text.versionLabel, about.version],
    [text.verificationLabel, about.verification],
    [text.tokenForLabel, about.token_for_all ? text.tokenForAll : text.tokenForCalls],
    [text.toolsetsLabel, about.toolsets.join(", ")],
    [text.accessLabel, about.read_only ? text.readOnly : text.readWrite],
  ]);
}

/** @param {Element} main @param {About} about */
export function renderConnect(main, about) {
  const url = endpointOf(about);
  const blocks = clients(url).map(({ name, where, code, deep }) =>
    h("section", {}, h("h3", {}, name), h("p", { class: "hint" }, where), codeBlock(code, name),
      deep ? h("p", {}, link(deep, text.installIn(name))) : null));
  fill(main,
    h("section", { "aria-labelledby": "endpoint" },
      h("h2", { id: "endpoint" }, text.endpointTitle),
      h("div", { class: "row" }, h("code", { id: "url" }, url), copyButton(() => url, text.endpointTitle)),
      h("p", {}, text.endpointHint)),
    tokens(about),
    h("section", { "aria-labelledby": "clients" },
      h("h2", { id: "clients" }, text.clientsTitle), ...blocks),
    h("section", { "aria-labelledby": "on" }, h("h2", { id: "on" }, text.onTitle), status(about)));
}

/** Starts the page where there is no console. */
async function start() {
  const main = /** @type {HTMLElement} */ (document.getElementById("main"));
  try {
    renderConnect(main, await fetchAbout());
  } catch (error) {
    fill(main, problem(error));
  }
}

if (page().mode === "connect") start();
