// The token that the user pasted, and the client that acts with it. The token is in sessionStorage, which ends with the
// tab, and in the Authorization header of requests to this server; nowhere else.

import { HttpTransport } from "./http.js";
import { McpClient, STATELESS } from "./mcp.js";
import { page } from "./page.js";

/** @typedef {import("./http.js").Sent} Sent */
/** @typedef {import("./mcp.js").Tool} Tool */

const KEY = "quilt-mcp-token";
const MAX_SENT = 200;

export class Session extends EventTarget {
  /** @type {Sent[]} */
  sent = [];
  /** @type {Promise<Tool[]> | null} */
  #tools = null;
  #token = sessionStorage.getItem(KEY);

  /** @param {string} version the version of this page */
  constructor(version) {
    super();
    const onSent = (/** @type {Sent} */ sent) => {
      if (!this.sent.includes(sent)) this.sent = [sent, ...this.sent].slice(0, MAX_SENT);
      this.dispatchEvent(new Event("sent"));
    };
    this.transport = new HttpTransport(`${page().base}/mcp`, () => this.#token, onSent);
    this.info = { name: "quilt-mcp-console", version };
    this.client = new McpClient(this.transport, this.info, STATELESS);
  }

  get hasToken() {
    return this.#token !== null;
  }

  /** @param {string | null} token */
  setToken(token) {
    this.#token = token;
    if (token === null) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, token);
    this.#tools = null;
    this.dispatchEvent(new Event("token"));
  }

  /** Speaks another version of the protocol. @param {string} version */
  speak(version) {
    this.client = new McpClient(this.transport, this.info, version);
    this.#tools = null;
  }

  /** The tools that the server lists. */
  tools() {
    this.#tools ??= this.client.listTools().catch((error) => {
      this.#tools = null;
      throw error;
    });
    return this.#tools;
  }

  /** @param {string} name @param {Record<string, any>} [args] @param {import("./mcp.js").CallOptions} [options] */
  call(name, args, options) {
    return this.client.call(name, args, options);
  }
}
