// Streamable HTTP: one POST for each message, answered by JSON or by a stream of events.

import { HANDSHAKE, McpError, STATELESS } from "./mcp.js";
import { text } from "./strings.js";

/** @typedef {import("./mcp.js").Message} Message */

/**
 * A request of this page, as the table of requests shows it.
 * @typedef {object} Sent
 * @property {string} time
 * @property {string} http_method
 * @property {string} method
 * @property {string} [tool]
 * @property {string} token
 * @property {number} [status]
 * @property {string} [code]
 * @property {string} [request_id]
 */

const TOKEN_CODES = new Map([["missing_jwt", "none"], ["token_expired", "expired"], ["invalid_jwt", "bad"]]);

/** A header value, wrapped if it is not plain ASCII. @param {string} value */
function headerValue(value) {
  if (/^[!-~]+( [!-~]+)*$/.test(value) && !value.startsWith("=?base64?")) return value;
  return `=?base64?${btoa(String.fromCharCode(...new TextEncoder().encode(value)))}?=`;
}

/**
 * The data of each event of a stream.
 * @param {ReadableStream<Uint8Array>} body
 * @returns {AsyncGenerator<string>}
 */
async function* events(body) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    rest += done ? decoder.decode() : decoder.decode(value, { stream: true });
    const parts = rest.split(/\r?\n\r?\n/);
    rest = parts.pop() ?? "";
    for (const part of parts) {
      const lines = part.split(/\r?\n/).filter((line) => line.startsWith("data:"));
      if (lines.length > 0) yield lines.map((line) => line.slice(5).trimStart()).join("\n");
    }
    if (done) return;
  }
}

/**
 * Keeps the digits of integers that a number cannot hold, where the browser tells them.
 * @param {string} _name @param {any} value @param {any} [context]
 */
function exact(_name, value, context) {
  const digits = context?.source ?? "";
  return typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(digits) ? digits : value;
}

export class HttpTransport {
  /**
   * @param {string} url
   * @param {() => string | null} token asked for at each request
   * @param {(sent: Sent) => void} [onSent] called when a request is sent, and with the same object when it is answered
   */
  constructor(url, token, onSent = () => {}) {
    this.url = url;
    this.token = token;
    this.onSent = onSent;
  }

  /** @param {Message} message @param {import("./mcp.js").SendOptions} options */
  headers(message, { version }) {
    const headers = new Headers({ "Content-Type": "application/json", Accept: "application/json, text/event-stream" });
    const token = this.token();
    if (token) headers.set("Authorization", `Bearer ${token}`);
    if (message.method !== "initialize" || version !== HANDSHAKE) headers.set("MCP-Protocol-Version", version);
    if (version === STATELESS && message.method) {
      headers.set("Mcp-Method", message.method);
      const name = message.params?.name ?? message.params?.uri;
      if (typeof name === "string") headers.set("Mcp-Name", headerValue(name));
    }
    return headers;
  }

  /**
   * @param {Message} message
   * @param {import("./mcp.js").SendOptions} options
   * @returns {Promise<Message | null>}
   */
  async send(message, options) {
    /** @type {Sent} */
    const sent = {
      time: new Date().toISOString(), http_method: "POST", method: message.method ?? "", tool: message.params?.name,
      token: this.token() ? "sent" : "none",
    };
    this.onSent(sent);
    let response;
    try {
      response = await fetch(this.url, {
        method: "POST", body: JSON.stringify(message), headers: this.headers(message, options), signal: options.signal,
        credentials: "omit", cache: "no-store",
      });
    } catch (error) {
      sent.code = options.signal?.aborted ? "cancelled" : "unreachable";
      this.onSent(sent);
      throw new McpError(options.signal?.aborted ? text.cancelled : text.unreachable, { code: sent.code });
    }
    sent.status = response.status;
    sent.request_id = response.headers.get("x-request-id") ?? undefined;
    try {
      const answer = await this.#read(response, options);
      const failed = answer?.error?.data?.error_code ?? answer?.result?.structuredContent?.error_code;
      sent.code = failed;
      if (sent.token === "sent") sent.token = TOKEN_CODES.get(failed) ?? "sent";
      if (!answer?.error) return answer;
      throw new McpError(answer.error.message, { code: failed, status: response.status, requestId: sent.request_id });
    } catch (error) {
      if (options.signal?.aborted) sent.code = "cancelled";
      throw options.signal?.aborted ? new McpError(text.cancelled, { code: "cancelled" }) : error;
    } finally {
      this.onSent(sent);
    }
  }

  /**
   * @param {Response} response
   * @param {import("./mcp.js").SendOptions} options
   * @returns {Promise<Message | null>}
   */
  async #read(response, { onNotification }) {
    if (response.status === 202) return null;
    const type = response.headers.get("content-type") ?? "";
    if (type.startsWith("text/event-stream") && response.body) {
      for await (const data of events(response.body)) {
        const message = JSON.parse(data, exact);
        if (message.id !== undefined || message.error) return message;
        onNotification?.(message);
      }
      throw new McpError(text.streamEnded, { code: "unreachable", status: response.status });
    }
    if (!type.startsWith("application/json")) {
      throw new McpError(text.notJson(response.status), { status: response.status });
    }
    return JSON.parse(await response.text(), exact);
  }
}
