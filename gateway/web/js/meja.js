// @ts-check
/** One application on the desk: each press goes out with one key until it is answered, and with the version it was decided on. */
import { Problem, send, signInAgain } from "./api.js";
import { ask, byId, put, toast } from "./dom.js";
import { t } from "./i18n.js";
import "./petugas.js";
import { chooses, focusSecret, forget, refuse, sign, takeSecret } from "./tanda.js";

const { id = "", version = "0", hash = "" } = /** @type {HTMLElement} */ (byId("permohonan")).dataset;
/** Said after the page has been loaded again. */
const SAID = "mpp-said";
let busy = false;

const said = sessionStorage.getItem(SAID);
if (said) {
  sessionStorage.removeItem(SAID);
  toast(said);
}

/** @param {string} [text] */
function reload(text) {
  if (text) sessionStorage.setItem(SAID, text);
  history.replaceState(null, "", location.pathname);
  location.reload();
}

/** @param {unknown} problem */
function tell(problem) {
  if (problem instanceof Problem && problem.status === 401) return signInAgain();
  const text = problem instanceof Problem && problem.status > 0 ? problem.message : t("not_reached");
  // Somebody else was faster: what is on the page is no longer true.
  if (problem instanceof Problem && /VERSION|CHANGED|STALE|CONTENT/.test(problem.reason)) return reload(t("work.changed"));
  const wrong = problem instanceof Problem ? problem.violations.map((one) => one.description).join("; ") : "";
  toast(wrong ? `${text} ${wrong}.` : text, "bad");
}

/**
 * What is asked before a verb.
 * @type {Record<string, {title: string, lead: string}>}
 */
const REASONS = {
  return: { title: "work.return", lead: "work.return_lead" },
  reject: { title: "work.reject", lead: "work.reject_lead" },
  resetClock: { title: "work.reset", lead: "work.reset_lead" },
  pauseClock: { title: "work.pause", lead: "work.pause_lead" },
  waivePayment: { title: "fee.waive", lead: "fee.waive_lead" },
};

/** @param {string} verb @returns {Promise<Record<string, unknown> | undefined>} the body; undefined when it was cancelled */
async function body(verb) {
  const base = { version: Number(version) };
  if (verb === "approve") return { ...base, contentHash: hash };
  if (verb === "handOver") {
    if (!(await ask(byId("dlg-collector")))) return undefined;
    return { ...base, collector: byId("collector").value.trim(), copies: Number(byId("copies").value) };
  }
  if (verb === "recordPayment") {
    const dialog = byId("dlg-payment");
    if (!(await ask(dialog))) return undefined;
    return {
      ...base,
      amount: byId("pay-amount").value,
      method: byId("pay-method").value,
      reference: byId("pay-reference").value.trim(),
      // Typed in the time of the office, wherever this browser is.
      payTime: `${byId("pay-time").value.slice(0, 16)}:00${dialog.dataset.utc}`,
    };
  }
  const words = REASONS[verb];
  if (!words) return base;
  byId("dlg-reason-title").textContent = t(words.title);
  byId("reason-lead").textContent = t(words.lead);
  const ok = byId("reason-ok");
  ok.textContent = t(words.title);
  ok.classList.toggle("danger", verb === "reject");
  byId("reason-text").value = "";
  return (await ask(byId("dlg-reason"))) ? { ...base, reason: byId("reason-text").value.trim() } : undefined;
}

/** @param {string} verb */
async function press(verb) {
  if (busy) return;
  const data = await body(verb);
  if (!data) return;
  busy = true;
  const sending = byId("kirim");
  document.body.dataset.busy = "";
  sending.dataset.idle = "false";
  put(sending, t("sent"));
  try {
    await send(`/v1/applications/${encodeURIComponent(id)}:${verb}`, data, { onRetry: (n) => put(sending, t("sent_again", { n })) });
    reload(t(verb === "approve" ? "work.done_approve" : "work.done_other"));
  } catch (problem) {
    tell(problem);
    put(sending, "");
    sending.dataset.idle = "true";
    delete document.body.dataset.busy;
    busy = false;
  }
}

// They come disabled: a press before this line would be lost.
for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("[data-verb]"))) {
  button.addEventListener("click", () => press(button.dataset.verb ?? ""));
  button.disabled = false;
}

const dialog = /** @type {HTMLDialogElement | null} */ (document.querySelector("#dlg-sign"));
if (dialog) signing(dialog);

/** @param {HTMLDialogElement} dialog */
function signing(dialog) {
  const open = () => {
    if (location.hash !== "#tanda-tangan" || dialog.open) return;
    refuse("");
    dialog.showModal();
    focusSecret();
  };
  /** @param {unknown} problem */
  const told = (problem) => {
    if (problem instanceof Problem && problem.status === 401) return signInAgain();
    refuse(problem instanceof Problem && problem.status > 0 ? problem.message : t("not_reached"));
  };
  chooses(() => [id], told);
  addEventListener("hashchange", open);
  open();
  dialog.addEventListener("close", () => {
    forget();
    if (location.hash) history.replaceState(null, "", location.pathname);
    byId("buka-tanda-tangan").focus();
  });
  // While a signature is on its way nobody can tell whether it will be made.
  dialog.addEventListener("cancel", (event) => { if (busy) event.preventDefault(); });
  byId("sign-cancel").addEventListener("click", () => { if (!busy) dialog.close(); });
  byId("sign-form").addEventListener("submit", async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    if (busy) return;
    const secret = takeSecret(1);
    if (!secret) return;
    busy = true;
    byId("sign-ok").disabled = byId("sign-cancel").disabled = true;
    const sending = byId("sign-sending");
    sending.dataset.idle = "false";
    put(sending, t("sent"));
    /** @type {import("./tanda.js").Result | undefined} */
    let result;
    try {
      await sign([{ id, hash }], secret, {
        lot: () => undefined,
        waits: () => put(sending, t("sign.under_way")),
        result: (one) => { result = one; },
      });
      if (result?.signed) return reload(t("sign.done"));
      refuse(result?.message ?? t("not_reached"));
    } catch (problem) {
      told(problem);
    } finally {
      secret.passphrase = secret.totp = "";
    }
    put(sending, "");
    byId("sign-ok").disabled = byId("sign-cancel").disabled = false;
    busy = false;
    focusSecret();
  });
}
