// Previews: text, tables and images. What an object contains is shown as text or as image data, never as markup.

import { h, pre } from "./dom.js";
import { text } from "./strings.js";
import { resultTable } from "./table.js";

const IMAGES = /\.(png|jpe?g|gif|webp)$/i;
const TABLES = /\.(csv|tsv|jsonl|parquet)(\.gz)?$/i;
const IMAGE_TYPES = ["image/png", "image/jpeg", "image/gif", "image/webp"];

/** Images of a result. @param {any} result of a tool @param {string} name */
export function images(result, name) {
  const blocks = (result?.content ?? []).filter((/** @type {any} */ block) =>
    block.type === "image" && IMAGE_TYPES.includes(block.mimeType) && /^[A-Za-z0-9+/=]*$/.test(block.data));
  return blocks.map((/** @type {any} */ block) => h("img", { src: `data:${block.mimeType};base64,${block.data}`, alt: text.imageOf(name) }));
}

/**
 * A preview of an object.
 * @param {import("./mcp.js").Panel} panel
 * @param {string} uri
 * @param {string} name
 * @returns {Promise<HTMLElement>}
 */
export async function preview({ session, ends }, uri, name) {
  const options = { signal: ends };
  if (IMAGES.test(name)) {
    const shown = images(await session.client.callTool("bucket_object_fetch", { s3_uri: uri }, options), name);
    if (shown.length > 0) return h("div", {}, ...shown);
  }
  if (TABLES.test(name)) {
    const table = resultTable(await session.call("bucket_object_preview", { s3_uri: uri, rows: 50 }, options), name);
    if (table) return table;
  }
  const found = await session.call("bucket_object_text", { s3_uri: uri }, options);
  return h("div", {}, pre(found.text, name), found.truncated ? h("p", { class: "hint" }, text.truncated(found.bytes_read, found.size)) : null);
}
