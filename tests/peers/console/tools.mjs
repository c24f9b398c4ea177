// Forms of tools.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { accessible, fits, open, pictures, useToken, view, waitText } from "./browser.mjs";

const argument = (page, name) => page.locator(`[data-argument="${name}"]`);

async function run(page, tool, args = {}) {
  await page.locator("#tool-list").getByRole("link", { name: tool, exact: true }).click();
  await page.locator("#tool").waitFor();
  await page.locator("p code").getByText(tool, { exact: true }).waitFor();
  for (const [name, value] of Object.entries(args)) {
    const control = argument(page, name);
    if (await control.evaluate((element) => element instanceof HTMLSelectElement)) await control.selectOption({ label: String(value) });
    else await control.fill(typeof value === "object" ? JSON.stringify(value) : String(value));
  }
  await page.locator("#run").click();
}

async function output(page, sentence = "The tool succeeded.") {
  await waitText(page, "#result", sentence);
  return JSON.parse(await page.locator("#result pre").innerText());
}

/** Every tool has a form with a field for each of its arguments. */
export async function has_a_form_for_each_tool(browser, { origin, tools }) {
  const { page, check } = await open(browser, origin);
  await view(page, "Tools");
  await page.locator("#tool-list a").first().waitFor();
  const listed = await page.locator("#tool-list a").allInnerTexts();
  assert.deepEqual(listed.toSorted(), Object.keys(tools).toSorted());
  for (const [tool, names] of Object.entries(tools)) {
    await page.locator("#tool-list").getByRole("link", { name: tool, exact: true }).click();
    await page.locator("p code").getByText(tool, { exact: true }).waitFor();
    const found = await page.locator("#form > [data-argument], #form > .field > [data-argument]").evaluateAll((controls) => controls.map((control) => control.dataset.argument));
    assert.deepEqual(found.toSorted(), names.toSorted(), tool);
    const unnamed = await page.evaluate(() => [...document.querySelectorAll("#form input, #form select, #form textarea")].filter((control) => !control.labels?.length).length);
    assert.equal(unnamed, 0, `${tool} has controls without a label`);
  }
  await page.locator("#tool-list").getByRole("link", { name: "package_update", exact: true }).press("Enter");
  await page.locator("p code").getByText("package_update", { exact: true }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), "tool", "the keyboard is at what was opened");
  await page.getByRole("button", { name: "Add to add", exact: true }).click();
  await accessible(page, "form");
  await fits(page, "form");
  await check();
}

/** Tools are run, in each version of the protocol. */
export async function runs_tools(browser, { origin, shared, hidden, folder, users }) {
  const { page, check } = await open(browser, origin, { tokens: [users.writer] });
  await view(page, "Tools");
  await page.locator("#tool-list a").first().waitFor();
  await run(page, "bucket_list");
  const refusal = await waitText(page, "#result [role=alert]", "missing_jwt");
  assert.ok(refusal.includes("Authorization: Bearer"), refusal);
  await useToken(page, users.writer);
  for (const version of ["2026-07-28", "2025-11-25"]) {
    await page.locator("#version").selectOption(version);
    await run(page, "bucket_objects_list", { bucket: shared, prefix: "plankton/", max_keys: 2 });
    assert.equal((await output(page)).objects.length, 2);
    const request = await page.locator("#request pre").innerText();
    assert.ok(request.includes(`mcp-protocol-version: ${version}`) && !request.includes(users.writer), request);
    await run(page, "bucket_access_check", { bucket: shared, operations: "list\nwrite" });
    assert.equal((await output(page)).access_summary.can_write, true);
    await run(page, "package_create_from_s3", { bucket: shared, name: `page/era-${version}`, source_prefix: "plankton/", metadata: { version }, flatten: true });
    assert.equal((await output(page)).entries_added, 5);
  }
  // An upload of bytes that are no text.
  const file = join(folder, "bytes.bin");
  await writeFile(file, Buffer.from([0, 255, 254, 10, 128]));
  await page.locator("#tool-list").getByRole("link", { name: "bucket_objects_put", exact: true }).click();
  await argument(page, "bucket").fill(shared);
  await page.getByLabel("file", { exact: true }).setInputFiles(file);
  await page.getByText("bytes.bin, 5 bytes").waitFor();
  assert.equal(await argument(page, "key").inputValue(), "bytes.bin");
  await argument(page, "key").fill("from-a-page/bytes.bin");
  await accessible(page, "tool");
  await page.locator("#run").click();
  assert.equal((await output(page)).uploaded, 1);
  await pictures(page, "tool");
  await run(page, "bucket_object_fetch", { s3_uri: `s3://${shared}/from-a-page/bytes.bin` });
  await waitText(page, "#result", "AP/+CoA=");
  // A denial is shown with what S3 said.
  await run(page, "bucket_objects_list", { bucket: hidden });
  const denied = await output(page, "The tool failed: access_denied");
  assert.ok(denied.error.startsWith(`S3 denied s3:ListBucket on`), denied.error);
  await run(page, "package_create", { bucket: shared, name: "page/bad", metadata: "no JSON" });
  await waitText(page, "#result [role=alert]", "is not JSON");
  await check();
}

/** A long call reports its progress, and ends when the user cancels it. */
export async function cancels_a_call(browser, { origin, bucket, users }) {
  const { page, check } = await open(browser, `${origin}/#tools`, { tokens: [users.writer] });
  await useToken(page, users.writer);
  await page.locator("#tool-list a").first().waitFor();
  await run(page, "package_create_from_s3", { bucket, name: "page/slow", source_prefix: "slow/" });
  await waitText(page, "#progress", /\d/);
  await page.getByRole("button", { name: "Cancel", exact: true }).press("Enter");
  await waitText(page, "#result", "The call was cancelled.");
  assert.equal(await page.locator("#run").isEnabled(), true);
  await check();
}
