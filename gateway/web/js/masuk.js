// @ts-check
/** Staff sign-in. */
import { Problem, request } from "./api.js";
import { byId } from "./dom.js";
import { speak, t } from "./i18n.js";

await speak();
const form = byId("signin");
const [username, password, submit, error] = ["username", "password", "submit", "error"].map(byId);

/** Where to go afterwards: only a path of this site. @param {string} wish */
function destination(wish) {
  const url = new URL(wish || "/mulai", location.origin);
  return wish.startsWith("/") && url.origin === location.origin ? url.pathname + url.search : "/mulai";
}

/** @param {string} text @param {HTMLInputElement} field */
function refuse(text, field) {
  error.textContent = text;
  error.hidden = false;
  for (const input of [username, password]) input.setAttribute("aria-invalid", String(input === field));
  field.focus();
}

form.addEventListener("submit", async (/** @type {SubmitEvent} */ event) => {
  event.preventDefault();
  if (submit.disabled) return;
  error.hidden = true;
  if (!username.value.trim()) return refuse(t("signin.no_username"), username);
  if (!password.value) return refuse(t("signin.no_password"), password);
  submit.disabled = true;
  try {
    await request("POST", "/v1/sessions", { body: { username: username.value.trim(), password: password.value } });
    location.replace(destination(form.dataset.next ?? ""));
  } catch (problem) {
    submit.disabled = false;
    const reached = problem instanceof Problem && problem.status > 0 && problem.status < 500;
    refuse(reached ? /** @type {Problem} */ (problem).message : t("not_reached"), password);
    password.select();
  }
});
submit.disabled = false;
if (!username.value) username.focus();
