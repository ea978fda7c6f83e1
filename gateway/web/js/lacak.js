// @ts-check
/** Lacak works without this. Here the number is taken from the address, where no server sees it, and the rating is asked when it applies. */
const number = document.querySelector("#nomor");
if (number instanceof HTMLInputElement && location.hash.length > 1) {
  number.value = decodeURIComponent(location.hash.slice(1));
  history.replaceState(null, "", location.pathname + location.search);
  /** @type {HTMLElement | null} */ (document.querySelector("#pin"))?.focus();
}

const done = document.querySelector("#selesai");
const stars = done?.querySelector(".stars");
if (done instanceof HTMLFormElement && stars instanceof HTMLElement) {
  const ask = () => { stars.hidden = new FormData(done).get("sudah") !== "ya"; };
  done.addEventListener("change", ask);
  ask();
}

if (document.querySelector("#formulir")) await import("./formulir.js");

// A module of its own.
export {};
