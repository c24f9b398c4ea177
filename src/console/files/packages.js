// Packages of a bucket. `#packages/BUCKET` lists them; `#packages/BUCKET/NAMESPACE/NAME[@HASH]` shows one.

import { fill, h, problem } from "./dom.js";
import { renderRevision } from "./revision.js";
import { text } from "./strings.js";

/** @typedef {import("./console.js").View} View */
/** @typedef {import("./mcp.js").Panel} Panel */

/** The address of a package. @param {string} bucket @param {string} [name] @param {string} [hash] */
export function packageAddress(bucket, name, hash) {
  const rest = name ? `/${name.split("/").map(encodeURIComponent).join("/")}${hash ? `@${encodeURIComponent(hash)}` : ""}` : "";
  return `#packages/${encodeURIComponent(bucket)}${rest}`;
}

/** @param {Panel} panel @param {string} bucket @param {{ args?: Record<string, any>, first?: any }} [known] of the list, and its first page */
export function packageList({ session, ends }, bucket, { args = {}, first } = {}) {
  const list = h("ul", { class: "list", id: "package-list" });
  const state = h("div", { "aria-live": "polite" });
  const more = h("button", { type: "button", hidden: true }, text.more);
  const prefix = h("input", { id: "prefix", class: "wide", value: args.prefix });
  /** @type {string | undefined} */
  let cursor;
  const load = async () => {
    more.hidden = true;
    try {
      const page = first ?? await session.call("package_list",
        { ...args, bucket, prefix: prefix.value.trim(), ...(cursor ? { cursor } : {}) }, { signal: ends });
      first = undefined;
      list.append(...page.packages.map((/** @type {any} */ found) => h("li", { class: "row" },
        h("a", { href: packageAddress(bucket, found.name) }, found.name), h("span", { class: "hint" }, found.modified ?? ""))));
      cursor = page.next_cursor;
      more.hidden = !cursor;
      fill(state, list.children.length ? null : h("p", {}, text.noPackages));
    } catch (error) {
      if (!ends.aborted) fill(state, problem(error));
    }
  };
  const filter = (/** @type {Event} */ event) => {
    event.preventDefault();
    cursor = undefined;
    list.replaceChildren();
    load();
  };
  more.addEventListener("click", load);
  load();
  return h("section", { "aria-labelledby": "packages" }, h("h2", { id: "packages" }, text.packagesOf(bucket)),
    h("form", { submit: filter }, h("label", { for: "prefix" }, text.prefix),
      h("div", { class: "row" }, prefix, h("button", {}, text.filter))), list, more, state);
}

/** The package of an address. @param {string[]} path */
export function packageAt([bucket = "", namespace, last]) {
  if (!namespace || !last) return { bucket };
  const at = last.lastIndexOf("@");
  return { bucket, name: `${namespace}/${at < 0 ? last : last.slice(0, at)}`, hash: at < 0 ? undefined : last.slice(at + 1) };
}

// Of the page alone.

/** @param {View} view @param {string} current */
function bucketForm({ session, ends }, current) {
  const list = h("datalist", { id: "buckets" });
  const input = h("input", { id: "bucket", list: "buckets", required: true, value: current, class: "wide" });
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    location.hash = packageAddress(input.value.trim().replace(/^s3:\/\//, ""));
  };
  const load = async () => {
    const { buckets } = await session.call("bucket_list", {}, { signal: ends });
    list.append(...buckets.map((/** @type {any} */ bucket) => h("option", { value: bucket.name }, bucket.title ?? "")));
    if (!current && buckets.length) location.replace(packageAddress(buckets[0].name));
  };
  // Without the list, a bucket can be typed.
  load().catch((error) => !ends.aborted && form.after(problem(error)));
  const form = h("form", { submit }, h("label", { for: "bucket" }, text.bucket),
    h("div", { class: "row" }, input, list, h("button", {}, text.showPackages)));
  return form;
}

/** @param {View} view */
export function renderPackages(view) {
  const { bucket, name, hash } = packageAt(view.path);
  const form = bucketForm(view, bucket);
  if (!bucket) return fill(view.main, form);
  if (!name) return fill(view.main, form, packageList(view, bucket));
  return renderRevision(view, { bucket, name, hash });
}
