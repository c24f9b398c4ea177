// Opens pages in a headless Chromium: `node drive.mjs CHROMIUM BUNDLE URL…`, where BUNDLE is the file that the pages load as
// their script. Prints what each page came to as one JSON line.

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { chromium } from "playwright-core";

const [executablePath, outfile, ...urls] = process.argv.slice(2);
const entry = join(dirname(fileURLToPath(import.meta.url)), "page.mjs");
await build({ entryPoints: [entry], bundle: true, format: "esm", platform: "browser", outfile, logLevel: "error" });

// Nothing but the pages is asked for. Root, as which containers run, has no sandbox.
const args = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];
const browser = await chromium.launch({ executablePath, args });
try {
  for (const url of urls) {
    const page = await browser.newPage();
    const [answers, faults] = [[], []];
    page.on("response", (answer) => answers.push([answer.request().method(), answer.url(), answer.status()]));
    page.on("pageerror", (fault) => faults.push(String(fault)));
    await page.goto(url);
    await page.waitForSelector("body[data-done]", { timeout: 60_000 });
    const [shown, seen] = [await page.locator("li").allInnerTexts(), await page.evaluate(() => window.seen)];
    console.log(JSON.stringify({ shown, seen, answers, faults }));
    await page.close();
  }
} finally {
  await browser.close();
}
