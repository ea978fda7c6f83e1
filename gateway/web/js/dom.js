// @ts-check
/** Small helpers to build and to say. Text goes in as text: nothing here parses HTML. */

/**
 * The element with this id, which the page's template guarantees.
 * @param {string} id
 * @returns {any}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

/** @typedef {Node | string | number | false | null | undefined} Child */

/**
 * Builds an element: el("button", {type: "button", class: "big", onclick}, "Text").
 * @param {string} tag
 * @param {Record<string, any>} [attributes] true sets an empty attribute; false, null and undefined set none
 * @param {...(Child | Child[])} children
 * @returns {HTMLElement}
 */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on") && typeof value === "function") node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  fill(node, ...children);
  return node;
}

/**
 * Replaces what a node holds.
 * @param {Element} node
 * @param {...(Child | Child[])} children
 */
export function fill(node, ...children) {
  const kept = children.flat().filter((child) => child !== false && child !== null && child !== undefined);
  node.replaceChildren(...kept.map((child) => (child instanceof Node ? child : String(child))));
}

/**
 * An icon of the sprite, for the eye only: words stand beside it.
 * @param {string} name
 */
export function icon(name) {
  const ns = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(ns, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(ns, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/**
 * A short message that goes away by itself; a bad one interrupts a screen reader and stays longer.
 * @param {string} text
 * @param {"good" | "bad" | "info"} [tone]
 */
export function toast(text, tone = "good") {
  const place = byId(tone === "bad" ? "alerts" : "toasts");
  const note = el("div", { class: `toast ${tone}` }, icon(tone === "bad" ? "alert" : tone === "info" ? "clock" : "check"), el("span", {}, text));
  place.append(note);
  while (place.children.length > 3) place.firstElementChild?.remove();
  setTimeout(() => note.remove(), tone === "bad" ? 9_000 : 4_000);
}

/**
 * Asks in a dialog and waits: true when it was answered with its main button.
 * @param {HTMLDialogElement} dialog
 * @returns {Promise<boolean>}
 */
export function ask(dialog) {
  return new Promise((resolve) => {
    dialog.returnValue = "";
    dialog.addEventListener("keydown", mainOnEnter);
    dialog.addEventListener("close", () => {
      dialog.removeEventListener("keydown", mainOnEnter);
      resolve(dialog.returnValue === "ok");
    }, { once: true });
    dialog.showModal();
  });
}

/** Enter in a field means the main button; a browser would take the first one, which is to cancel. @param {KeyboardEvent} event */
function mainOnEnter(event) {
  const field = event.target;
  if (event.key !== "Enter" || event.isComposing || !(field instanceof HTMLInputElement)) return;
  const main = /** @type {HTMLButtonElement | null | undefined} */ (field.form?.querySelector("button[value=ok]"));
  if (!main) return;
  event.preventDefault();
  if (!main.disabled) field.form?.requestSubmit(main);
}

/**
 * Shows the connection in the header and the banner under it.
 * @param {import("./live.js").LiveState} state
 * @param {{live: string, connecting: string, stale: string}} words
 */
export function showLive(state, words) {
  byId("live").dataset.state = state;
  byId("live-text").textContent = words[state];
  const banner = byId("stale");
  banner.hidden = state !== "stale";
  banner.textContent = state === "stale" ? words.stale : "";
}

/**
 * Brings the children of a list in line with its items and keeps the elements of those that stay, so that focus and a
 * press in progress survive a live update.
 * @template T
 * @param {Element} list
 * @param {T[]} items
 * @param {(item: T) => string} keyOf
 * @param {(item: T) => HTMLElement} make
 * @param {(node: HTMLElement, item: T) => void} update
 */
export function keyed(list, items, keyOf, make, update) {
  /** @type {Map<string, HTMLElement>} */
  const old = new Map();
  /** @type {HTMLElement[]} */
  const gone = [];
  for (const child of list.children) {
    const node = /** @type {HTMLElement} */ (child);
    // Two of one key cannot be told apart: one of them stays.
    if (node.dataset.key && !old.has(node.dataset.key)) old.set(node.dataset.key, node);
    else gone.push(node);
  }
  for (const node of gone) node.remove();
  items.forEach((item, index) => {
    const key = keyOf(item);
    const node = old.get(key) ?? make(item);
    old.delete(key);
    node.dataset.key = key;
    update(node, item);
    if (list.children[index] !== node) list.insertBefore(node, list.children[index] ?? null);
  });
  for (const node of old.values()) node.remove();
}

/**
 * Writes a text only when it differs.
 * @param {Element} node
 * @param {string} text
 */
export function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Writes a ticket number into its large place; a long one is set smaller, so that it stays on one line.
 * @param {HTMLElement} node
 * @param {string} text
 */
export function number(node, text) {
  put(node, text);
  node.dataset.long = String(text.length > 4);
}
