// Who the caller is, what the caller may do, and tokens that are not accepted.

import assert from "node:assert/strict";
import { accessible, fits, open, pictures, useToken, view, waitText } from "./browser.mjs";

const IDENTITY = "#view-identity";

/** Each user sees its own identity, and rights with their evidence. */
export async function shows_rights(browser, { origin, shared, hidden, users }) {
  const { page, check } = await open(browser, origin, { tokens: Object.values(users) });
  await view(page, "Who am I");
  await waitText(page, "main", "Paste a bearer token above");
  for (const [name, token] of Object.entries(users)) {
    await useToken(page, token);
    await waitText(page, `${IDENTITY} dl`, name);
    const canWrite = name === "reader" ? "no" : "yes";
    await waitText(page, "#matrix td", shared);
    await page.getByRole("button", { name: "Ask S3 about writing" }).click();
    const row = page.locator("#matrix tr").filter({ hasText: shared });
    await row.locator("td:nth-child(4)").getByText(canWrite, { exact: true }).waitFor();
    assert.deepEqual((await row.locator("td").allInnerTexts()).slice(1, 4), ["yes", "yes", canWrite]);
  }
  await page.getByLabel("Name of the bucket").fill(hidden);
  await page.getByRole("button", { name: "Check", exact: true }).click();
  await waitText(page, "#checked td", hidden);
  await page.locator("#checked summary").click();
  const evidence = await page.locator("#checked details").innerText();
  assert.ok(evidence.includes(`S3 denied s3:ListBucket on arn:aws:s3:::${hidden}`), evidence);
  await accessible(page, "identity");
  await page.emulateMedia({ colorScheme: "dark" });
  await accessible(page, "identity in the dark");
  await fits(page, "identity");
  await pictures(page, "identity");
  await page.reload();
  await waitText(page, IDENTITY, "Why these credentials");
  await page.getByRole("button", { name: "Forget" }).click();
  await waitText(page, "main", "Paste a bearer token above");
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  await check();
}

/** Says what is wrong with a token, and goes on with another one; another tab has none. */
export async function refuses_tokens(browser, { origin, expired, users }) {
  const { page, context, check } = await open(browser, `${origin}/#identity`, { tokens: [expired, users.reader] });
  for (const [token, sentence, code] of [[expired, "The bearer token expired at", "token_expired"], ["a.b.c", "The bearer token was refused", "invalid_jwt"]]) {
    await useToken(page, token);
    const shown = await waitText(page, "[role=alert]", sentence);
    assert.ok(shown.includes(code) && shown.includes("Request "), shown);
  }
  await useToken(page, `Bearer ${users.reader}`);
  await waitText(page, `${IDENTITY} dl`, "reader");
  const other = await context.newPage();
  await other.goto(`${origin}/#identity`);
  await waitText(other, "main", "Paste a bearer token above");
  await check();
}
