// @ts-check
/** The signing box: letters go to be signed by a passphrase in small lots or by a one-time code all at once, and each is answered for itself. */
import { Problem, send } from "./api.js";
import { byId, fill, icon, put } from "./dom.js";
import { t } from "./i18n.js";

/** Letters per request: a signing service takes a second or more for each. */
const LOT = 5;
/** How long a request may take before it is sent again, with the same key. */
const PATIENCE = 60_000;

/** @typedef {{applicationId: string, signed: boolean, reason: string, message: string}} Result */
/** @typedef {{passphrase: string, totp: string}} Secret */

/** @param {string} id @returns {HTMLInputElement | null} */
const box = (id) => /** @type {HTMLInputElement | null} */ (document.getElementById(id));

/** For how many letters a one-time code was asked for on this page; 0 for none. */
let asked = 0;

/** Whether a one-time code is to be typed, and not the passphrase. */
const byCode = () => document.querySelector("[name=cara]:checked")?.getAttribute("value") === "kode";

/** What is typed into now; null where the seal of the installation signs. */
const field = () => box(byCode() ? "totp" : "frasa");

/** Where the next key press belongs: the empty box, else the button. */
export function focusSecret() {
  (field() ?? byId("sign-ok")).focus();
}

/** Leaves nothing typed on the page. */
export function forget() {
  for (const one of [box("frasa"), box("totp")]) if (one) one.value = "";
}

/**
 * Takes the passphrase or code out of the box: afterwards it stands nowhere on the page.
 * @param {number} letters how many it is to sign
 * @returns {Secret | undefined}
 */
export function takeSecret(letters) {
  const code = byCode();
  const secret = { passphrase: code ? "" : (box("frasa")?.value ?? ""), totp: code ? (box("totp")?.value ?? "").replace(/\s/g, "") : "" };
  forget();
  if (!field()) return secret;
  let wrong = "";
  if (!secret.passphrase && !secret.totp) wrong = t(code ? "sign.no_code" : "sign.no_passphrase");
  // It would be used up, and refused.
  else if (code && asked && letters > asked) wrong = t("sign.code_for_fewer", { n: asked });
  refuse(wrong);
  if (wrong) focusSecret();
  return wrong ? undefined : secret;
}

/** @param {string} text */
export function refuse(text) {
  const error = byId("frasa-error");
  fill(error, ...(text ? [icon("alert"), text] : []));
  error.hidden = !text;
  field()?.setAttribute("aria-invalid", String(Boolean(text)));
}

/**
 * Makes the choice between passphrase and code work, where there is one.
 * @param {() => string[]} letters what is to be signed
 * @param {(problem: unknown) => void} tell
 */
export function chooses(letters, tell) {
  const show = () => {
    for (const part of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-cara]"))) part.hidden = part.dataset.cara !== (byCode() ? "kode" : "frasa");
  };
  // It may have been chosen before this line.
  show();
  for (const way of document.querySelectorAll("[name=cara]")) {
    way.addEventListener("change", () => {
      forget();
      refuse("");
      show();
    });
  }
  const ask = /** @type {HTMLButtonElement | null} */ (document.querySelector("#minta-kode"));
  ask?.addEventListener("click", async () => {
    const applications = letters();
    refuse(applications.length === 0 ? t("sign.choose_first") : "");
    if (applications.length === 0) return;
    const sent = byId("kode-terkirim");
    ask.disabled = true;
    put(sent, t("sent"));
    try {
      const { letters: n } = /** @type {{letters: number}} */ (await send("/v1/applications:requestSigningCode", { applications }, { until: 0 }));
      asked = n;
      put(sent, t("sign.code_sent", { n }));
      box("totp")?.focus();
    } catch (problem) {
      put(sent, "");
      tell(problem);
    } finally {
      ask.disabled = false;
    }
  });
}

/**
 * Signs, lot by lot. Throws the Problem that ended it; what was signed until then has been told.
 * @param {string[]} applications
 * @param {Secret} secret
 * @param {{lot: (from: number) => void, result: (result: Result) => void, again: (attempt: number) => void}} tell
 */
export async function sign(applications, secret, tell) {
  // A one-time code holds for one request.
  const size = secret.totp ? applications.length : LOT;
  if (secret.totp) asked = 0;
  for (let from = 0; from < applications.length; from += size) {
    tell.lot(from);
    const lot = applications.slice(from, from + size);
    const { results } = /** @type {{results: Result[]}} */ (await send("/v1/applications:sign", { applications: lot, ...secret }, { onRetry: tell.again, patience: PATIENCE }));
    results.forEach(tell.result);
    // A wrong passphrase is wrong for all: every further try counts against the certificate.
    const wrong = results.find((one) => /PASSPHRASE|TOTP/.test(one.reason));
    if (wrong) throw new Problem(403, { reason: wrong.reason, detail: wrong.message });
  }
}
