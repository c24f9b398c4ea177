// Who the caller is, with whose rights, and what the buckets allow, with evidence.

import { facts, fill, h, link, plainTable, problem } from "./dom.js";
import { text } from "./strings.js";

/** @typedef {import("./console.js").View} View */
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

/** @param {any} status */
function whoami(status) {
  return h("section", { "aria-labelledby": "who" }, h("h2", { id: "who" }, text.whoTitle),
    facts([
      [text.whoSubject, status.subject], [text.whoName, status.name], [text.whoEmail, status.email],
      [text.whoVerified, status.verified_by], [text.whoExpires, status.token_expires_at], [text.whoUntil, status.acts_until],
      [text.whoRole, status.role], [text.whoRoles, status.roles?.join(", ")],
      [text.whoSource, status.credential_source], [text.whoArn, status.aws_arn], [text.whoAccount, status.aws_account],
      [text.whoKey, status.key_kind], [text.whoCredentials, status.credentials_expire_at],
      [text.whoCatalog, status.catalog_url ? link(status.catalog_url) : null], [text.whoRegistry, status.registry_url],
    ]),
    h("h3", {}, text.whyTitle), h("p", { class: "hint" }, text.whyHint),
    plainTable([text.whySource, text.whyOutcome, text.whyMessage],
      (status.attempts ?? []).map((/** @type {any} */ attempt) => [
        attempt.source,
        h("span", { class: attempt.outcome === "ok" ? "good" : attempt.outcome === "not_applicable" ? "quiet" : "bad" },
          attempt.outcome.replaceAll("_", " ")),
        [attempt.message, attempt.code ? `(${attempt.code})` : ""].filter(Boolean).join(" "),
      ]), text.whyTitle));
}

/** @param {any[]} buckets */
function matrix(buckets) {
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

/** @param {View} view */
function rights({ session, ends }) {
  const result = h("div", { id: "matrix", "aria-live": "polite" });
  const load = async (/** @type {boolean} */ probeWrite) => {
    fill(result, h("p", { class: "quiet" }, text.loading));
    try {
      const found = await session.call("permissions_discover", { probe_write: probeWrite }, { signal: ends });
      fill(result, found.bucket_permissions.length ? matrix(found.bucket_permissions) : h("p", {}, text.noBuckets));
    } catch (error) {
      if (!ends.aborted) fill(result, problem(error));
    }
  };
  load(false);
  return h("section", { "aria-labelledby": "rights" }, h("h2", { id: "rights" }, text.matrixTitle),
    h("p", { class: "hint" }, text.matrixHint), result,
    h("button", { type: "button", id: "probe", click: () => load(true) }, text.probeWrite));
}

/** @param {View} view */
function check({ session, ends }) {
  const result = h("div", { id: "checked", "aria-live": "polite" });
  const input = h("input", { id: "check-bucket", required: true, class: "wide" });
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    try {
      const args = { bucket: input.value.trim(), operations: ["list", "read", "write"] };
      const found = await session.call("bucket_access_check", args, { signal: ends });
      fill(result, matrix([{ ...found, ...found.access_summary }]));
    } catch (error) {
      if (!ends.aborted) fill(result, problem(error));
    }
  };
  return h("section", { "aria-labelledby": "check" }, h("h2", { id: "check" }, text.checkTitle),
    h("form", { submit }, h("label", { for: "check-bucket" }, text.checkLabel),
      h("div", { class: "row" }, input, h("button", {}, text.checkButton))), result);
}

/** @param {View} view */
export async function renderIdentity(view) {
  fill(view.main, h("p", { class: "quiet" }, text.loading));
  const status = await view.session.call("auth_status", {}, { signal: view.ends });
  fill(view.main, whoami(status), rights(view), check(view));
}
