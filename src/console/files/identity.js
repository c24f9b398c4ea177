// Who the caller is, with whose rights, and what the buckets allow.

import { facts, fill, h, link, plainTable, problem } from "./dom.js";
import { matrix, rights } from "./rights.js";
import { text } from "./strings.js";

/** @typedef {import("./console.js").View} View */

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
