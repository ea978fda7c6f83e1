// @ts-check
/** The signing box: letters go to be signed by a passphrase in small lots or by a one-time code all at once, and each is answered for itself. */
import { Problem, get, isUnanswered, newKey, pause, request, send } from "./api.js";
import { byId, fill, icon, put } from "./dom.js";
import { t } from "./i18n.js";

/** Letters per request: a signing service takes a second or more for each. */
const LOT = 5;
/** How long an answer is waited for before the outcome is asked for, in milliseconds. */
const PATIENCE = 60_000;
/** Between two questions for the outcome, in milliseconds. */
const LOOK = 2_000;
/** After so many answers that nothing is known of a request, it never arrived: it is not on its way any more by then. */
const UNKNOWN = 5;

/** @typedef {{applicationId: string, signed: boolean, underWay: boolean, reason: string, message: string}} Result */
/** @typedef {{passphrase: string, totp: string}} Secret */
/** @typedef {{id: string, hash: string}} Letter what is to be signed, and the hash of the content that was seen */

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
 * @param {Letter[]} letters
 * @param {Secret} secret
 * @param {{lot: (from: number) => void, result: (result: Result) => void, waits: () => void}} tell
 */
export async function sign(letters, secret, tell) {
  // A one-time code holds for one request.
  const size = secret.totp ? letters.length : LOT;
  if (secret.totp) asked = 0;
  for (let from = 0; from < letters.length; from += size) {
    tell.lot(from);
    const results = await outcome(letters.slice(from, from + size), secret, tell);
    // A wrong passphrase is wrong for all: every further try counts against the certificate.
    const wrong = results.find((one) => /PASSPHRASE|TOTP/.test(one.reason));
    if (wrong) throw new Problem(403, { reason: wrong.reason, detail: wrong.message });
  }
}

/**
 * Sends letters to be signed, once: no passphrase goes out again by itself. Where the answer does not come, or some are
 * under way, what became of them is asked for until it is known.
 * @param {Letter[]} letters
 * @param {Secret} secret
 * @param {{result: (result: Result) => void, waits: () => void}} tell
 * @returns {Promise<Result[]>}
 */
async function outcome(letters, secret, tell) {
  const key = newKey();
  const told = new Set();
  /** @type {Result[]} */
  let results = [];
  const body = { applications: letters.map((one) => one.id), contentHashes: letters.map((one) => one.hash), ...secret };
  for (let times = 0, unknown = 0; ; times += 1) {
    try {
      const answer = times === 0 ? request("POST", "/v1/applications:sign", { body, key, patience: PATIENCE }) : get(`/v1/signings/${key}`);
      results = (await answer).results;
      for (const one of results.filter((one) => !one.underWay && !told.has(one.applicationId))) {
        told.add(one.applicationId);
        tell.result(one);
      }
      if (results.every((one) => !one.underWay)) return results;
    } catch (problem) {
      const status = problem instanceof Problem ? problem.status : -1;
      if (times > 0 && status === 404) {
        unknown += 1;
        if (unknown >= UNKNOWN) throw new Problem(409, { reason: "NOT_RECEIVED", detail: t("sign.not_received") });
      } else if (!isUnanswered(problem) && !(times > 0 && status === 429)) {
        throw problem;
      }
    }
    tell.waits();
    await pause(LOOK);
  }
}
