// @ts-check
/** The editor of types: line numbers, and a word before unsaved changes are lost. */
import { byId, put } from "./dom.js";
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
