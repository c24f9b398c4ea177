// One revision of a package: its facts, the tree of its entries with previews, the other revisions, and differences.

import { facts, fill, h, link, problem, size } from "./dom.js";
import { packageAddress } from "./packages.js";
import { preview } from "./preview.js";
import { text } from "./strings.js";

/** @typedef {import("./console.js").View} View */
/** @typedef {{ bucket: string, name: string, hash?: string }} Revision */
/** @typedef {{ logical_key: string, type?: string, size?: number, entries?: number, s3_uri?: string }} Entry */

/** @param {string} hash */
const short = (hash) => hash.slice(0, 10);

/** @param {Revision} revision */
const argumentsOf = ({ bucket, name, hash }) => ({ bucket, name, ...(hash ? { hash } : {}) });

/** The URI of an entry. @param {any} found the package @param {Entry} entry */
function uriOf(found, entry) {
  const part = (/** @type {string} */ value) => value.split("/").map(encodeURIComponent).join("/");
  return entry.s3_uri ?? `quilt+s3://${found.bucket}#package=${part(found.name)}@${found.hash}&path=${part(entry.logical_key)}`;
}

/**
 * A folder of the tree, page by page.
 * @param {View} view
 * @param {Revision} revision
 * @param {string} path
 * @param {(page: any) => void} onPage
 * @param {(found: any, entry: Entry) => void} onFile
 */
function folder(view, revision, path, onPage, onFile) {
  const list = h("ul", path ? {} : { class: "tree", id: "tree" });
  const load = async (/** @type {string | undefined} */ cursor) => {
    const detail = (await view.session.has("package_browse", "detail")) ? { detail: "full" } : {};
    const args = { ...argumentsOf(revision), path, ...detail, ...(cursor ? { cursor } : {}) };
    const page = await view.session.call("package_browse", args, { signal: view.ends });
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
    load(cursor).catch((error) => !view.ends.aborted && list.append(h("li", {}, problem(error))));
  /** @param {any} found @param {Entry} entry */
  const row = (found, entry) => {
    const key = entry.logical_key;
    const label = key.slice(path.length);
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
      if (!below) item.append((below = folder(view, revision, key, onPage, onFile)));
      below.hidden = isOpen;
    });
    return item;
  };
  run(undefined);
  return list;
}

/** @param {View} view @param {Revision} revision @param {any} page */
function header(view, revision, page) {
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

/** @param {View} view @param {Revision} revision */
function revisions(view, revision) {
  const list = h("ul", { class: "list", id: "revisions" });
  const result = h("div", { id: "difference", "aria-live": "polite" });
  const [from, to] = ["from", "to"].map((id) => h("select", { id: `compare-${id}` }));
  const load = async () => {
    const { versions } = await view.session.call("package_versions", { bucket: revision.bucket, name: revision.name }, { signal: view.ends });
    for (const [index, version] of versions.entries()) {
      const label = `${version.modified ?? ""} ${short(version.hash)}${version.message ? ` ${version.message}` : ""}`;
      list.append(h("li", { class: "row" }, h("a", { href: packageAddress(revision.bucket, revision.name, version.hash) }, label),
        version.is_latest ? h("strong", {}, text.latest) : null, version.problem ? h("span", { class: "bad" }, version.problem) : null));
      from.append(h("option", { value: version.hash, selected: index === 1 }, label));
      to.append(h("option", { value: version.hash, selected: index === 0 }, label));
    }
  };
  load().catch((error) => !view.ends.aborted && fill(result, problem(error)));
  const compare = async (/** @type {Event} */ event) => {
    event.preventDefault();
    try {
      fill(result, differences(await view.session.call("package_diff",
        { bucket: revision.bucket, name: revision.name, hash: from.value, other_hash: to.value }, { signal: view.ends })));
    } catch (error) {
      if (!view.ends.aborted) fill(result, problem(error));
    }
  };
  return h("section", { "aria-labelledby": "revisions-title" }, h("h2", { id: "revisions-title" }, text.revisions), list,
    h("h3", {}, text.compareTitle),
    h("form", { submit: compare, class: "row" }, h("label", { for: "compare-from" }, text.compareFrom), from,
      h("label", { for: "compare-to" }, text.compareTo), to, h("button", {}, text.compareButton)), result);
}

/** @param {any} diff */
export function differences(diff) {
  /** @param {string} title @param {string} kind @param {any[]} entries */
  const part = (title, kind, entries) => entries.length > 0 && h("div", {}, h("h3", { class: kind }, title),
    h("ul", {}, ...entries.map((entry) => h("li", {}, entry.logical_key ?? String(entry), " ",
      h("span", { class: "hint" }, entry.from && entry.to ? `${size(entry.from.size)} → ${size(entry.to.size)}` : size(entry.size))))));
  const { added, removed, changed } = diff.counts;
  const metadata = diff.metadata_changed || Object.values(diff.metadata ?? {}).some((value) => Object.keys(value ?? {}).length > 0);
  return h("div", {}, h("p", {}, text.counts(added, removed, changed), " ", metadata ? text.metadataChanged : ""),
    part(text.added, "good", diff.added), part(text.removed, "bad", diff.removed), part(text.changed, "mixed", diff.changed),
    diff.next_cursor ? h("p", { class: "hint" }, text.notAll) : null);
}

/** @param {View} view @param {Revision} revision */
export function renderRevision(view, revision) {
  const head = h("div", {}, h("p", { class: "quiet" }, text.loading));
  const shown = h("div", { id: "preview", "aria-live": "polite" }, h("p", { class: "quiet" }, text.choose));
  let isFirst = true;
  const onPage = (/** @type {any} */ page) => {
    if (isFirst) fill(head, header(view, revision, page));
    isFirst = false;
  };
  const onFile = async (/** @type {any} */ found, /** @type {Entry} */ entry) => {
    fill(shown, h("p", { class: "quiet" }, text.loading));
    try {
      fill(shown, h("h3", {}, entry.logical_key), await preview(view, uriOf(found, entry), entry.logical_key));
    } catch (error) {
      if (!view.ends.aborted) fill(shown, h("h3", {}, entry.logical_key), problem(error));
    }
  };
  const tree = folder(view, revision, "", onPage, onFile);
  fill(view.main, head,
    h("div", { class: "split" },
      h("section", { "aria-label": text.treeLabel }, h("h2", {}, text.treeLabel), tree),
      h("section", { "aria-label": text.previewLabel }, h("h2", {}, text.previewLabel), shown)),
    revisions(view, revision));
}
