// @ts-check
/** The editor of types: line numbers, the fee as a form, and a word before unsaved changes are lost. */
import { byId, fill, icon, put } from "./dom.js";
import { t } from "./i18n.js";
import "./petugas.js";

const editor = /** @type {HTMLFormElement} */ (byId("editor"));
const areas = /** @type {HTMLTextAreaElement[]} */ ([...editor.querySelectorAll("textarea")]);
let unsaved = false;

for (const area of areas) {
  const numbers = /** @type {HTMLElement} */ (area.parentElement?.querySelector(".line-numbers"));
  const count = () => put(numbers, Array.from({ length: area.value.split("\n").length }, (_, at) => at + 1).join("\n"));
  const follow = () => { numbers.scrollTop = area.scrollTop; };
  area.addEventListener("input", () => {
    count();
    follow();
    unsaved = true;
    put(byId("belum"), t("types.unsaved"));
  });
  area.addEventListener("scroll", follow);
  new ResizeObserver(() => { numbers.style.height = `${area.offsetHeight}px`; }).observe(area);
  count();
}

editor.addEventListener("submit", (event) => {
  // A preview opens beside the editor, which stays as it is.
  if (!event.submitter?.hasAttribute("formtarget")) unsaved = false;
});
addEventListener("beforeunload", (event) => { if (unsaved) event.preventDefault(); });

/** The line of a definition that says what a letter costs. An inline table is one line by the rules of TOML. */
const FEE = /^fee\s*=\s*\{.*\}[ \t]*$/m;
const definition = /** @type {HTMLTextAreaElement} */ (byId("definisi"));
const fee = /** @type {HTMLFormElement} */ (byId("biaya"));
const [amount, basis, days, howId, howEn] = ["jumlah", "dasar", "hari", "cara-id", "cara-en"].map((name) => byId(`biaya-${name}`));

/** A text in the line, by its key. @param {string} line @param {string} key */
function text(line, key) {
  const found = new RegExp(`\\b${key}\\s*=\\s*("(?:[^"\\\\]|\\\\.)*")`).exec(line);
  try {
    // A basic string of TOML without its rarer escapes is one of JSON.
    return found ? String(JSON.parse(found[1] ?? '""')) : "";
  } catch {
    return "";
  }
}

/** Shows what the definition says now. */
function readFee() {
  const line = FEE.exec(definition.value)?.[0] ?? "";
  amount.value = /\bamount\s*=\s*(\d+)/.exec(line)?.[1] ?? "0";
  days.value = /\bdays\s*=\s*(\d+)/.exec(line)?.[1] ?? "30";
  [basis.value, howId.value, howEn.value] = [text(line, "legal_basis"), text(line, "id"), text(line, "en")];
}

/** @param {string} wrong */
function refuseFee(wrong) {
  const error = byId("biaya-galat");
  fill(error, ...(wrong ? [icon("alert"), wrong] : []));
  error.hidden = !wrong;
}

fee.addEventListener("submit", (event) => {
  event.preventDefault();
  put(byId("biaya-ditulis"), "");
  const costs = Number(amount.value) > 0;
  const empty = [amount, days, ...(costs ? [basis, howId, howEn] : [])].find((one) => !one.value.trim() || !one.checkValidity());
  refuseFee(empty ? t(empty === basis ? "types.fee_needs_basis" : "types.fee_incomplete") : "");
  if (empty) return empty.focus();
  const quoted = (/** @type {string} */ value) => JSON.stringify(value.trim());
  const line = costs
    ? `fee = { amount = ${Number(amount.value)}, legal_basis = ${quoted(basis.value)}, days = ${Number(days.value)}, instructions = { id = ${quoted(howId.value)}, en = ${quoted(howEn.value)} } }`
    : "fee = { amount = 0 }";
  if (!FEE.test(definition.value)) return refuseFee(t("types.fee_table"));
  definition.value = definition.value.replace(FEE, () => line);
  definition.dispatchEvent(new Event("input", { bubbles: true }));
  put(byId("biaya-ditulis"), t("types.fee_written"));
});
definition.addEventListener("change", readFee);
readFee();
// They come disabled: what was typed before this line would be lost.
for (const one of [amount, basis, days, howId, howEn, byId("biaya-tulis")]) one.disabled = false;
