// @ts-check
/** The signing box: letters go to be signed in small lots, and each is answered for itself. */
import { Problem, send } from "./api.js";
import { byId, fill, icon } from "./dom.js";
import { t } from "./i18n.js";

/** Letters per request: a signing service takes a second or more for each. */
const LOT = 5;
/** How long a request may take before it is sent again, with the same key. */
const PATIENCE = 60_000;

/** @typedef {{applicationId: string, signed: boolean, reason: string, message: string}} Result */

/** Takes the passphrase out of the box: afterwards it stands nowhere on the page. @returns {{passphrase: string, totp: string} | undefined} */
export function takeSecret() {
  const [passphrase, totp, error] = ["frasa", "totp", "frasa-error"].map(byId);
  const secret = { passphrase: passphrase.value, totp: totp.value.trim() };
  passphrase.value = totp.value = "";
  const missing = !secret.passphrase && !secret.totp;
  refuse(missing ? t("sign.no_passphrase") : "");
  error.hidden = !missing;
  if (missing) passphrase.focus();
  return missing ? undefined : secret;
}

/** @param {string} text */
export function refuse(text) {
  const error = byId("frasa-error");
  fill(error, ...(text ? [icon("alert"), text] : []));
  error.hidden = !text;
  byId("frasa").setAttribute("aria-invalid", String(Boolean(text)));
}

/**
 * Signs, lot by lot. Throws the Problem that ended it; what was signed until then has been told.
 * @param {string[]} applications
 * @param {{passphrase: string, totp: string}} secret
 * @param {{lot: (from: number) => void, result: (result: Result) => void, again: (attempt: number) => void}} tell
 */
export async function sign(applications, secret, tell) {
  for (let from = 0; from < applications.length; from += LOT) {
    tell.lot(from);
    const lot = applications.slice(from, from + LOT);
    const { results } = /** @type {{results: Result[]}} */ (await send("/v1/applications:sign", { applications: lot, ...secret }, { onRetry: tell.again, patience: PATIENCE }));
    results.forEach(tell.result);
    // A wrong passphrase is wrong for all: every further try counts against the certificate.
    if (results.some((one) => isAboutSecret(one.reason))) throw new Problem(403, { reason: results.find((one) => isAboutSecret(one.reason))?.reason, detail: results.find((one) => isAboutSecret(one.reason))?.message });
  }
}

/** @param {string} reason */
const isAboutSecret = (reason) => /PASSPHRASE|TOTP|OTP/.test(reason);
