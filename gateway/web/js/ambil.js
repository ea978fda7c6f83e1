// @ts-check
/** The ticket form on one's own phone. It works without this; here a second press is only kept from being sent. */
const form = /** @type {HTMLFormElement} */ (document.getElementById("onsite"));
form.addEventListener("submit", () => {
  const button = form.querySelector("button[type=submit]");
  // After the browser has taken the form's values.
  setTimeout(() => button?.setAttribute("disabled", ""), 0);
});
addEventListener("pageshow", () => form.querySelector("button[type=submit]")?.removeAttribute("disabled"));
