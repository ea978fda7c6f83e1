// @ts-check
/** Signing several letters with one passphrase or one-time code. */
import { Problem, signInAgain } from "./api.js";
import { byId, fill, icon, put } from "./dom.js";
import { t } from "./i18n.js";
import "./petugas.js";
import { chooses, focusSecret, refuse, sign, takeSecret } from "./tanda.js";

const form = /** @type {HTMLFormElement | null} */ (document.querySelector("#sign-form"));
if (form) start(form);

/** @param {HTMLFormElement} form */
function start(form) {
  const all = /** @type {HTMLInputElement} */ (byId("semua"));
  const boxes = () => /** @type {HTMLInputElement[]} */ ([...form.querySelectorAll("[name=surat]:not(:disabled)")]);
  const chosen = () => boxes().filter((box) => box.checked);
  let busy = false;

  function count() {
    const n = chosen().length;
    put(byId("terpilih"), t("sign.chosen", { n }));
    put(byId("sign-label"), n > 0 ? t("sign.sign_n", { n }) : t("sign.sign"));
    byId("sign-ok").disabled = busy || n === 0;
    all.checked = n > 0 && n === boxes().length;
    all.indeterminate = n > 0 && n < boxes().length;
  }
  all.addEventListener("change", () => {
    for (const box of boxes()) box.checked = all.checked;
    count();
  });
  form.addEventListener("change", count);
  count();
  /** @param {unknown} problem */
  function tell(problem) {
    if (problem instanceof Problem && problem.status === 401) return signInAgain();
    refuse(problem instanceof Problem && problem.status > 0 ? problem.message : t("not_reached"));
  }
  chooses(() => chosen().map((one) => one.value), tell);

  /** @param {string} id @param {string} result @param {string} text */
  function say(id, result, text) {
    const row = /** @type {HTMLElement | null} */ (form.querySelector(`[data-id="${CSS.escape(id)}"]`));
    const place = row?.querySelector(".sign-result");
    if (!row || !place) return;
    row.dataset.result = result;
    fill(place, ...(text ? [icon(result === "signed" ? "check" : result === "failed" ? "alert" : "clock"), text] : []));
    const box = row.querySelector("input");
    if (box && result === "signed") {
      box.checked = false;
      box.disabled = true;
    }
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const letters = chosen().map((box) => ({ id: box.value, hash: box.dataset.hash ?? "" }));
    const ids = letters.map((letter) => letter.id);
    if (busy || ids.length === 0) return;
    const secret = takeSecret(ids.length);
    if (!secret) return;
    busy = true;
    count();
    const sending = byId("sign-sending");
    sending.dataset.idle = "false";
    let done = 0;
    const answered = new Set();
    ids.forEach((id) => say(id, "waiting", t("sign.waits")));
    try {
      await sign(letters, secret, {
        lot: (from) => put(sending, t("sign.progress", { done: from, n: ids.length })),
        waits: () => put(sending, t("sign.under_way")),
        result: (one) => {
          answered.add(one.applicationId);
          if (one.signed) done += 1;
          say(one.applicationId, one.signed ? "signed" : "failed", one.signed ? t("sign.done") : t("sign.not_done", { why: one.message }));
        },
      });
      put(sending, t("sign.finished", { done, n: ids.length }));
    } catch (problem) {
      tell(problem);
      put(sending, t("sign.finished", { done, n: ids.length }));
      focusSecret();
    } finally {
      secret.passphrase = secret.totp = "";
      ids.filter((id) => !answered.has(id)).forEach((id) => say(id, "", ""));
      busy = false;
      count();
    }
  });
}
