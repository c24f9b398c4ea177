// The views in a host of MCP Apps, in both eras of the protocol, in light and dark, on 500 pixels.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { accessible, waitText } from "./browser.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const ERAS = { legacy: "2025-11-25", auto: "2026-07-28" };
const PACKAGE_TOOLS = ["package_browse", "package_copy", "package_create", "package_create_from_s3", "package_diff",
  "package_list", "package_update", "package_verify"];
const VIEWS = {
  ...Object.fromEntries(PACKAGE_TOOLS.map((name) => [name, "ui://quilt/package.html"])),
  athena_query_execute: "ui://quilt/table.html", bucket_object_preview: "ui://quilt/table.html",
  permissions_discover: "ui://quilt/permissions.html",
};

/** Serves the host at one origin, and the frame of views at another. */
async function site() {
  const bundle = await build({
    entryPoints: [join(here, "host.mjs")], bundle: true, format: "esm", platform: "browser", write: false, logLevel: "error",
  });
  const page = '<!doctype html><html lang="en"><title>Host</title><link rel="icon" href="data:,"><style>body { margin: 0 }</style>' +
    '<body><script type="module" src="/host.js"></script></body></html>';
  const files = {
    "/": ["text/html", page], "/host.js": ["text/javascript", bundle.outputFiles[0].text],
    "/sandbox.html": ["text/html", await readFile(join(here, "sandbox.html"))],
  };
  const server = createServer(({ url }, response) => {
    const [type, content] = files[url] ?? ["text/plain", ""];
    response.writeHead(url in files ? 200 : 404, { "Content-Type": `${type}; charset=utf-8` }).end(content);
  });
  await new Promise((resolve) => server.listen(0, resolve));
  const { port } = server.address();
  return { server, host: `http://127.0.0.1:${port}/`, sandboxUrl: `http://localhost:${port}/sandbox.html` };
}

/** A host with a client that speaks one era. */
class Shown {
  faults = [];

  static async start(browser, at, era, { origin, users }) {
    const shown = new Shown();
    shown.page = await browser.newPage({ viewport: { width: 500, height: 700 } });
    Object.assign(shown, { era, origin, token: users.writer });
    await shown.page.addInitScript(() => {
      window.violations = [];
      document.addEventListener("securitypolicyviolation", (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
    });
    shown.page.on("pageerror", (error) => shown.faults.push(String(error)));
    shown.page.on("dialog", (dialog) => (shown.faults.push(`dialog: ${dialog.message()}`), dialog.dismiss()));
    shown.page.on("console", (message) => {
      // Chromium reports each response with an error status here.
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) shown.faults.push(message.text());
    });
    await shown.page.goto(at.host);
    await shown.page.waitForFunction(() => window.isReady);
    const settings = { mcp: `${origin}/mcp`, era, token: users.writer, sandboxUrl: at.sandboxUrl };
    const declared = await shown.page.evaluate((given) => window.connect(given), settings);
    assert.deepEqual({ ...declared, resources: declared.resources.toSorted() },
      { extension: {}, views: VIEWS, resources: [...new Set(Object.values(VIEWS))].toSorted() });
    return shown;
  }

  /** Calls a tool and waits for its view. */
  async show(tool, args, heading, context) {
    await this.page.evaluate((given) => window.show(...given), [tool, args, context]);
    this.view = this.page.frames().find((frame) => frame.parentFrame()?.parentFrame());
    await waitText(this.view, "main", heading);
  }

  seen(what) {
    return this.page.evaluate((name) => window.seen[name], what);
  }

  button(name) {
    return this.view.getByRole("button", { name, exact: true });
  }

  /** Checks what a person with a small window, a dark screen or a keyboard needs, and leaves pictures. */
  async check(name) {
    const { scrollWidth, targets } = await this.view.evaluate(() => ({
      scrollWidth: document.documentElement.scrollWidth,
      targets: [...document.querySelectorAll("button, select, summary, a[href], input")].filter((found) => found.getClientRects().length)
        .filter((found) => found.getBoundingClientRect().height < 43.5).map((found) => found.outerHTML),
    }));
    assert.ok(scrollWidth <= 500, `${name} is ${scrollWidth} pixels wide`);
    assert.deepEqual(targets, [], `${name}: targets that are hard to hit`);
    assert.ok((await this.seen("heights")).every((height) => height <= 500), "higher than hosts show");
    if (this.era !== "legacy") return;
    for (const scheme of ["light", "dark"]) {
      await this.page.evaluate((dark) => (dark ? window.darken() : window.lighten()), scheme === "dark");
      await this.view.waitForFunction((wanted) => document.documentElement.style.colorScheme === wanted, scheme);
      const painted = await this.page.evaluate((chosen) => window.looks[chosen]["--color-background-primary"], scheme);
      // The host's color is behind the view, which is transparent.
      const back = await this.view.evaluate((color) => {
        const before = getComputedStyle(document.body).backgroundColor;
        document.documentElement.style.background = color;
        return before;
      }, painted);
      assert.equal(back, "rgba(0, 0, 0, 0)");
      await accessible(this.view, `${name} in ${scheme}`);
      if (process.env.PICTURES) {
        await this.page.evaluate((color) => (document.body.style.background = color), painted);
        await this.view.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
        await this.page.screenshot({ path: `${process.env.PICTURES}/view-${name}-${scheme}.png` });
      }
      await this.view.evaluate(() => (document.documentElement.style.background = ""));
    }
  }

  async end() {
    await this.page.evaluate(() => window.tearDown());
    for (const frame of this.page.frames()) assert.deepEqual(await frame.evaluate(() => window.violations), [], frame.url());
    assert.deepEqual(this.faults, []);
    const versions = new Set((await this.seen("calls")).map(([, version]) => version));
    assert.deepEqual([...versions], [ERAS[this.era]]);
    // The policy was in force.
    const forbidden = this.view.evaluate(() => new Promise((resolve) => {
      document.addEventListener("securitypolicyviolation", ({ effectiveDirective }) => resolve(effectiveDirective));
      new Image().src = "http://localhost/never.png";
    }));
    assert.equal(await forbidden, "img-src");
    await this.page.close();
  }
}

async function browses(shown, { bucket, name, catalog }) {
  await shown.show("package_browse", { bucket, name }, "Top hash");
  const listed = (await shown.seen("calls")).length;
  const { view } = shown;
  await waitText(view, "#tree", "README.md");
  // The keyboard alone opens a folder, a table in it, and its chart.
  await shown.button("data/").press("Enter");
  await shown.button("measurements.csv").press("Enter");
  await waitText(view, "#preview", "species");
  const select = view.getByLabel("Chart of");
  await select.focus();
  await select.press("ArrowDown");
  const bars = await view.locator("svg.chart rect").count();
  assert.ok(bars > 1, `${bars} bars`);
  await shown.check("package");
  await shown.button("images/").click();
  await shown.button("gradient.png").click();
  assert.ok((await view.locator("#preview img").evaluate((found) => found.decode().then(() => found.naturalWidth))) > 0);
  await shown.button("Tell the model what I look at").click();
  await waitText(view, "[role=status]", "The model knows");
  const told = (await shown.seen("contexts")).at(-1);
  assert.ok(told.includes("quilt+s3://") || told.includes("s3://"), told);
  assert.ok(told.includes("gradient.png"), told);
  await view.getByText("Revisions", { exact: true }).press("Enter");
  await waitText(view, "#revisions", "latest");
  await shown.button("Compare").press("Enter");
  const difference = await waitText(view, "#difference", "1 added, 0 removed, 0 changed.");
  assert.ok(difference.includes("notes/added.txt"), difference);
  await view.getByRole("link", { name: "Open in the catalog" }).press("Enter");
  assert.ok((await shown.seen("links")).at(-1).startsWith(`${catalog}/b/${bucket}/packages/${name}`));
  const calls = (await shown.seen("calls")).slice(listed).map(([tool]) => tool);
  assert.deepEqual(calls, ["package_browse", "bucket_object_preview", "package_browse", "bucket_object_fetch", "package_versions", "package_diff"]);
  // Another revision, and the list of packages, are shown within the view.
  await view.locator("#revisions a").last().click();
  await waitText(view, "#tree", "README.md");
  await view.getByRole("link", { name: `Packages of ${bucket}` }).click();
  await view.getByLabel("Name begins with").fill(name);
  await view.getByLabel("Name begins with").press("Enter");
  await view.locator("#package-list").getByRole("link").first().waitFor();
  await shown.button("Larger").click();
  await shown.button("Larger").waitFor({ state: "detached" });
}

async function shows_results(shown, { bucket, shared, name }) {
  await shown.show("package_browse", { bucket, name, path: "data/" }, "Top hash");
  await shown.button("measurements.csv").waitFor();
  await shown.show("package_list", { bucket }, name);
  await shown.check("packages");
  await shown.show("package_diff", { bucket, name }, "1 added, 0 removed, 0 changed.");
  await shown.check("differences");
  await shown.show("package_verify", { bucket, name, check_objects: true }, "are right");
  await shown.check("verification");
  await shown.show("package_browse", { bucket, name: "no/such" }, "no_such_package");
  assert.ok(await shown.button("Tell the model what I look at").isDisabled(), "there is nothing to tell");
  await shown.show("permissions_discover", { check_buckets: [shared] }, "Evidence for");
  await shown.button("Ask S3 about writing").press("Enter");
  await shown.view.locator("#matrix tr").filter({ hasText: shared }).locator("td:nth-child(4)").getByText("yes", { exact: true }).waitFor();
  await shown.check("permissions");
  await shown.show("bucket_object_preview", { bucket, key: "plankton/data/measurements.csv", rows: 3 }, "species");
  await shown.button("More rows").click();
  await shown.view.locator("tbody tr").nth(3).waitFor();
  await shown.show("athena_query_execute", { sql: "SELECT 3 AS amount, 'c' AS label UNION ALL SELECT -1, 'a' UNION ALL SELECT 20, 'b'" }, "amount");
  await shown.view.getByLabel("Chart of").selectOption("amount");
  await shown.button("Sort by amount").press("Enter");
  assert.deepEqual(await shown.view.locator("tbody td:first-child").allInnerTexts(), ["-1", "3", "20"]);
  const bars = await shown.view.locator("svg.chart rect").evaluateAll((found) => found.map((bar) => Number(bar.getAttribute("height"))));
  assert.ok(bars[0] < bars[1] && bars[1] < bars[2] && bars[2] < 100, `${bars}`);
  await shown.check("table");
}

/** A dry run is shown as a tree of what changes, and written after a confirmation alone. */
async function writes(shown, { bucket, name, files }) {
  const written = `views/${shown.era}`;
  const create = { bucket, name: written, files, message: "by a view", dry_run: true };
  await shown.show("package_create", create, `Dry run: ${written}`);
  const tree = await shown.view.locator("#changes").innerText();
  assert.ok(/data\/\s+measurements\.csv added/.test(tree) && /README\.md added/.test(tree), tree);
  const hash = await shown.view.locator("dd code").first().innerText();
  const before = (await shown.seen("calls")).length;
  await shown.button("Write this revision…").press("Enter");
  await waitText(shown.view, "#write", `Write ${written} into the bucket ${bucket}?`);
  // The keyboard is on the answer that changes nothing.
  await shown.view.locator(":focus").press("Enter");
  await shown.button("Write this revision…").press("Enter");
  assert.equal((await shown.seen("calls")).length, before, "nothing was called before the confirmation");
  await shown.button("Yes, write it").press("Enter");
  await waitText(shown.view, "[role=status]", `The revision ${hash} is written.`);
  await waitText(shown.view, "#tree", "README.md");
  // The plan is made again before it is carried out.
  const called = (await shown.seen("calls")).slice(before, before + 2).map(([tool, , args]) => [tool, args]);
  assert.deepEqual(called, [["package_create", create], ["package_create", { ...create, dry_run: false }]]);
  assert.ok((await shown.seen("contexts")).at(-1).includes(hash));

  const update = { bucket, name: written, add: [{ s3_uri: files[1], logical_key: "data/measurements.csv" }, { s3_uri: files[1], logical_key: "new.md" }], remove: ["README.md"], dry_run: true };
  await shown.show("package_update", update, "1 added, 1 removed, 1 changed.", { toolInfo: undefined });
  const changes = await shown.view.locator("#changes").innerText();
  for (const line of [/measurements\.csv changed/, /new\.md added/, /README\.md removed/]) assert.match(changes, line);
  await shown.check("dry-run");
  // A revision that came in between is not overwritten by a plan that does not know it.
  const other = { bucket, name: written, metadata: { other: true }, message: "in between" };
  const call = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "package_update", arguments: other } };
  const headers = { "content-type": "application/json", authorization: `Bearer ${shown.token}` };
  const answer = await (await fetch(`${shown.origin}/mcp`, { method: "POST", headers, body: JSON.stringify(call) })).json();
  assert.equal(answer.result.isError, false);
  await shown.button("Write this revision…").click();
  await shown.button("Yes, write it").click();
  await waitText(shown.view, "main", "The package has changed since.");
  await shown.button("Write this revision…").click();
  await shown.button("Yes, write it").click();
  await waitText(shown.view, "#tree", "new.md");
  assert.equal((await shown.seen("calls")).findLast(([called]) => called !== "package_browse")[0], "package_update");
  await shown.show("package_browse", { bucket, name }, "Top hash");
}

/** Names, messages, metadata, contents and rows with markup are shown as they are. */
async function shows_hostile_content(shown, { bucket, hostile }) {
  const { name } = hostile;
  await shown.show("package_browse", { bucket, name }, hostile.message);
  assert.ok((await shown.view.locator("main").innerText()).includes(JSON.stringify(hostile.metadata)));
  for (const [key, content] of Object.entries(hostile.files)) {
    await shown.button(key).click();
    await waitText(shown.view, "#preview h3", key);
    for (const cell of key.endsWith(".csv") ? content.split(",") : [content]) await waitText(shown.view, "#preview", cell);
  }
  const key = Object.keys(hostile.files)[0];
  await shown.show("package_create_from_s3", { bucket, name: "views/never", source_prefix: "hostile/", message: hostile.message, metadata: hostile.metadata, dry_run: true }, key);
  await shown.show("package_verify", { bucket, name }, "intact");
  await shown.show("athena_query_execute", { sql: `SELECT '${hostile.message}' AS "${hostile.message}", 'javascript:window.ran=1' AS url` }, "javascript:window.ran=1");
  await waitText(shown.view, "th", hostile.message);
  const made = await shown.view.evaluate(() => [window.ran, document.querySelectorAll("main script, main iframe, main [onerror], main svg:not(.chart)").length,
    ...[...document.links].map(({ protocol }) => protocol)]);
  assert.deepEqual(made, [undefined, 0, "http:"], "the one link is that to the catalog");
}

/** All views, in both eras at the same time. */
export async function shows_views_in_a_host(browser, config) {
  const at = await site();
  const visit = async (era) => {
    const shown = await Shown.start(browser, at, era, config);
    for (const part of [browses, shows_results, writes, shows_hostile_content]) await part(shown, config);
    await shown.end();
  };
  try {
    await Promise.all(Object.keys(ERAS).map(visit));
  } finally {
    at.server.close();
  }
}
