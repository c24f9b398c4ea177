// A package is listed, browsed, previewed and compared; what users wrote stays text.

import assert from "node:assert/strict";
import { accessible, fits, open, pictures, useToken, view, waitText } from "./browser.mjs";

/** The sample package, by links and buttons alone. */
export async function browses_packages(browser, { origin, name, users }) {
  const { page, check } = await open(browser, origin, { tokens: [users.reader] });
  // The development environment offers its users.
  await page.getByRole("button", { name: "reader", exact: true }).click();
  await view(page, "Packages");
  await page.getByRole("link", { name, exact: true }).click();
  await waitText(page, "main", "Top hash");
  await waitText(page, "#tree", "README.md");
  // The keyboard alone opens a folder and an image in it.
  await page.locator("#tree").getByRole("button", { name: "images/" }).press("Enter");
  await page.getByRole("button", { name: "gradient.png" }).press("Enter");
  const image = page.locator("#preview img");
  await image.waitFor();
  assert.ok((await image.evaluate((found) => found.decode().then(() => found.naturalWidth))) > 0);
  await page.getByRole("button", { name: "README.md" }).click();
  await waitText(page, "#preview pre", "# Plankton measurements");
  await page.getByRole("button", { name: "data/", exact: true }).click();
  await page.getByRole("button", { name: "measurements.csv" }).click();
  await waitText(page, "#preview", "species");
  await page.getByLabel("Chart of").selectOption("length_mm");
  assert.equal(await page.locator("#preview svg rect").count(), await page.locator("#preview tbody tr").count());
  await accessible(page, "package");
  await fits(page, "package");
  await page.getByRole("button", { name: "Compare", exact: true }).click();
  const difference = await waitText(page, "#difference", "1 added, 0 removed, 0 changed.");
  assert.ok(difference.includes("notes/added.txt"), difference);
  await pictures(page, "package");
  await page.goBack();
  await page.getByRole("link", { name, exact: true }).waitFor();
  await check();
}

/** Names, contents, messages and metadata with markup are shown as they are. */
export async function shows_hostile_content_as_text(browser, { origin, bucket, name, texts, users }) {
  const { page, check } = await open(browser, origin, { tokens: [users.writer] });
  await useToken(page, users.writer);
  await page.goto(`${origin}/#packages/${bucket}/${name}`);
  await waitText(page, "#tree", texts.key);
  const head = await waitText(page, "main", texts.message);
  assert.ok(head.includes(JSON.stringify(texts.metadata)), head);
  for (const [key, content] of Object.entries(texts.files)) {
    await page.locator("#tree").getByRole("button", { name: key, exact: true }).click();
    await waitText(page, "#preview h3", key);
    // Cells of a table stand apart.
    for (const shown of key.endsWith(".csv") ? content.split(",") : [content]) await waitText(page, "#preview", shown);
  }
  for (const [tool, args, shown] of [["package_browse", { bucket, name }, texts.key], ["package_browse", { bucket, name }, texts.message]]) {
    await page.goto(`${origin}/#tools/${tool}`);
    await page.locator("#form").waitFor();
    for (const [argument, value] of Object.entries(args)) await page.locator(`[data-argument="${argument}"]`).fill(value);
    await page.locator("#run").click();
    await waitText(page, "#result pre", JSON.stringify(shown).slice(1, -1));
  }
  assert.deepEqual(await page.evaluate(() => [window.ran, document.querySelectorAll("main script, main iframe, main svg, main [onerror]").length]), [undefined, 0]);
  const links = await page.evaluate(() => [...document.links].map((found) => found.protocol));
  assert.ok(links.every((protocol) => ["http:", "https:"].includes(protocol)), links);
  await check();
}
