// @ts-check
/**
 * The forms of citizens work without this. Here a field is asked only when it applies, a file that is too large is told
 * before it is sent, and a second press is kept from being sent.
 */
import { byId } from "./dom.js";
import { speak, t } from "./i18n.js";

const form = /** @type {HTMLFormElement} */ (byId("formulir"));
const button = /** @type {HTMLButtonElement} */ (form.querySelector("button[type=submit]"));
const sending = byId("kirim");

/** @param {string} name */
function valueOf(name) {
  const found = form.elements.namedItem(name);
  if (found instanceof RadioNodeList) return found.value;
  if (found instanceof HTMLInputElement && (found.type === "radio" || found.type === "checkbox")) return found.checked ? found.value : "";
  return found instanceof HTMLInputElement || found instanceof HTMLSelectElement || found instanceof HTMLTextAreaElement ? found.value : "";
}

const conditional = /** @type {HTMLElement[]} */ ([...form.querySelectorAll("[data-only-name]")]);
function ask() {
  // In the order of the form, so that a field which hangs on a hidden one is hidden too.
  for (const field of conditional) {
    const other = form.elements.namedItem(field.dataset.onlyName ?? "");
    const node = other instanceof RadioNodeList ? other[0] : other;
    const above = node instanceof Element ? node.closest("[data-only-name]") : null;
    field.hidden = valueOf(field.dataset.onlyName ?? "") !== field.dataset.onlyEquals || (above instanceof HTMLElement && above.hidden);
    const words = field.querySelector(".only-words");
    if (words instanceof HTMLElement) words.hidden = true;
  }
}
form.addEventListener("change", ask);
form.addEventListener("input", ask);
ask();

await speak();
const limit = Number(form.dataset.fileLimit);
for (const input of /** @type {NodeListOf<HTMLInputElement>} */ (form.querySelectorAll("input[type=file]"))) {
  input.addEventListener("change", () => {
    const tooLarge = (input.files?.[0]?.size ?? 0) > limit;
    const note = input.parentElement?.querySelector(".field-error") ?? Object.assign(document.createElement("p"), { className: "field-error" });
    note.setAttribute("role", "alert");
    note.textContent = tooLarge ? t("apply.file_too_large", { n: limit >> 20 }) : "";
    input.parentElement?.classList.toggle("wrong", tooLarge);
    input.setAttribute("aria-invalid", String(tooLarge));
    if (!note.isConnected) input.before(note);
    if (tooLarge) input.value = "";
  });
}

form.addEventListener("submit", (event) => {
  if (button.disabled) return event.preventDefault();
  sending.textContent = t("sent");
  sending.dataset.idle = "false";
  // After the browser has taken the form's values.
  setTimeout(() => { button.disabled = true; }, 0);
});
addEventListener("pageshow", () => {
  button.disabled = false;
  sending.textContent = "";
});
