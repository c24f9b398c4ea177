// Forms made of a tool's input schema: text, numbers, booleans, enums, lists of texts, lists of objects, and JSON for
// everything else.

import { h } from "./dom.js";
import { text } from "./strings.js";

/**
 * A field: its element, and its value, undefined if the user gave none. Reading a bad value throws.
 * @typedef {{ element: HTMLElement, read: () => any }} Field
 */

let lastId = 0;

/** A control with its label and description. @param {string} name @param {any} schema @param {boolean} required @param {HTMLElement} control @param {Element[]} more */
function labelled(name, schema, required, control, ...more) {
  lastId += 1;
  control.id = `field-${lastId}`;
  control.setAttribute("data-argument", name);
  const hint = schema.description ? h("p", { class: "hint", id: `hint-${lastId}` }, schema.description) : null;
  if (hint) control.setAttribute("aria-describedby", hint.id);
  return h("div", { class: "field" }, h("label", { for: control.id }, name, required ? text.required : ""), hint, control, ...more);
}

/** @param {string} name @param {string} value */
function parsed(name, value) {
  try {
    return JSON.parse(value);
  } catch {
    throw new Error(text.notJsonValue(name));
  }
}

/** @param {any} value */
const shown = (value) => (value === undefined ? undefined : String(value));

/** @param {File} file */
async function base64(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let binary = "";
  for (let start = 0; start < bytes.length; start += 32768) binary += String.fromCharCode(...bytes.subarray(start, start + 32768));
  return btoa(binary);
}

/** A choice; booleans are one too, so that "not given" differs from false. @param {string} name @param {any} schema @param {boolean} required @param {any[]} values @returns {Field} */
function choice(name, schema, required, values) {
  const none = h("option", { value: "" }, schema.default === undefined ? text.notGiven : text.byDefault(shown(schema.default) ?? ""));
  const select = h("select", { required }, none, ...values.map((value, index) => h("option", { value: index }, String(value))));
  const read = () => (select.value === "" ? undefined : values[Number(select.value)]);
  return { element: labelled(name, schema, required, select), read };
}

/**
 * A control for text, blank if the user gave no value.
 * @param {string} name
 * @param {any} schema
 * @param {boolean} required
 * @param {"input" | "textarea"} tag
 * @param {(value: string) => any} parse
 * @param {Record<string, any>} [attributes]
 * @returns {Field}
 */
function typed(name, schema, required, tag, parse, attributes = {}) {
  const control = h(tag, { required, placeholder: shown(schema.default), spellcheck: "false", ...attributes });
  const read = () => (control.value.trim() === "" ? undefined : parse(control.value));
  return { element: labelled(name, schema, required, control), read };
}

/** A list of objects: a group of fields for each. @param {string} name @param {any} schema @param {boolean} required @returns {Field} */
function rows(name, schema, required) {
  /** @type {{ form: ReturnType<typeof objectFields>, element: HTMLElement, file: { name: string, data: string } | null }[]} */
  let items = [];
  const list = h("div");
  const takesFile = Boolean(schema.items.properties?.data && schema.items.properties?.key);
  const add = () => {
    const form = objectFields(schema.items);
    const number = (items.at(-1) ? items.length : 0) + 1;
    /** @type {typeof items[number]} */
    const item = { form, element: h("fieldset", {}, h("legend", {}, `${name} ${number}`)), file: null };
    if (takesFile) item.element.append(picker(item));
    item.element.append(...form.elements, h("button", {
      type: "button",
      click: () => {
        items = items.filter((other) => other !== item);
        item.element.remove();
      },
    }, text.removeItem(`${name} ${number}`)));
    items.push(item);
    list.append(item.element);
  };
  /** @param {typeof items[number]} item */
  const picker = (item) => {
    const input = h("input", { type: "file" });
    const state = h("p", { class: "hint", "aria-live": "polite" });
    input.addEventListener("change", async () => {
      const file = input.files?.[0];
      item.file = file ? { name: file.name, data: await base64(file) } : null;
      state.textContent = file ? text.fileTaken(file.name, file.size) : "";
      const key = /** @type {HTMLInputElement | null} */ (item.element.querySelector('[data-argument="key"]'));
      if (file && key && key.value === "") key.value = file.name;
    });
    return labelled("file", { description: text.fileHint }, false, input, state);
  };
  const read = () => {
    const values = items.map((item) => ({ ...item.form.read(), ...(item.file ? { data: item.file.data } : {}) }));
    return values.length ? values : undefined;
  };
  if (required) add();
  const element = h("fieldset", { "data-argument": name }, h("legend", {}, name, required ? text.required : ""),
    schema.description ? h("p", { class: "hint" }, schema.description) : null, list,
    h("button", { type: "button", click: add }, text.addItem(name)));
  return { element, read };
}

/** @param {string} name @param {any} schema @param {boolean} required @returns {Field} */
function field(name, schema, required) {
  const isInteger = schema.type === "integer";
  if (schema.enum) return choice(name, schema, required, schema.enum);
  if (schema.type === "boolean") return choice(name, schema, required, [true, false]);
  if (isInteger || schema.type === "number") {
    const bounds = { type: "number", min: schema.minimum, max: schema.maximum, step: isInteger ? 1 : "any" };
    return typed(name, schema, required, "input", Number, bounds);
  }
  if (schema.type === "string") {
    return typed(name, schema, required, /^(text|sql|readme|message|config|data)$/.test(name) ? "textarea" : "input", String);
  }
  if (schema.type === "array" && schema.items?.type === "string") {
    const lines = (/** @type {string} */ value) => value.split("\n").filter((line) => line.trim() !== "");
    return typed(name, schema, required, "textarea", lines, { placeholder: text.oneALine });
  }
  if (schema.type === "array" && schema.items?.properties) return rows(name, schema, required);
  const placeholder = schema.type === "array" ? "[]" : "{}";
  return typed(name, schema, required, "textarea", (value) => parsed(name, value), { placeholder });
}

/**
 * The fields of an object, required ones first.
 * @param {any} schema
 * @returns {{ elements: HTMLElement[], read: () => Record<string, any> }}
 */
export function objectFields(schema) {
  const required = new Set(schema.required ?? []);
  const names = Object.keys(schema.properties ?? {}).sort((a, b) => Number(required.has(b)) - Number(required.has(a)));
  /** @type {[string, Field][]} */
  const fields = names.map((name) => [name, field(name, schema.properties[name], required.has(name))]);
  const read = () => {
    /** @type {Record<string, any>} */
    const values = {};
    for (const [name, { read: value }] of fields) {
      const given = value();
      if (given !== undefined) values[name] = given;
    }
    return values;
  };
  return { elements: fields.map(([, { element }]) => element), read };
}
