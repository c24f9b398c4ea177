// The view of packages: a list, a tree with previews, differences, a verification, and what a dry run would write.

import { facts, fill, h, plainTable, problem, size } from "./dom.js";
import { startView } from "./host.js";
import { packageAddress, packageAt, packageList } from "./packages.js";
import { differences, revisions, revisionTree } from "./revision.js";
import { text, viewText } from "./strings.js";

/** @typedef {import("./host.js").HostPanel} HostPanel */
/** @typedef {import("./host.js").Result} Result */
/** @typedef {import("./revision.js").Revision} Revision */

/** Sections that are loaded when they are opened. @param {HostPanel} panel @param {Revision} revision */
function otherRevisions(panel, revision) {
  const details = h("details", {}, h("summary", {}, text.revisions));
  details.addEventListener("toggle", () => details.append(revisions(panel, revision)), { once: true });
  return details;
}

/** @param {HostPanel} panel @param {Revision} revision @param {{ args?: Record<string, any>, first?: any }} [known] */
function showRevision(panel, revision, known) {
  fill(panel.main, revisionTree(panel, revision, known), otherRevisions(panel, revision));
}

/** @param {HostPanel} panel @param {string} bucket @param {{ args?: Record<string, any>, first?: any }} [known] */
function showList(panel, bucket, known) {
  panel.onShow?.({ packages: { bucket } });
  fill(panel.main, packageList(panel, bucket, known));
}

/** A link to a package within this view. @param {any} found */
const browseLink = (found) => h("p", {}, h("a", { href: packageAddress(found.bucket, found.name, found.hash) }, viewText.browse(found.name)));

/** @param {HostPanel} panel @param {Record<string, any>} args @param {any} diff */
function showDifferences(panel, args, diff) {
  panel.onShow?.({ differences: { from: diff.from, to: diff.to } });
  const side = (/** @type {any} */ { hash, modified, message }) =>
    h("span", {}, h("code", {}, hash.slice(0, 10)), ` ${modified ?? ""} ${message ?? ""}`);
  const { from, to } = diff;
  const given = Object.keys(args).length ? args
    : { bucket: from.bucket, name: from.name, hash: from.hash, other_hash: to.hash, other_bucket: to.bucket, other_name: to.name };
  fill(panel.main, h("h2", {}, diff.to.name),
    facts([[text.compareFrom, side(diff.from)], [text.compareTo, side(diff.to)]]),
    differences(panel, given, diff), browseLink(diff.to));
}

/** @param {HostPanel} panel @param {any} output */
function showVerification(panel, output) {
  const { package: found, objects, manifest_ok: isIntact } = output;
  panel.onShow?.({ verified: found, manifest_ok: isIntact });
  const lists = [[viewText.missing, "missing"], [viewText.mismatched, "mismatched"], [viewText.unverifiable, "unverifiable"]];
  fill(panel.main, h("h2", {}, viewText.verified(found.name)),
    facts([
      [viewText.manifest, h("span", { class: isIntact ? "good" : "bad" }, isIntact ? viewText.intact : viewText.notIntact)],
      [text.message, output.manifest_error], [text.hash, h("code", {}, output.top_hash)],
      [viewText.recomputed, output.recomputed_hash ? h("code", {}, output.recomputed_hash) : null],
      [viewText.objects, objects ? viewText.objectsOk(objects.ok, objects.checked) : null],
    ]),
    objects && !objects.complete && h("p", { class: "mixed" }, viewText.notComplete),
    ...lists.map(([title, name]) => objects?.[name].length > 0 && h("div", {}, h("h3", { class: "bad" }, title),
      plainTable([viewText.logicalKey, viewText.reason], objects[name].map((/** @type {any} */ row) => [row.logical_key, row.reason]), title))),
    browseLink(found));
}

const KINDS = /** @type {const} */ (["added", "changed", "removed"]);
const CLASSES = { added: "good", changed: "mixed", removed: "bad" };

/** @typedef {{ folders: Map<string, Folder>, files: { name: string, kind: typeof KINDS[number] }[] }} Folder */

/** The tree of what changes. @param {Record<string, string[]>} changes logical keys by kind */
function changeTree(changes) {
  const folder = () => /** @type {Folder} */ ({ folders: new Map(), files: [] });
  const root = folder();
  for (const kind of KINDS) {
    for (const key of changes[kind] ?? []) {
      const parts = key.split("/");
      const name = parts.pop() ?? "";
      let at = root;
      for (const part of parts) {
        const below = at.folders.get(part) ?? folder();
        at.folders.set(part, below);
        at = below;
      }
      at.files.push({ name, kind });
    }
  }
  /** @param {Folder} at @param {Record<string, string>} attributes @returns {HTMLElement} */
  const list = (at, attributes = {}) => h("ul", attributes,
    ...[...at.folders].map(([name, below]) => h("li", {}, `${name}/`, list(below))),
    ...at.files.map(({ name, kind }) => h("li", {}, name, " ", h("span", { class: CLASSES[kind] }, text[kind].toLowerCase()))));
  return list(root, { class: "tree", id: "changes" });
}

/** The tool of a dry run, if the application does not say. @param {Record<string, any>} args @param {any} output */
function toolOf(args, output) {
  if ("dest_bucket" in args) return "package_copy";
  const fromS3 = ["source_prefix", "source_bucket", "include", "exclude", "resume"];
  if (fromS3.some((argument) => argument in args) && !("add_from_s3" in args)) return "package_create_from_s3";
  return output.diff && !args.overwrite ? "package_update" : "package_create";
}

/** What a dry run would write, and a button that does it after a confirmation. @param {HostPanel} panel @param {Result} result */
function showPlan(panel, { tool, args, output }) {
  const { bucket, name, hash } = output.package;
  panel.onShow?.({ dry_run: { ...output.package, diff: output.diff } });
  const changes = output.changes ?? { added: output.entries ?? [], changed: [], removed: [] };
  const counts = output.diff ?? { added: output.entries_added, changed: 0, removed: 0 };
  const more = KINDS.map((kind) => counts[kind] > changes[kind].length && h("p", { class: "hint" }, viewText.andMore(counts[kind] - changes[kind].length, text[kind])));
  fill(panel.main, h("h2", {}, viewText.dryRun(name, bucket)),
    h("p", {}, output.diff ? "" : `${viewText.newPackage} `, viewText.nothingWritten, " ", text.counts(counts.added, counts.removed, counts.changed)),
    changeTree(changes), ...more,
    facts([
      [text.hash, h("code", {}, hash)], [text.content, size(output.total_bytes)],
      [text.metadata, output.metadata && Object.keys(output.metadata).length ? h("code", {}, JSON.stringify(output.metadata)) : null],
    ]),
    ...output.warnings.map((/** @type {string} */ warning) => h("p", { class: "mixed" }, warning)),
    args && writer(panel, tool ?? toolOf(args, output), args, output.package, viewText.write));
}

/**
 * A button that writes after a confirmation.
 * @param {HostPanel} panel
 * @param {string} tool
 * @param {Record<string, any>} args
 * @param {{ bucket: string, name: string, hash: string }} planned
 * @param {string} label
 */
function writer(panel, tool, args, planned, label) {
  const place = h("div", { class: "row", id: "write" });
  const ask = () => {
    const no = h("button", { type: "button", click: offer }, viewText.noWrite);
    fill(place, h("p", {}, viewText.reallyWrite(planned.name, planned.bucket)),
      h("button", { type: "button", class: "main", click: write }, viewText.yesWrite), no);
    no.focus();
  };
  const offer = () => {
    const button = h("button", { type: "button", class: "main", click: ask }, label);
    const isBack = place.firstChild !== null;
    fill(place, button);
    if (isBack) button.focus();
  };
  const write = async () => {
    fill(place, h("p", { role: "status" }, viewText.writing));
    try {
      // The package may have a new revision since the plan was made, or this one.
      const now = args.resume ? null : await panel.session.call(tool, { ...args, dry_run: true }, { signal: panel.ends });
      if (now && now.package.hash !== planned.hash) {
        showPlan(panel, { tool, args, output: { ...now, warnings: [viewText.planChanged, ...now.warnings] } });
        return;
      }
      showWritten(panel, tool, args, planned, await panel.session.call(tool, { ...args, dry_run: false }, { signal: panel.ends }));
    } catch (error) {
      offer();
      if (!panel.ends.aborted) place.append(problem(error));
    }
  };
  offer();
  return place;
}

/** @param {HostPanel} panel @param {string} tool @param {Record<string, any>} args @param {{ hash: string }} planned @param {any} output */
function showWritten(panel, tool, args, planned, output) {
  const { bucket, name, hash } = output.package;
  const warnings = output.warnings.map((/** @type {string} */ warning) => h("p", { class: "mixed" }, warning));
  if (output.complete === false) {
    const next = { ...args, resume: output.resume, ...(output.expected_hash ? { expected_hash: output.expected_hash } : {}) };
    fill(panel.main, h("h2", {}, name), ...warnings, writer(panel, tool, next, { bucket, name, hash: planned.hash }, viewText.goOn));
    return;
  }
  const said = h("p", { role: "status", class: "good", tabindex: -1 }, viewText.written(hash));
  const tree = h("div");
  fill(panel.main, said, hash === planned.hash ? null : h("p", { class: "mixed" }, viewText.writtenOther), ...warnings, tree);
  said.focus();
  showRevision({ ...panel, main: tree }, { bucket, name, hash });
  panel.host.tell(viewText.modelWritten(name, bucket, hash)).catch((error) => tree.before(problem(error)));
}

startView("quilt-package", (panel, result) => {
  const { args, output } = result;
  if (output.dry_run) return showPlan(panel, result);
  if (output.packages) return showList(panel, output.bucket, { args: args ?? {}, first: output });
  if (output.from && output.to) return showDifferences(panel, args ?? {}, output);
  if ("manifest_ok" in output) return showVerification(panel, output);
  if (!output.package) return fill(panel.main, h("p", {}, viewText.gotNone));
  const { bucket, name, hash } = output.package;
  // A result of a tool that wrote names keys alone.
  if (!output.uri) return showRevision(panel, { bucket, name, hash });
  const { path, recursive, match, uses, limit } = args ?? {};
  const listing = Object.fromEntries(Object.entries({ path, recursive, match, uses, limit }).filter(([, value]) => value !== undefined));
  return showRevision(panel, { bucket, name, hash }, { args: listing, first: output });
}, (panel, path) => {
  const { bucket, name, hash } = packageAt(path);
  if (name) showRevision(panel, { bucket, name, hash });
  else showList(panel, bucket);
});
