// A form for each tool, with the request and the answer. `#tools/NAME` shows one.

import { fill, h, pre, problem } from "./dom.js";
import { objectFields } from "./form.js";
import { HANDSHAKE, STATELESS } from "./mcp.js";
import { images } from "./preview.js";
import { text } from "./strings.js";
import { resultTable } from "./table.js";

/** @typedef {import("./console.js").View} View */
/** @typedef {import("./mcp.js").Tool} Tool */

/** @param {any} result @param {string} name */
function answer(result, name) {
  const output = result?.structuredContent;
  const failed = result?.isError || output?.success === false;
  const shown = output ?? result;
  return h("div", {},
    h("p", { class: failed ? "bad" : "good" }, failed ? text.toolFailed(output?.error_code ?? "") : text.toolDone),
    failed && output?.error ? h("p", {}, output.error) : null, failed && output?.hint ? h("p", { class: "hint" }, output.hint) : null,
    ...images(result, name), failed ? null : resultTable(output, name), h("h3", {}, text.answer), pre(JSON.stringify(shown, null, 2), text.answer));
}

/** The request without the token. @param {View} view @param {Tool} tool @param {Record<string, any>} args */
function requestText({ session }, tool, args) {
  const { client, transport } = session;
  const message = client.message(1, "tools/call", { name: tool.name, arguments: args }, true);
  const headers = [...transport.headers(message, { version: client.version })].map(([name, value]) =>
    `${name}: ${name === "authorization" ? text.tokenHidden : value}`);
  const body = JSON.stringify(message, (_, value) => (typeof value === "string" && value.length > 2000 ? text.shortened(value.slice(0, 80), value.length) : value), 2);
  return `POST ${new URL(transport.url, location.href).pathname}\n${headers.join("\n")}\n\n${body}`;
}

/** @param {View} view @param {Tool} tool */
function toolForm(view, tool) {
  const { session, ends } = view;
  const fields = objectFields(tool.inputSchema);
  const state = h("p", { class: "hint", role: "status", id: "progress" });
  const request = h("div", { id: "request" });
  const result = h("div", { id: "result", "aria-live": "polite" });
  const run = h("button", { class: "main", id: "run" }, text.run);
  const cancel = h("button", { type: "button", id: "cancel", disabled: true }, text.cancel);
  let running = new AbortController();
  cancel.addEventListener("click", () => running.abort());
  ends.addEventListener("abort", () => running.abort());
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    running = new AbortController();
    result.replaceChildren();
    try {
      const args = fields.read();
      fill(request, h("h3", {}, text.request), pre(requestText(view, tool, args), text.request));
      fill(state, text.running);
      [run.disabled, cancel.disabled] = [true, false];
      const found = await session.client.callTool(tool.name, args, {
        signal: running.signal,
        onProgress: ({ progress, total, message }) => fill(state, text.progress(progress, total, message)),
      });
      fill(result, answer(found, tool.name));
    } catch (error) {
      if (!ends.aborted) fill(result, problem(error));
    } finally {
      fill(state);
      [run.disabled, cancel.disabled] = [false, true];
    }
  };
  const { readOnlyHint, destructiveHint } = tool.annotations ?? {};
  return h("section", { "aria-labelledby": "tool" }, h("h2", { id: "tool" }, tool.title ?? tool.name),
    h("p", {}, h("code", {}, tool.name), " ", h("span", { class: destructiveHint ? "bad" : readOnlyHint ? "good" : "mixed" },
      destructiveHint ? text.destroys : readOnlyHint ? text.reads : text.writes)),
    h("p", {}, tool.description),
    h("form", { submit, id: "form" }, ...fields.elements, h("div", { class: "row" }, run, cancel), state), request, result);
}

/** @param {View} view @param {Tool[]} tools @param {string} [current] */
function toolList(view, tools, current) {
  const list = h("ul", { class: "list", id: "tool-list" });
  const show = (/** @type {string} */ filter) =>
    fill(list, ...tools.filter(({ name, title }) => `${name} ${title}`.toLowerCase().includes(filter.toLowerCase())).map(({ name }) =>
      h("li", {}, h("a", { href: `#tools/${encodeURIComponent(name)}`, "aria-current": name === current && "true" }, name))));
  const filter = h("input", { id: "tool-filter", type: "search" });
  filter.addEventListener("input", () => show(filter.value));
  const version = h("select", { id: "version" },
    ...[STATELESS, HANDSHAKE].map((name) => h("option", { value: name, selected: name === view.session.client.version }, name)));
  version.addEventListener("change", () => view.session.speak(version.value));
  show("");
  return h("section", { "aria-label": text.toolsTitle }, h("h2", {}, text.toolsTitle),
    h("div", { class: "field" }, h("label", { for: "version" }, text.protocol), version),
    h("div", { class: "field" }, h("label", { for: "tool-filter" }, text.filter), filter), list);
}

/** @param {View} view */
export async function renderTools(view) {
  const [name] = view.path;
  fill(view.main, h("p", { class: "quiet" }, text.loading));
  const tools = (await view.session.tools()).toSorted((a, b) => a.name.localeCompare(b.name));
  const tool = tools.find((found) => found.name === name);
  fill(view.main, h("div", { class: "split" }, toolList(view, tools, name),
    tool ? toolForm(view, tool) : h("p", {}, name ? text.noTool(name) : text.chooseTool)));
}
