// What the buckets allow: a matrix of buckets and rights, with the evidence for each.

import { fill, h, plainTable, problem } from "./dom.js";
import { text } from "./strings.js";

/** @typedef {{ operation: string, result: boolean | null, method?: string, detail?: string }} Evidence */

/** @param {boolean | null | undefined} value @param {boolean} [isAsked] */
function yesNo(value, isAsked = true) {
  if (value === true) return h("span", { class: "good" }, text.yes);
  if (value === false) return h("span", { class: "bad" }, text.no);
  return h("span", { class: "quiet" }, isAsked ? text.unknown : text.notAsked);
}

/** @param {Evidence[]} evidence @param {string} bucket */
function evidenceList(evidence, bucket) {
  if (!evidence?.length) return null;
  return h("details", {}, h("summary", {}, text.evidence(evidence.length, bucket)),
    h("ul", {}, ...evidence.map(({ operation, result, method, detail }) =>
      h("li", {}, h("strong", {}, operation), " ", yesNo(result), " ", detail ?? "",
        method ? h("div", { class: "hint" }, method) : null))));
}

/** @param {any[]} buckets */
export function matrix(buckets) {
  const name = (/** @type {any} */ bucket) => bucket.name ?? bucket.bucket_name;
  const table = plainTable([text.bucket, text.list, text.read, text.write, text.level],
    buckets.map((bucket) => [
      name(bucket), yesNo(bucket.can_list), yesNo(bucket.can_read),
      bucket.can_write === null && bucket.write_declared
        ? h("span", { class: "mixed" }, text.declared)
        : yesNo(bucket.can_write, bucket.evidence?.some((/** @type {Evidence} */ { operation }) => operation === "write")),
      String(bucket.permission_level ?? "").replaceAll("_", " "),
    ]), text.matrixTitle);
  return h("div", {}, table, ...buckets.map((bucket) => evidenceList(bucket.evidence, name(bucket))));
}

/**
 * The matrix, and a button that asks S3 about writing.
 * @param {import("./mcp.js").Panel} panel
 * @param {Record<string, any>} [args] arguments of permissions_discover
 * @param {any} [first] its result, if it is known
 */
export function rights({ session, ends }, args, first) {
  const result = h("div", { id: "matrix", "aria-live": "polite" });
  const show = (/** @type {any} */ found) => fill(result,
    found.bucket_permissions.length ? matrix(found.bucket_permissions) : h("p", {}, text.noBuckets),
    found.catalog_error ? h("p", { class: "bad" }, found.catalog_error) : null);
  const load = async (/** @type {boolean} */ probeWrite) => {
    fill(result, h("p", { class: "quiet" }, text.loading));
    try {
      show(await session.call("permissions_discover", { ...args, probe_write: probeWrite }, { signal: ends }));
    } catch (error) {
      if (!ends.aborted) fill(result, problem(error));
    }
  };
  if (first) show(first);
  else load(false);
  return h("section", { "aria-labelledby": "rights" }, h("h2", { id: "rights" }, text.matrixTitle),
    h("p", { class: "hint" }, text.matrixHint), result,
    h("button", { type: "button", id: "probe", click: () => load(true) }, text.probeWrite));
}
