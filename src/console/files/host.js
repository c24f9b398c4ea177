// The application that shows a view (MCP Apps, 2026-01-26): JSON-RPC by messages to the window that embeds it. It calls tools
// for the view, opens links, and tells the model what is shown.

import { fill, h, problem } from "./dom.js";
import { McpClient, McpError } from "./mcp.js";
import { text, viewText } from "./strings.js";

/** @typedef {import("./mcp.js").Message} Message */
/** @typedef {import("./mcp.js").Panel} Panel */

/**
 * A result of a tool: its name, its arguments if they are known, and its structured result.
 * @typedef {{ tool?: string, args: Record<string, any> | null, output: any }} Result
 *
 * What a view has of the application.
 * @typedef {Panel & { host: Host }} HostPanel
 */

const UI_VERSION = "2026-01-26";
/** Applications show a view in a conversation no higher than this. */
const MAX_HEIGHT = 500;

class MessageTransport {
  /** @type {Map<any, (message: Message) => void>} */
  #waiting = new Map();

  /** @param {(method: string, params: any) => void} onNotification */
  constructor(onNotification) {
    addEventListener("message", ({ source, data }) => {
      if (source !== parent || data?.jsonrpc !== "2.0") return;
      const { id, method, params } = data;
      if (method === undefined) {
        this.#waiting.get(id)?.(data);
        this.#waiting.delete(id);
      } else if (id === undefined) {
        onNotification(method, params ?? {});
      } else {
        const isKnown = method === "ping" || method === "ui/resource-teardown";
        this.#post({ jsonrpc: "2.0", id, ...(isKnown ? { result: {} } : { error: { code: -32601, message: method } }) });
      }
    });
  }

  /** @param {Message} message */
  #post(message) {
    // The origin of the application is not known; it is the one window that embeds this one.
    parent.postMessage(message, "*");
  }

  /**
   * @param {Message} message
   * @param {{ signal?: AbortSignal }} options
   * @returns {Promise<Message | null>}
   */
  send(message, { signal }) {
    this.#post(message);
    if (message.id === undefined) return Promise.resolve(null);
    return new Promise((resolve, reject) => {
      this.#waiting.set(message.id, resolve);
      signal?.addEventListener("abort", () => {
        this.#waiting.delete(message.id);
        reject(new McpError(text.cancelled, { code: "cancelled" }));
      });
    });
  }
}

export class Host {
  /** @type {Record<string, any>} */
  capabilities = {};
  /** @type {Record<string, any>} */
  context = {};
  /** @type {Record<string, any> | null} */
  #args = null;
  #state = h("p", { role: "status", class: "hint" });
  #buttons = h("div", { class: "row" });
  #ends = new AbortController();
  /** @type {Record<string, any> | null} */
  #shown = null;
  #tell = h("button", { type: "button", id: "tell", click: () => this.#tellShown() }, viewText.tellModel);

  /** @param {string} name @param {(panel: HostPanel, result: Result) => void} render */
  constructor(name, render) {
    this.render = render;
    this.main = /** @type {HTMLElement} */ (document.getElementById("main"));
    this.main.after(this.#state, this.#buttons);
    const { version = "" } = document.documentElement.dataset;
    this.info = { name, version };
    this.transport = new MessageTransport((method, params) => this.#receive(method, params));
    this.client = new McpClient(this.transport, this.info, UI_VERSION);
  }

  /** @type {McpClient["call"]} */
  call(name, args, options) {
    return this.client.call(name, args, options);
  }

  async start() {
    fill(this.main, h("p", { class: "quiet" }, viewText.waiting));
    const answer = await this.client.request("ui/initialize", {
      protocolVersion: UI_VERSION, appInfo: this.info, appCapabilities: { availableDisplayModes: ["inline", "fullscreen"] },
    });
    this.capabilities = answer.hostCapabilities ?? {};
    this.#adopt(answer.hostContext ?? {});
    this.#notify("ui/notifications/initialized", {});
    new ResizeObserver(() => this.#resize()).observe(document.documentElement);
  }

  /** @param {string} method @param {Record<string, any>} params */
  #notify(method, params) {
    this.transport.send({ jsonrpc: "2.0", method, params }, {});
  }

  /** What is higher than an application shows is scrolled, as the one thing that scrolls. */
  #resize() {
    const height = Math.ceil(document.documentElement.getBoundingClientRect().height);
    this.#notify("ui/notifications/size-changed", { height: this.context.displayMode === "fullscreen" ? height : Math.min(height, MAX_HEIGHT) });
  }

  /** Takes over the scheme and the colors of the application. @param {Record<string, any>} context */
  #adopt(context) {
    Object.assign(this.context, context);
    const { style } = document.documentElement;
    if (context.theme) style.colorScheme = context.theme;
    for (const [name, value] of Object.entries(context.styles?.variables ?? {})) {
      if (name.startsWith("--") && value) style.setProperty(name, value);
    }
    this.#showButtons();
  }

  #showButtons() {
    const { updateModelContext, message } = this.capabilities;
    const canGrow = this.context.availableDisplayModes?.includes("fullscreen") && this.context.displayMode !== "fullscreen";
    fill(this.#buttons,
      (updateModelContext || message) && this.#tell,
      canGrow && h("button", { type: "button", id: "larger", click: () => this.#grow() }, viewText.larger));
  }

  async #grow() {
    const { mode } = await this.client.request("ui/request-display-mode", { mode: "fullscreen" });
    this.#adopt({ displayMode: mode });
    this.#resize();
    this.#tell.focus();
  }

  /** @param {string} method @param {any} params */
  #receive(method, params) {
    if (method === "ui/notifications/tool-input") this.#args = params.arguments ?? {};
    if (method === "ui/notifications/host-context-changed") {
      this.#adopt(params);
      this.#resize();
    }
    if (method === "ui/notifications/tool-cancelled") fill(this.main, h("p", {}, viewText.toolCancelled(params.reason ?? "")));
    if (method === "ui/notifications/tool-result") this.#showResult(params);
  }

  /** @param {any} result of a tool */
  #showResult(result) {
    const sentence = result.content?.find((/** @type {any} */ block) => block.type === "text")?.text;
    let output = result.structuredContent;
    try {
      output ??= JSON.parse(sentence);
    } catch {
      output = null;
    }
    const failed = result.isError || output?.success === false;
    this.show((panel) => {
      if (failed) fill(panel.main, problem(new McpError(output?.error ?? sentence ?? viewText.gotNone, { code: output?.error_code, output })));
      else if (!output) fill(panel.main, h("p", {}, sentence ?? viewText.gotNone));
      else this.render(panel, { tool: this.context.toolInfo?.tool?.name, args: this.#args, output });
    });
  }

  /** Shows something else. @param {(panel: HostPanel) => void} render */
  show(render) {
    this.#ends.abort();
    this.#ends = new AbortController();
    const main = h("div", { tabindex: -1 });
    fill(this.main, main);
    const onShow = (/** @type {Record<string, any> | null} */ shown) => {
      this.#shown = shown;
      this.#tell.disabled = !shown;
      fill(this.#state);
    };
    onShow(null);
    try {
      render({ main, session: this, ends: this.#ends.signal, host: this, onShow });
    } catch (error) {
      fill(main, problem(error));
    }
  }

  async #tellShown() {
    try {
      await this.tell(viewText.looksAt(this.#shown ?? {}));
      fill(this.#state, viewText.modelTold);
    } catch (error) {
      fill(this.#state, problem(error));
    }
  }

  /** Tells the model, if the application can. @param {string} sentence */
  async tell(sentence) {
    const content = [{ type: "text", text: sentence }];
    if (this.capabilities.updateModelContext) await this.client.request("ui/update-model-context", { content });
    else if (this.capabilities.message) await this.client.request("ui/message", { role: "user", content });
  }

  /** @param {string} url */
  async open(url) {
    const failed = () => fill(this.#state, viewText.notOpened(url));
    const result = await this.client.request("ui/open-link", { url }).catch(failed);
    if (result?.isError) failed();
  }
}

/**
 * Starts a view. Links to pages are opened by the application; those that begin with `#` are given to `onAddress`.
 * @param {string} name
 * @param {(panel: HostPanel, result: Result) => void} render
 * @param {(panel: HostPanel, path: string[]) => void} [onAddress]
 */
export function startView(name, render, onAddress) {
  const host = new Host(name, render);
  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target.closest("a, form button:not([type])") : null;
    if (!target) return;
    event.preventDefault();
    if (target instanceof HTMLButtonElement) {
      // The frame of a view may not submit forms.
      if (target.form?.reportValidity()) target.form.dispatchEvent(new SubmitEvent("submit", { cancelable: true }));
      return;
    }
    const address = target.getAttribute("href") ?? "";
    if (!address.startsWith("#")) host.open(address);
    else host.show((panel) => {
      onAddress?.(panel, address.split("/").slice(1).map(decodeURIComponent));
      panel.main.focus();
    });
  });
  host.start().catch((error) => fill(host.main, problem(error)));
}
