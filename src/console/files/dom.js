// Elements made of text: no string becomes markup, and only http and https become links.

import { text } from "./strings.js";

/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * Makes an element. An attribute whose value is a function is a listener for the event of its name.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string | number | boolean | null | undefined | ((event: Event) => unknown)>} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  append(element, children);
  return element;
}

/** @param {Element} parent @param {Child[]} children */
function append(parent, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    parent.append(child instanceof Node ? child : String(child));
  }
}

/**
 * Replaces the children of an element.
 * @param {Element} parent
 * @param {...Child} children
 */
export function fill(parent, ...children) {
  parent.replaceChildren();
  append(parent, children);
}

/**
 * A link, if the URL is one of the web, else its text.
 * @param {unknown} url
 * @param {string} [label]
 * @returns {HTMLElement}
 */
export function link(url, label) {
  const shown = label ?? String(url);
  try {
    const { protocol, href } = new URL(String(url));
    if (protocol === "https:" || protocol === "http:") {
      return h("a", { href, target: "_blank", rel: "noopener noreferrer" }, shown);
    }
  } catch {
    // Shown as text.
  }
  return h("span", {}, shown);
}

/** Preformatted text that the keyboard can scroll. @param {string} content @param {string} name */
export function pre(content, name) {
  return h("pre", { tabindex: 0, role: "region", "aria-label": name }, content);
}

/** A definition list; rows without a value are left out. @param {[string, Child][]} rows */
export function facts(rows) {
  const list = h("dl");
  for (const [name, value] of rows) {
    if (value === null || value === undefined || value === false || value === "") continue;
    list.append(h("dt", {}, name), h("dd", {}, value));
  }
  return list;
}

/** @param {string[]} head @param {Child[][]} rows @param {string} caption */
export function plainTable(head, rows, caption) {
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    h("table", {},
      h("thead", {}, h("tr", {}, ...head.map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, ...rows.map((row) => h("tr", {}, ...row.map((cell) => h("td", {}, cell)))))));
}

/** @param {unknown} bytes */
export function size(bytes) {
  if (typeof bytes !== "number") return "";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let [value, unit] = [bytes, 0];
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** An error as people read it. @param {any} error */
export function problem(error) {
  const hint = error?.output?.hint;
  const code = error?.code ? h("code", {}, ` ${error.code}`) : null;
  return h("div", { class: "notice", role: "alert" },
    h("p", {}, error?.message ?? String(error), code), hint ? h("p", { class: "hint" }, hint) : null,
    error?.requestId ? h("p", { class: "hint" }, text.requestId(error.requestId)) : null);
}
