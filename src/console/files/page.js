// What the page alone has: its address, what it knows of the server, and buttons that copy.

import { h, pre } from "./dom.js";
import { text } from "./strings.js";

/** A button that copies. @param {() => string} content @param {string} what */
export function copyButton(content, what) {
  const button = h("button", { type: "button" });
  const show = (/** @type {string} */ label) => {
    button.textContent = label;
    button.setAttribute("aria-label", `${label}: ${what}`);
  };
  show(text.copy);
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(content()).then(() => show(text.copied), () => show(text.notCopied));
    setTimeout(show, 2000, text.copy);
  });
  return button;
}

/** A block of code with its button. @param {string} code @param {string} what */
export function codeBlock(code, what) {
  return h("div", {}, pre(code, what), copyButton(() => code, what));
}

/** What is known of the server and of this page. @returns {{ base: string, mode: string }} */
export function page() {
  const { base = "", mode = "connect" } = document.documentElement.dataset;
  return { base, mode };
}

/** @returns {Promise<import("./connect.js").About>} */
export async function fetchAbout() {
  const response = await fetch(`${page().base}/mcp/console/about`, { cache: "no-store", credentials: "omit" });
  if (!response.ok) throw new Error(text.unreachable);
  return response.json();
}
