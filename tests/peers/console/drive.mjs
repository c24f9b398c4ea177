// One visit to the page: `node drive.mjs CHROMIUM VISIT CONFIG`, where CONFIG is JSON with the server's URLs and tokens. It
// ends with an error if something is not as it should be.

import * as catalog from "./catalog.mjs";
import * as connect from "./connect.mjs";
import * as identity from "./identity.mjs";
import * as packages from "./packages.mjs";
import * as requests from "./requests.mjs";
import * as tools from "./tools.mjs";
import * as views from "./views.mjs";
import { launch } from "./browser.mjs";

const VISITS = { ...catalog, ...connect, ...identity, ...packages, ...requests, ...tools, ...views };
const [executablePath, visit, config] = process.argv.slice(2);
const browser = await launch(executablePath);
try {
  await VISITS[visit](browser, JSON.parse(config));
} finally {
  await browser.close();
}
