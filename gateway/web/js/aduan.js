// @ts-check
/** One case. Its forms work without this; here a text to start from goes into the answer, and a second press is not sent. */
import "./petugas.js";

/** Which gap of a text is filled from which input. @type {Record<string, string>} */
const GAPS = { who: "siapa", what: "apa", when: "bilamana" };

for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("[data-fills]"))) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const into = document.getElementById(button.dataset.fills ?? "");
    const form = button.closest("form");
    const text = button.parentElement?.querySelector("[data-text]")?.textContent ?? "";
    if (!(into instanceof HTMLTextAreaElement) || !form) return;
    into.value = text.replace(/\{(who|what|when)\}/g, (gap, name) => {
      const input = form.elements.namedItem(GAPS[name] ?? "");
      return input instanceof HTMLInputElement && input.value ? input.value : gap;
    });
    into.focus();
  });
}

for (const form of document.forms) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "1";
  });
}
addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});
