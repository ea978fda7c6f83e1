// @ts-check
/**
 * The forms of citizens work without this. Here a field is asked only when it applies, a photo is made smaller before it is
 * sent, a file that is too large is told before, and a second press is kept from being sent.
 */
import { byId } from "./dom.js";
import { language, speak, t } from "./i18n.js";

const form = /** @type {HTMLFormElement} */ (byId("formulir"));
const button = /** @type {HTMLButtonElement} */ (form.querySelector("button[type=submit]:not(.add-row, .sr)"));
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

/** Adds an empty row to a list here, where the server would otherwise be asked. @param {HTMLButtonElement} add */
function addRow(add) {
  const list = /** @type {HTMLElement} */ (add.closest(".rows"));
  const rows = list.querySelectorAll(".one-row");
  const last = rows[rows.length - 1];
  if (!last) return;
  const at = rows.length;
  const row = /** @type {HTMLElement} */ (last.cloneNode(true));
  const next = (/** @type {string} */ text, /** @type {string} */ dot) => text.replace(`${dot}${at - 1}${dot}`, `${dot}${at}${dot}`);
  for (const node of row.querySelectorAll("[id], [for], [name], [aria-describedby]")) {
    for (const name of ["id", "for", "aria-describedby", "name"]) {
      const value = node.getAttribute(name);
      if (value) node.setAttribute(name, next(value, name === "name" ? "." : "-"));
    }
    node.removeAttribute("aria-invalid");
    if (node instanceof HTMLInputElement && (node.type === "radio" || node.type === "checkbox")) node.checked = false;
    else if (node instanceof HTMLInputElement || node instanceof HTMLTextAreaElement || node instanceof HTMLSelectElement) node.value = "";
  }
  row.querySelectorAll(".field-error").forEach((error) => error.remove());
  row.querySelectorAll(".wrong").forEach((field) => field.classList.remove("wrong"));
  const number = row.querySelector(".row-at");
  if (number) number.textContent = String(at + 1);
  row.setAttribute("aria-label", (row.getAttribute("aria-label") ?? "").replace(/\d+$/, String(at + 1)));
  last.after(row);
  const count = list.querySelector("input[type=hidden]");
  if (count instanceof HTMLInputElement) count.value = String(at + 1);
  add.hidden = at + 1 >= Number(list.dataset.most);
  /** @type {HTMLElement | null} */ (row.querySelector("input, select, textarea"))?.focus();
}
for (const add of /** @type {NodeListOf<HTMLButtonElement>} */ (form.querySelectorAll(".add-row"))) {
  add.addEventListener("click", (event) => {
    event.preventDefault();
    addRow(add);
  });
}

await speak();
const limit = Number(form.dataset.fileLimit);
/** The longest side of a photo that is sent, in pixels: what is to be seen is seen, and 2G carries it in a minute. 0: as it is. */
const side = Number(form.dataset.photoSide ?? 0);
/** Photos up to this are sent as they are, in bytes. */
const LIGHT = 200 << 10;

/** A photo as it is sent. What this browser cannot read goes as it is: the service judges it. @param {File} file */
async function smaller(file) {
  if (!side || file.size <= LIGHT || !["image/jpeg", "image/png"].includes(file.type)) return file;
  try {
    const picture = await createImageBitmap(file);
    const scale = Math.min(1, side / Math.max(picture.width, picture.height));
    const canvas = Object.assign(document.createElement("canvas"), { width: Math.round(picture.width * scale), height: Math.round(picture.height * scale) });
    const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    // JPEG knows nothing that can be seen through.
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
    picture.close();
    const content = await new Promise((/** @type {BlobCallback} */ resolve) => canvas.toBlob(resolve, "image/jpeg", 0.8));
    return content && content.size < file.size ? new File([content], file.name.replace(/\.\w+$/, "") + ".jpg", { type: "image/jpeg" }) : file;
  } catch {
    return file;
  }
}

/** @param {number} bytes */
const inWords = (bytes) => {
  const [n, unit] = bytes < 1 << 20 ? [bytes / 1024, "KB"] : [bytes / (1 << 20), "MB"];
  return `${new Intl.NumberFormat(language(), { maximumFractionDigits: unit === "KB" ? 0 : 1 }).format(n)} ${unit}`;
};

for (const input of /** @type {NodeListOf<HTMLInputElement>} */ (form.querySelectorAll("input[type=file]"))) {
  const told = Object.assign(document.createElement("p"), { className: "hint" });
  told.setAttribute("role", "status");
  if (side) input.after(told);
  input.addEventListener("change", async () => {
    const chosen = input.files?.[0];
    const file = chosen && (await smaller(chosen));
    // Another one was chosen meanwhile.
    if (chosen !== input.files?.[0]) return;
    told.textContent = "";
    if (chosen && file && file !== chosen) {
      const files = new DataTransfer();
      files.items.add(file);
      input.files = files.files;
      told.textContent = t("photo.smaller", { from: inWords(chosen.size), to: inWords(file.size) });
    }
    const tooLarge = (file?.size ?? 0) > limit;
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
