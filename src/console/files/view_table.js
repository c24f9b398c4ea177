// The view of bucket_object_preview and athena_query_execute: rows, a chart, and further rows.

import { fill, h, link, plainTable, problem } from "./dom.js";
import { startView } from "./host.js";
import { text, viewText } from "./strings.js";
import { resultTable } from "./table.js";

/** @typedef {import("./host.js").HostPanel} HostPanel */

/** The rows that a preview shows at most. */
const MAX_PREVIEW_ROWS = 100;

/** A button for another call, whose result is shown after it. @param {HostPanel} panel @param {string} label @param {() => Promise<void>} load */
function loader(panel, label, load) {
  const button = h("button", {
    type: "button",
    click: async () => {
      button.disabled = true;
      try {
        await load();
      } catch (error) {
        if (!panel.ends.aborted) button.after(problem(error));
      }
      button.disabled = false;
      // The rows that are shown now have a button of their own.
      if (!button.isConnected) panel.main.focus();
    },
  }, label);
  return button;
}

/** The tables that a query which is not run would read. @param {any} plan */
function planOf({ is_valid: isValid, reads = [], note }) {
  return h("div", {}, h("p", {}, isValid ? viewText.isValid : viewText.notValid),
    plainTable(viewText.tableHead, reads.map((/** @type {any} */ read) => [read.sql_name, read.columns.join(", "), read.estimated_rows]), viewText.query),
    h("p", { class: "hint" }, note));
}

/** @param {HostPanel} panel @param {Record<string, any>} args @param {any} output */
function show(panel, args, output) {
  const { session, ends } = panel;
  const isQuery = output.query_id !== undefined;
  const name = isQuery ? args.sql ?? output.query_id : args.s3_uri ?? args.key ?? text.content;
  if (Array.isArray(output.reads)) return fill(panel.main, h("h2", {}, viewText.query), planOf(output));
  panel.onShow?.(isQuery ? { query_id: output.query_id, rows: output.rows.length } : { ...args, rows: output.rows.length });
  const rowsOf = async (/** @type {Record<string, any>} */ more) => {
    const next = await session.call("athena_query_results", { query_id: output.query_id, ...more }, { signal: ends });
    const rows = more.cursor ? [...output.rows, ...next.rows] : next.rows;
    show(panel, args, { ...next, rows });
  };
  const allRows = async () => {
    const all = { ...args, rows: MAX_PREVIEW_ROWS };
    show(panel, all, await session.call("bucket_object_preview", all, { signal: ends }));
  };
  const hasMore = !isQuery && output.truncated && output.rows.length < MAX_PREVIEW_ROWS && Number(args.rows ?? 0) < MAX_PREVIEW_ROWS;
  return fill(panel.main, h("h2", { class: "mono" }, name),
    output.message && h("p", {}, output.message),
    output.columns?.length > 0 && resultTable({ ...output, truncated: output.truncated && !output.next_cursor }, name),
    h("div", { class: "row" },
      output.next_cursor && loader(panel, viewText.moreRows, () => rowsOf({ cursor: output.next_cursor })),
      isQuery && output.columns?.length === 0 && loader(panel, viewText.checkAgain, () => rowsOf({})),
      hasMore && loader(panel, viewText.moreRows, allRows)),
    output.cost_note && h("p", { class: "hint" }, output.cost_note),
    output.catalog_url && h("p", {}, link(output.catalog_url, text.openInCatalog)));
}

startView("quilt-table", (panel, { args, output }) => show(panel, args ?? {}, output));
