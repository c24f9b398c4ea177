// The view of permissions_discover.

import { fill } from "./dom.js";
import { startView } from "./host.js";
import { rights } from "./rights.js";

startView("quilt-permissions", (panel, { args, output }) => {
  const buckets = output.bucket_permissions.map((/** @type {any} */ bucket) => bucket.name);
  panel.onShow?.({ rights: { buckets } });
  fill(panel.main, rights(panel, args ?? {}, output));
});
