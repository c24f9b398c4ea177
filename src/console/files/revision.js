// One revision of a package: its facts, the tree of its entries with previews, the other revisions, and differences.

import { facts, fill, h, link, pre, problem, size } from "./dom.js";
import { packageAddress } from "./packages.js";
import { preview } from "./preview.js";
import { text } from "./strings.js";

/** @typedef {import("./mcp.js").Panel} Panel */
/** @typedef {{ bucket: string, name: string, hash?: string }} Revision */
/** @typedef {{ logical_key: string, type?: string, size?: number, entries?: number, s3_uri?: string }} Entry */

/** @param {Revision} revision */
const argumentsOf = ({ bucket, name, hash }) => ({ bucket, name, ...(hash ? { hash } : {}) });

/** The URI of an entry. @param {any} found the package @param {Entry} entry */
function uriOf(found, entry) {
  const part = (/** @type {string} */ value) => value.split("/").map(encodeURIComponent).join("/");
  return entry.s3_uri ?? `quilt+s3://${found.bucket}#package=${part(found.name)}@${found.hash}&path=${part(entry.logical_key)}`;
}

/**
 * A folder of the tree, page by page.
 * @param {Panel} panel
 * @param {Revision} revision
 * @param {Record<string, any>} args further arguments of the listing
 * @param {(page: any) => void} onPage
 * @param {(found: any, entry: Entry) => void} onFile
 * @param {any} [first] the first page, if it is known
 */
function folder(panel, revision, args, onPage, onFile, first) {
  const list = h("ul");
  const load = async (/** @type {string | undefined} */ cursor) => {
    const all = { detail: "full", ...argumentsOf(revision), ...args, ...(cursor ? { cursor } : {}) };
    const page = first ?? await panel.session.call("package_browse", all, { signal: panel.ends });
    first = undefined;
    onPage(page);
    list.append(...page.entries.map((/** @type {Entry} */ entry) => row(page.package, entry)));
    if (page.next_cursor) {
      const more = h("li");
      const click = () => (more.remove(), run(page.next_cursor));
      more.append(h("button", { type: "button", click }, text.more));
      list.append(more);
    }
  };
  const run = (/** @type {string | undefined} */ cursor) =>
    load(cursor).catch((error) => !panel.ends.aborted && list.append(h("li", {}, problem(error))));
  /** @param {any} found @param {Entry} entry */
  const row = (found, entry) => {
    const key = entry.logical_key;
    const label = args.path && key.startsWith(args.path) ? key.slice(args.path.length) || key : key;
    if (entry.type !== "dir") {
      return h("li", {}, h("button", { type: "button", class: "plain", click: () => onFile(found, entry) }, label),
        h("span", { class: "hint" }, ` ${size(entry.size)}`));
    }
    const button = h("button", { type: "button", class: "plain", "aria-expanded": "false" }, label);
    const item = h("li", {}, button,
      h("span", { class: "hint" }, ` ${entry.entries === undefined ? "" : text.entries(entry.entries)} ${size(entry.size)}`));
    /** @type {HTMLElement | null} */
    let below = null;
    button.addEventListener("click", () => {
      const isOpen = button.getAttribute("aria-expanded") === "true";
      button.setAttribute("aria-expanded", String(!isOpen));
      if (!below) item.append((below = folder(panel, revision, { path: key }, onPage, onFile)));
      below.hidden = isOpen;
    });
    return item;
  };
  run(undefined);
  return list;
}

/** @param {any} page */
function header(page) {
  const found = page.package;
  return h("div", {},
    h("p", {}, h("a", { href: packageAddress(found.bucket) }, text.packagesOf(found.bucket))),
    h("h2", {}, found.name),
    facts([
      [text.hash, h("code", {}, found.hash)], [text.message, found.message],
      [text.content, `${text.entries(found.total_entries)}, ${size(found.total_bytes)}`], [text.workflow, found.workflow?.id],
      [text.metadata, found.metadata && Object.keys(found.metadata).length ? h("code", {}, JSON.stringify(found.metadata)) : null],
      [text.catalog, found.catalog_url ? link(found.catalog_url, text.openInCatalog) : null],
    ]));
}

/** @param {Panel} panel @param {Revision} revision */
export function revisions(panel, { bucket, name }) {
  const list = h("ul", { class: "list", id: "revisions" });
  const result = h("div", { id: "difference", "aria-live": "polite" });
  const [from, to] = ["from", "to"].map((id) => h("select", { id: `compare-${id}` }));
  const load = async () => {
    const { versions } = await panel.session.call("package_versions", { bucket, name }, { signal: panel.ends });
    for (const [index, version] of versions.entries()) {
      const label = `${version.modified ?? ""} ${version.hash.slice(0, 10)}${version.message ? ` ${version.message}` : ""}`;
      list.append(h("li", { class: "row" }, h("a", { href: packageAddress(bucket, name, version.hash) }, label),
        version.is_latest ? h("strong", {}, text.latest) : null, version.problem ? h("span", { class: "bad" }, version.problem) : null));
      from.append(h("option", { value: version.hash, selected: index === 1 }, label));
      to.append(h("option", { value: version.hash, selected: index === 0 }, label));
    }
  };
  load().catch((error) => !panel.ends.aborted && fill(result, problem(error)));
  const compare = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const args = { bucket, name, hash: from.value, other_hash: to.value };
    try {
      fill(result, differences(panel, args, await panel.session.call("package_diff", args, { signal: panel.ends })));
      panel.onShow?.({ differences: args });
    } catch (error) {
      if (!panel.ends.aborted) fill(result, problem(error));
    }
  };
  return h("section", { "aria-labelledby": "revisions-title" }, h("h2", { id: "revisions-title" }, text.revisions), list,
    h("h3", {}, text.compareTitle),
    h("form", { submit: compare, class: "row" }, h("label", { for: "compare-from" }, text.compareFrom), from,
      h("label", { for: "compare-to" }, text.compareTo), to, h("button", {}, text.compareButton)), result);
}

/**
 * A page of differences, and a button for the next one.
 * @param {Panel} panel
 * @param {Record<string, any>} args of package_diff
 * @param {any} diff
 * @returns {HTMLElement}
 */
export function differences(panel, args, diff) {
  /** @param {string} title @param {string} kind @param {any[]} entries */
  const part = (title, kind, entries) => entries.length > 0 && h("div", {}, h("h3", { class: kind }, title),
    h("ul", {}, ...entries.map((entry) => h("li", {}, entry.logical_key, " ",
      h("span", { class: "hint" }, entry.from ? `${size(entry.from.size)} → ${size(entry.to.size)}` : size(entry.size))))));
  const { added, removed, changed } = diff.counts;
  const more = h("button", { type: "button" }, text.more);
  more.addEventListener("click", async () => {
    try {
      const next = await panel.session.call("package_diff", { ...args, cursor: diff.next_cursor }, { signal: panel.ends });
      more.replaceWith(differences(panel, args, next));
    } catch (error) {
      if (!panel.ends.aborted) more.after(problem(error));
    }
  });
  return h("div", {}, !args.cursor && h("p", {}, text.counts(added, removed, changed), " ", diff.metadata_changed ? text.metadataChanged : ""),
    !args.cursor && diff.metadata && pre(JSON.stringify(diff.metadata, null, 2), text.metadata),
    part(text.added, "good", diff.added), part(text.removed, "bad", diff.removed), part(text.changed, "mixed", diff.changed),
    diff.next_cursor && more);
}

/**
 * Facts, tree and preview.
 * @param {Panel} panel
 * @param {Revision} revision
 * @param {{ args?: Record<string, any>, first?: any }} [known] further arguments of the listing, and its first page
 */
export function revisionTree(panel, revision, { args = {}, first } = {}) {
  const head = h("div", {}, h("p", { class: "quiet" }, text.loading));
  const shown = h("div", { id: "preview", "aria-live": "polite" }, h("p", { class: "quiet" }, text.choose));
  let isFirst = true;
  const onPage = (/** @type {any} */ page) => {
    if (!isFirst) return;
    isFirst = false;
    fill(head, header(page));
    panel.onShow?.({ uri: page.uri });
  };
  const onFile = async (/** @type {any} */ found, /** @type {Entry} */ entry) => {
    fill(shown, h("p", { class: "quiet" }, text.loading));
    const uri = uriOf(found, entry);
    panel.onShow?.({ uri });
    try {
      fill(shown, h("h3", {}, entry.logical_key), await preview(panel, uri, entry.logical_key));
      // In a view it is below the tree.
      if (panel.onShow) shown.scrollIntoView();
    } catch (error) {
      if (!panel.ends.aborted) fill(shown, h("h3", {}, entry.logical_key), problem(error));
    }
  };
  const tree = folder(panel, revision, args, onPage, onFile, first);
  tree.id = tree.className = "tree";
  return h("div", {}, head,
    h("div", { class: "split" },
      h("section", { "aria-label": text.treeLabel }, h("h2", {}, text.treeLabel), tree),
      h("section", { "aria-label": text.previewLabel }, h("h2", {}, text.previewLabel), shown)));
}

// Of the page alone.

/** @param {Panel} panel @param {Revision} revision */
export function renderRevision(panel, revision) {
  fill(panel.main, revisionTree(panel, revision), revisions(panel, revision));
}
