// Tables whose columns sort, with a plain chart of a numeric column: previews of objects and results of queries.

import { h } from "./dom.js";
import { text } from "./strings.js";

const SVG = "http://www.w3.org/2000/svg";

/** @param {unknown} value */
const cellText = (value) => (value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value));

/** The number of a cell; NaN if it has none. @param {unknown} value */
const numberOf = (value) => (typeof value === "boolean" || cellText(value).trim() === "" ? NaN : Number(value));

/** Numbers by value and before texts; empty cells last. @param {unknown} left @param {unknown} right */
function compare(left, right) {
  const [a, b] = [cellText(left), cellText(right)];
  if (a === "" || b === "") return Number(a === "") - Number(b === "");
  const [x, y] = [Number(a), Number(b)];
  return Number(Number.isNaN(x)) - Number(Number.isNaN(y)) || x - y || a.localeCompare(b);
}

/** Whether at least two cells of a column are numbers, and all others empty. @param {unknown[][]} rows @param {number} index */
function isNumeric(rows, index) {
  const cells = rows.map((row) => row[index]).filter((cell) => cellText(cell) !== "");
  return cells.length > 1 && cells.every((cell) => Number.isFinite(numberOf(cell)));
}

/** @param {string} tag @param {Record<string, unknown>} attributes */
function shape(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}

/** A bar for each row, in their order, from zero up or down. @param {string} name @param {number[]} values */
function bars(name, values) {
  const known = values.filter((value) => !Number.isNaN(value));
  const [least, most] = [Math.min(...known), Math.max(...known)];
  const top = Math.max(0, most);
  const scale = 100 / (top - Math.min(0, least) || 1);
  const label = text.chartOf(name, known.length, least, most);
  const picture = shape("svg",
    { viewBox: `0 0 ${values.length} 100`, preserveAspectRatio: "none", class: "chart", role: "img", "aria-label": label });
  for (const [x, value] of values.entries()) {
    if (!Number.isNaN(value)) picture.append(shape("rect", { x, width: 0.8, y: (top - Math.max(value, 0)) * scale, height: Math.abs(value) * scale }));
  }
  return [picture, h("p", { class: "hint" }, label)];
}

/** @param {string[]} columns @param {unknown[][]} rows @param {string} caption */
function sortableTable(columns, rows, caption) {
  let ordered = rows;
  const body = h("tbody");
  const chart = h("div", { class: "chart-of" });
  const select = h("select", { change: () => draw() }, h("option", { value: "" }, text.noChart),
    ...columns.map((name, index) => isNumeric(rows, index) && h("option", { value: index }, name)));
  const draw = () => {
    const index = Number(select.value);
    chart.replaceChildren(...(select.value === "" ? [] : bars(columns[index], ordered.map((row) => numberOf(row[index])))));
  };
  const show = () => {
    body.replaceChildren(...ordered.map((row) => h("tr", {}, ...row.map((cell) => h("td", {}, cellText(cell))))));
    draw();
  };
  show();
  const heads = columns.map((name, index) => {
    const head = h("th", { scope: "col" });
    head.append(h("button", {
      type: "button", class: "plain", "aria-label": text.sortBy(name),
      click: () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        ordered = rows.toSorted((a, b) => compare(a[index], b[index]));
        if (down) ordered.reverse();
        show();
      },
    }, name));
    return head;
  });
  return h("div", {}, select.options.length > 1 && h("label", {}, text.chart, " ", select), chart,
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
      h("table", {}, h("thead", {}, h("tr", {}, ...heads)), body)));
}

/**
 * The table of a result with what is to be said of it, or null if it has none.
 * @param {any} output
 * @param {string} name
 */
export function resultTable(output, name) {
  const { columns, rows, warnings = [], truncated } = output ?? {};
  if (!Array.isArray(columns) || !Array.isArray(rows) || !rows.every(Array.isArray)) return null;
  const table = sortableTable(columns.map((column) => String(column?.name ?? column)), rows, name);
  /** @type {string[]} */
  const notes = columns.filter((column) => column?.not_read).map((column) => `${column.name}: ${column.not_read}`);
  if (truncated) notes.push(text.firstRows(rows.length));
  return h("div", {}, table, ...notes.concat(warnings).map((note) => h("p", { class: "hint" }, note)));
}
