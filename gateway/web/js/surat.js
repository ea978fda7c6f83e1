// @ts-check
/** The list of letters, narrowed down while a name is typed. Without this the form is sent. */
const search = /** @type {HTMLInputElement | null} */ (document.querySelector("#cari"));
const none = /** @type {HTMLElement | null} */ (document.querySelector("#none"));
const rows = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[data-words]")]);
const groups = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(".letter-group")]);

search?.addEventListener("input", () => {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const row of rows) row.hidden = !words.every((word) => (row.dataset.words ?? "").toLowerCase().includes(word));
  for (const group of groups) group.hidden = [...group.querySelectorAll("[data-words]")].every((row) => /** @type {HTMLElement} */ (row).hidden);
  if (none) none.hidden = rows.some((row) => !row.hidden);
});
