// The page that says how to connect, in each mode.

import assert from "node:assert/strict";
import { accessible, fits, open, pictures, waitText } from "./browser.mjs";

/** How to connect, at the root and at the endpoint, without a place for a token. */
export async function connects(browser, { origin, endpoint }) {
  for (const path of ["/", "/mcp"]) {
    const { page, check } = await open(browser, `${origin}${path}`, { permissions: ["clipboard-read", "clipboard-write"] });
    await waitText(page, "main", "What is on");
    const shown = await page.locator("main").innerText();
    for (const part of [endpoint, "claude mcp add --transport http quilt", "bearer_token_env_var", "Ask for rights: the data desk", "ready", "hs256", "buckets, packaging"]) {
      assert.ok(shown.includes(part), `${part} is not in ${shown}`);
    }
    assert.equal(await page.locator("input").count(), 0, "no token is asked for");
    await page.getByRole("button", { name: "Copy: The endpoint" }).click();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), endpoint);
    for (const link of await page.getByRole("link", { name: /^Install in/ }).all()) {
      const url = new URL(await link.getAttribute("href"));
      assert.equal(url.protocol, "https:");
      const config = url.searchParams.get("config");
      const { url: target, headers } = JSON.parse(url.host === "cursor.com" ? Buffer.from(config, "base64").toString() : config);
      assert.deepEqual([target, headers.Authorization.startsWith("Bearer ${")], [endpoint, true]);
    }
    await accessible(page, "connect");
    await page.emulateMedia({ colorScheme: "dark" });
    await accessible(page, "connect in the dark");
    await fits(page, "connect");
    await pictures(page, "connect");
    await check();
  }
}
