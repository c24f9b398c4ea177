// A client of the Model Context Protocol for both eras: 2026-07-28, in which each request describes itself, and
// 2025-11-25, which begins with a handshake. How messages travel is the transport's business.

/**
 * @typedef {{ jsonrpc: "2.0", id?: number, method?: string, params?: any, result?: any, error?: any }} Message
 *
 * @typedef {object} SendOptions
 * @property {string} version the version of the protocol
 * @property {AbortSignal} [signal]
 * @property {(notification: Message) => void} [onNotification]
 *
 * @typedef {object} Transport
 * @property {(message: Message, options: SendOptions) => Promise<Message | null>} send returns the response, or null for
 *   a notification
 *
 * @typedef {object} CallOptions
 * @property {AbortSignal} [signal]
 * @property {(progress: { progress: number, total?: number, message?: string }) => void} [onProgress]
 *
 * Where a module shows something: an element, the client, a signal that ends when something else is shown, and, in a view,
 * who is told what is shown now.
 * @typedef {object} Panel
 * @property {HTMLElement} main
 * @property {{ client: McpClient, call: McpClient["call"] }} session
 * @property {AbortSignal} ends
 * @property {(shown: Record<string, any>) => void} [onShow]
 *
 * @typedef {object} Tool
 * @property {string} name
 * @property {string} [title]
 * @property {string} [description]
 * @property {any} inputSchema
 * @property {{ readOnlyHint?: boolean, destructiveHint?: boolean }} [annotations]
 */

export const STATELESS = "2026-07-28";
export const HANDSHAKE = "2025-11-25";

const META = "io.modelcontextprotocol/";

/** An error of the protocol, of HTTP, or of a tool. */
export class McpError extends Error {
  /** @param {string} message @param {{ code?: string, status?: number, requestId?: string, output?: any }} [details] */
  constructor(message, { code, status, requestId, output } = {}) {
    super(message);
    this.code = code;
    this.status = status;
    this.requestId = requestId;
    this.output = output;
  }
}

export class McpClient {
  /** @type {Promise<void> | null} */
  #handshake = null;
  #lastId = 0;

  /**
   * @param {Transport} transport
   * @param {{ name: string, version: string }} info
   * @param {string} version
   */
  constructor(transport, info, version = STATELESS) {
    this.transport = transport;
    this.info = info;
    this.version = version;
  }

  /**
   * Sends a request and returns its result.
   * @param {string} method
   * @param {Record<string, any>} [params]
   * @param {CallOptions} [options]
   */
  async request(method, params = {}, options = {}) {
    if (this.version === HANDSHAKE) {
      this.#handshake ??= this.#initialize();
      try {
        await this.#handshake;
      } catch (error) {
        this.#handshake = null;
        throw error;
      }
    }
    return this.#send(method, params, options);
  }

  async #initialize() {
    await this.#send("initialize", { protocolVersion: this.version, capabilities: {}, clientInfo: this.info }, {});
    await this.transport.send({ jsonrpc: "2.0", method: "notifications/initialized" }, { version: this.version });
  }

  /** @param {string} method @param {Record<string, any>} params @param {CallOptions} options */
  async #send(method, params, { signal, onProgress }) {
    const id = (this.#lastId += 1);
    const message = this.message(id, method, params, Boolean(onProgress));
    /** @param {Message} notification */
    const onNotification = (notification) => {
      if (notification.method === "notifications/progress") onProgress?.(notification.params);
    };
    const response = await this.transport.send(message, { version: this.version, signal, onNotification });
    if (response?.error) {
      const { message: sentence, data } = response.error;
      throw new McpError(sentence ?? method, { code: data?.error_code });
    }
    return response?.result;
  }

  /**
   * A request as it is sent.
   * @param {number} id
   * @param {string} method
   * @param {Record<string, any>} params
   * @param {boolean} wantsProgress
   * @returns {Message}
   */
  message(id, method, params, wantsProgress) {
    /** @type {Record<string, any>} */
    const meta = {};
    if (this.version === STATELESS) {
      meta[`${META}protocolVersion`] = this.version;
      meta[`${META}clientInfo`] = this.info;
      meta[`${META}clientCapabilities`] = {};
    }
    if (wantsProgress) meta.progressToken = id;
    const all = Object.keys(meta).length > 0 ? { ...params, _meta: meta } : params;
    return { jsonrpc: "2.0", id, method, params: all };
  }

  /** Every page of the list of tools. @returns {Promise<Tool[]>} */
  async listTools() {
    const tools = [];
    let cursor;
    do {
      const page = await this.request("tools/list", cursor ? { cursor } : {});
      tools.push(...page.tools);
      cursor = page.nextCursor;
    } while (cursor);
    return tools;
  }

  /**
   * Calls a tool and returns its whole result, also that of a tool that failed.
   * @param {string} name
   * @param {Record<string, any>} [args]
   * @param {CallOptions} [options]
   */
  callTool(name, args = {}, options = {}) {
    return this.request("tools/call", { name, arguments: args }, options);
  }

  /**
   * Calls a tool and returns its structured result, or throws what the tool says.
   * @param {string} name
   * @param {Record<string, any>} [args]
   * @param {CallOptions} [options]
   */
  async call(name, args = {}, options = {}) {
    const result = await this.callTool(name, args, options);
    const output = result?.structuredContent;
    if (result?.isError || output?.success === false) {
      const sentence = output?.error ?? result?.content?.[0]?.text ?? name;
      throw new McpError(sentence, { code: output?.error_code, output });
    }
    return output ?? result;
  }
}
