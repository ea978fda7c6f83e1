// @ts-check
/** Copies a text for LAPOR! into the clipboard. Without this it is marked and copied by hand. */
import "./petugas.js";
import { toast } from "./dom.js";

for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("[data-copies]"))) {
  const text = document.getElementById(button.dataset.copies ?? "");
  // Only where the page came over https, or from this machine.
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    if (!(text instanceof HTMLTextAreaElement)) return;
    await navigator.clipboard.writeText(text.value);
    toast(button.dataset.said ?? "");
  });
}
