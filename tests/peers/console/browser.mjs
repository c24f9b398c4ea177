// A page of the server in a headless Chromium, and what must hold for each: no violation of its Content Security Policy, no
// request to another origin, no error, and no token where it would outlive the tab.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export async function launch(executablePath) {
  // Root, as which containers run, has no sandbox.
  const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run"];
  return chromium.launch({ executablePath, args });
}

/** Opens a URL. `tokens`: secrets that must appear nowhere. */
export async function open(browser, url, { tokens = [], isGone = false, ...options } = {}) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const faults = [];
  const requests = [];
  const origin = new URL(url).origin;
  await page.addInitScript(() => {
    window.violations = [];
    document.addEventListener("securitypolicyviolation", (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
  });
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("dialog", (dialog) => (faults.push(`dialog: ${dialog.message()}`), dialog.dismiss()));
  page.on("console", (message) => {
    // Chromium reports each response with an error status here.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) faults.push(message.text());
  });
  page.on("request", (request) => requests.push(request.url()));
  await page.goto(url);
  const check = async () => {
    assert.deepEqual(await page.evaluate(() => window.violations), [], "violations of the Content Security Policy");
    assert.deepEqual(faults, []);
    assert.deepEqual(requests.filter((sent) => !sent.startsWith(`${origin}/`) && !sent.startsWith("data:")), [], "requests elsewhere");
    const kept = await page.evaluate(() => JSON.stringify([Object.entries(localStorage), document.cookie, location.href, document.title]));
    const databases = await page.evaluate(async () => (await indexedDB.databases()).length + (await caches.keys()).length);
    assert.equal(databases, 0);
    const cookies = await context.cookies();
    const addresses = [...requests, kept, JSON.stringify(cookies)].join("\n");
    for (const token of tokens) {
      assert.ok(!addresses.includes(token), "a token in a URL or in storage that outlives the tab");
      assert.ok(!(await page.locator("body").innerText()).includes(token), "a token in the text of the page");
    }
    await context.close();
  };
  return { page, context, check, requests };
}

/** Serious findings of axe. */
export async function accessible(page, where) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  const shown = serious.map(({ id, nodes }) => `${where}: ${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join(" | ")}`);
  assert.deepEqual(shown, []);
}

/** Sets the token by the page's form. */
export async function useToken(page, token) {
  await page.getByLabel("Bearer token").fill(token);
  await page.getByRole("button", { name: "Use", exact: true }).click();
}

/** Opens a view by its link. */
export async function view(page, name) {
  await page.getByRole("link", { name, exact: true }).click();
}

/** Waits for a text in an element, and returns all of the element's. */
export async function waitText(page, selector, text) {
  const element = page.locator(selector).filter({ hasText: text }).first();
  await element.waitFor({ timeout: 20_000 });
  return element.innerText();
}

/** Pictures in both widths and both schemes, in the folder of the environment variable `PICTURES`, if it is set. */
export async function pictures(page, name) {
  const folder = process.env.PICTURES;
  if (!folder) return;
  for (const [width, colorScheme] of [[1280, "light"], [400, "dark"]]) {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: `${folder}/${name}-${width}.png`, fullPage: true });
  }
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.emulateMedia({ colorScheme: "light" });
}

/** Checks that nothing is wider than a small screen. */
export async function fits(page, where) {
  await page.setViewportSize({ width: 400, height: 900 });
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= 400, `${where} is ${width} pixels wide on a screen of 400`);
  await page.setViewportSize({ width: 1280, height: 900 });
}
