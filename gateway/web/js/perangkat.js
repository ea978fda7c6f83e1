// @ts-check
/** A kiosk or board signs in once with its device key; the session then lasts until it is revoked. */
import { Problem, request } from "./api.js";
import { byId } from "./dom.js";
import { speak, t } from "./i18n.js";

await speak();
const [form, key, submit, error] = ["device", "key", "submit", "error"].map(byId);

/** @param {string} text */
function refuse(text) {
  error.textContent = text;
  error.hidden = false;
  key.setAttribute("aria-invalid", "true");
  key.focus();
}

form.addEventListener("submit", async (/** @type {SubmitEvent} */ event) => {
  event.preventDefault();
  if (submit.disabled) return;
  error.hidden = true;
  if (!key.value.trim()) return refuse(t("device.no_key"));
  submit.disabled = true;
  try {
    await request("POST", "/v1/deviceSessions", { body: { deviceKey: key.value.trim() } });
    location.reload();
  } catch (problem) {
    submit.disabled = false;
    const reached = problem instanceof Problem && problem.status > 0 && problem.status < 500;
    refuse(reached ? /** @type {Problem} */ (problem).message : t("not_reached"));
  }
});
submit.disabled = false;
key.focus();
