// The console: the token, the views and their addresses, and whether the server answers.

import { renderConnect } from "./connect.js";
import { fill, h, problem } from "./dom.js";
import { renderIdentity } from "./identity.js";
import { renderPackages } from "./packages.js";
import { fetchAbout, page } from "./page.js";
import { renderRequests } from "./requests.js";
import { Session } from "./session.js";
import { text } from "./strings.js";
import { renderTools } from "./tools.js";

/** @typedef {import("./connect.js").About} About */

/**
 * What a view gets: its part of the page, the session, what is on, the rest of its address, and a signal that ends when
 * another view is shown.
 * @typedef {object} View
 * @property {HTMLElement} main
 * @property {Session} session
 * @property {About} about
 * @property {string[]} path
 * @property {AbortSignal} ends
 */

const POLL_MS = 5000;

/** @type {Record<string, { title: string, needsToken: boolean, render: (view: View) => unknown }>} */
const VIEWS = {
  connect: { title: text.navConnect, needsToken: false, render: ({ main, about }) => renderConnect(main, about) },
  identity: { title: text.navIdentity, needsToken: true, render: renderIdentity },
  packages: { title: text.navPackages, needsToken: true, render: renderPackages },
  tools: { title: text.navTools, needsToken: false, render: renderTools },
  requests: { title: text.navRequests, needsToken: false, render: renderRequests },
};

/** @returns {string[]} */
function address() {
  const parts = location.hash.slice(1).split("/").map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  });
  return parts[0] in VIEWS ? parts : ["connect"];
}

/** Buttons that sign in as a user of the development environment. @param {Session} session @param {About} about */
function users(session, { sign_in: names }) {
  const use = async (/** @type {string} */ name) => {
    const response = await fetch(`${page().base}/mcp/console/users/${name}`, { cache: "no-store", credentials: "omit" });
    if (response.ok) session.setToken(await response.text());
  };
  return names.length > 0 && h("div", { class: "row" }, text.signIn,
    ...names.map((name) => h("button", { type: "button", click: () => use(name) }, name)));
}

/** @param {Session} session @param {About} about */
function tokenForm(session, about) {
  const input = h("input", {
    id: "token", type: "password", autocomplete: "off", spellcheck: "false", placeholder: text.tokenPlaceholder, class: "wide",
  });
  const state = h("p", { class: "hint", id: "token-state", role: "status" });
  const forget = h("button", { type: "button", click: () => session.setToken(null) }, text.tokenForget);
  const show = () => {
    fill(state, session.hasToken ? text.tokenSet : text.tokenNone);
    forget.disabled = !session.hasToken;
  };
  session.addEventListener("token", show);
  show();
  const use = (/** @type {Event} */ event) => {
    event.preventDefault();
    const token = input.value.trim().replace(/^bearer\s+/i, "");
    input.value = "";
    if (token) session.setToken(token);
  };
  return h("form", { submit: use },
    h("label", { for: "token" }, text.tokenLabel),
    h("div", { class: "row" }, input, h("button", { class: "main" }, text.tokenUse), forget), users(session, about), state);
}

/** Says when the server does not answer, and when it does again. @param {HTMLElement} notice */
async function watch(notice) {
  if (document.hidden) return;
  try {
    const about = await fetchAbout();
    fill(notice, about.ready ? null : h("div", { class: "notice" }, text.notReady(about.not_ready ?? "")));
  } catch {
    if (!notice.firstChild) fill(notice, h("div", { class: "notice" }, text.gone));
  }
}

/** Moves the keyboard to what was opened. @param {HTMLElement} content */
function focusHeading(content) {
  /** @type {HTMLElement | null} */
  const heading = content.querySelector("#tool") ?? content.querySelector("h2");
  heading?.setAttribute("tabindex", "-1");
  heading?.focus();
}

/** @param {About} about */
function start(about) {
  const session = new Session(about.version);
  const main = /** @type {HTMLElement} */ (document.getElementById("main"));
  const notice = h("div", { id: "notice", role: "status" });
  const links = Object.entries(VIEWS).map(([name, { title }]) => h("a", { href: `#${name}`, "data-view": name }, title));
  const nav = h("nav", { "aria-label": text.navLabel }, ...links);
  main.before(notice, tokenForm(session, about), nav);
  let ends = new AbortController();
  const show = async (/** @type {Event | undefined} */ event) => {
    ends.abort();
    ends = new AbortController();
    const [name, ...path] = address();
    const view = VIEWS[name];
    for (const item of links) {
      if (item.dataset.view === name) item.setAttribute("aria-current", "page");
      else item.removeAttribute("aria-current");
    }
    const content = h("div", { id: `view-${name}` });
    fill(main, content);
    if (view.needsToken && !session.hasToken) {
      fill(content, h("p", {}, text.needsToken));
      return;
    }
    const signal = ends.signal;
    try {
      await view.render({ main: content, session, about, path, ends: signal });
      if (event?.type === "hashchange" && !signal.aborted) focusHeading(content);
    } catch (error) {
      if (!signal.aborted) fill(content, problem(error));
    }
  };
  addEventListener("hashchange", show);
  session.addEventListener("token", show);
  setInterval(() => watch(notice), POLL_MS);
  show(undefined);
}

try {
  start(await fetchAbout());
} catch (error) {
  fill(/** @type {HTMLElement} */ (document.getElementById("main")), problem(error));
}
