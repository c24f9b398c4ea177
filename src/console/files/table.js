// A table whose columns sort.

import { h } from "./dom.js";
import { text } from "./strings.js";

/** @param {unknown} value */
const shown = (value) => (value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value));

/** Numbers by value and before texts; empty cells last. @param {unknown} left @param {unknown} right */
function compare(left, right) {
  const [a, b] = [shown(left), shown(right)];
  if (a === "" || b === "") return Number(a === "") - Number(b === "");
  const [x, y] = [Number(a), Number(b)];
  if (!Number.isNaN(x) && !Number.isNaN(y)) return x - y;
  return a.localeCompare(b);
}

/** @param {string[]} columns @param {unknown[][]} rows @param {string} caption */
export function sortableTable(columns, rows, caption) {
  const body = h("tbody");
  const show = (/** @type {unknown[][]} */ ordered) =>
    body.replaceChildren(...ordered.map((row) => h("tr", {}, ...row.map((cell) => h("td", {}, shown(cell))))));
  show(rows);
  const heads = columns.map((name, index) => {
    const head = h("th", { scope: "col" });
    head.append(h("button", {
      type: "button", class: "plain", "aria-label": text.sortBy(name),
      click: () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const ordered = rows.toSorted((a, b) => compare(a[index], b[index]));
        show(down ? ordered.reverse() : ordered);
      },
    }, name));
    return head;
  });
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    h("table", {}, h("thead", {}, h("tr", {}, ...heads)), body));
}
