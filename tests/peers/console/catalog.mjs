// Quilt's own front end: the list of packages, revisions, the tree with README and summary, keys that browsers encode, and a
// bucket that the browser's user may not read.

import assert from "node:assert/strict";

export async function shows_packages_in_the_real_catalog(browser, { catalog, page: address, bucket, hidden, hashes, files }) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const [requests, refused] = [[], []];
  page.on("request", (request) => requests.push(request.url()));
  page.on("response", (response) => response.status() === 403 && refused.push(response.url()));
  const shows = (text, options) => page.getByText(text, options).first().waitFor({ timeout: 20_000 });

  // The page of a result: message, metadata, folders, the README with its picture, and the summary.
  await page.goto(address);
  await page.getByRole("heading", { name: "Read me first" }).waitFor({ timeout: 30_000 });
  for (const text of ["With its depth", "depth", "größe", "data (1)", "notes.json", "Notes of the cruise"]) await shows(text);
  const picture = page.locator("img[alt=plot]");
  await picture.waitFor();
  assert.equal(await picture.evaluate((image) => image.decode().then(() => image.naturalWidth)), 16);
  await page.getByText("data (1)", { exact: true }).click();
  for (const key of Object.keys(files).filter((key) => key.includes("/"))) {
    const name = key.slice(key.indexOf("/") + 1);
    await page.getByText(name, { exact: true }).first().click();
    await page.getByRole("heading", { name: files[key].slice(2), exact: true }).waitFor({ timeout: 20_000 });
    await page.goBack();
  }

  await page.goto(`${catalog}/b/${bucket}/packages/`);
  await shows("demo/cruise");
  await shows("examples/plankton");
  await shows(/2 Revisions/i);
  await page.goto(`${catalog}/b/${bucket}/packages/demo/cruise/revisions`);
  for (const text of ["With its depth", "First <b>cruise</b> & ü", ...hashes]) await shows(text);

  await page.goto(`${catalog}/b/${hidden}`);
  await shows("Access Denied");
  assert.ok(refused.some((url) => url.startsWith(`${catalog}/__s3proxy/us-east-1/${hidden}/`)), refused.join("\n"));
  const elsewhere = requests.filter((url) => !/^(data|blob):/.test(url) && !url.startsWith(`${catalog}/`));
  assert.deepEqual(elsewhere, [], "requests elsewhere");
  await context.close();
}
