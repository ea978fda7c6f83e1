// @ts-check
/**
 * The kiosk: agency, service, "take a number". Three touches at most, one ticket per intention: a double tap or a
 * broken line sends the same key again.
 */
import { get, isUnanswered, newKey, pause, Problem, send } from "./api.js";
import { byId, el, fill, icon } from "./dom.js";
import { estimated, language, named, speak, t, timeOfDay } from "./i18n.js";
import { forgetPress, isOver, keepPress, keptPress, noPaper, notePaper, notePress, noteUntaken, untaken } from "./ingatan-kios.js";
import { ASSISTANCE, needIcon, needWord, PRIORITIES } from "./need.js";
import { print as printed, qr } from "./struk.js";

const frame = byId("kiosk");
const main = byId("isi");
const dialog = byId("idle");
const backDialog = byId("take-back");
const hall = frame.dataset.hall;
/** Seconds of the time-outs, set on the page's element. */
const LIMITS = { idle: Number(frame.dataset.idle), warn: Number(frame.dataset.warn), result: Number(frame.dataset.result) };
/** Milliseconds without an answer after which the visitor is told to look for an officer. The press is kept all the same. */
const PATIENCE = Number(frame.dataset.patience) * 1000;
/** Milliseconds after which the configuration of the hall is read again. */
const CONFIGURATION = 300_000;
/** Why a visitor gives a number back: the reasons of the contract. */
const VOID_REASONS = ["VOID_REASON_WRONG_SERVICE", "VOID_REASON_TAKEN_TWICE", "VOID_REASON_NOT_STAYING"];
/** Least digits of a telephone number. */
const PHONE_DIGITS = 9;

/** @typedef {{agencyId?: string, serviceId?: string}} Place */
/** @typedef {import("./struk.js").Issued} Issued */
/** @typedef {import("./ingatan-kios.js").Paper} Paper */
/** @typedef {import("./ingatan-kios.js").Press} Press */

/** @type {import("./types.js").ServiceStatus[]} */
let services = [];
let zone = "";
/** @type {Set<string>} agencies that count tickets per person, by id */
let limited = new Set();
let configured = 0;
let screen = "agencies";
/** @type {Place} */
let place = {};
/** The key of the present intention: made when a service is chosen, used until it is answered. */
let intention = "";
let pending = false;
let touched = Date.now();
let leaveAt = 0;
/** @type {Issued | undefined} */
let issued;
/** @type {Paper} */
let paper = "";
/** The visitor gave the number back. */
let isTakenBack = false;
/** It was asked to be taken back, and nobody knows whether it is. */
let isDoubted = false;
/** A press that the server failed at: nobody knows whether it became a ticket. @type {{press: Press, more: {phone?: string}, said: string} | undefined} */
let unclear;
/** The answer came late, and nobody has touched the screen since. */
let untouched = false;

await speak();
for (const button of /** @type {HTMLButtonElement[]} */ ([...document.querySelectorAll("[data-lang]:not(html)")])) {
  button.addEventListener("click", () => void speakTo(button.dataset.lang ?? "id"));
}
dressLanguage();
await load();
const unsettled = keptPress(hall);
if (unsettled) void resume(unsettled);
else show();
setInterval(idle, 500);
setInterval(() => screen !== "result" && !pending && void load().then(() => (screen === "agencies" || screen === "services") && show(true)), 15_000);
for (const sort of ["pointerdown", "keydown"]) addEventListener(sort, () => { untouched = false; }, { passive: true, capture: true });
for (const sort of ["pointerdown", "keydown", "scroll"]) addEventListener(sort, () => { touched = Date.now(); }, { passive: true, capture: true });

/** @param {string} lang */
async function speakTo(lang) {
  // While a press is under way the screen stays as it is.
  if (lang === language() || pending) return;
  await speak(lang);
  dressLanguage();
  await load();
  show();
}

function dressLanguage() {
  for (const button of document.querySelectorAll("[data-lang]:not(html)")) {
    button.setAttribute("aria-pressed", String(/** @type {HTMLElement} */ (button).dataset.lang === language()));
  }
  document.title = `${t("kiosk.title")} · Sinergi MPP`;
  byId("idle-title").textContent = t("kiosk.idle_title");
  byId("idle-stay").textContent = t("kiosk.idle_stay");
}

async function load() {
  try {
    services = (await get(`/v1/halls/${hall}/services`)).services;
    if (Date.now() - configured > CONFIGURATION) {
      const { timeZone, agencies } = /** @type {import("./types.js").Hall} */ ((await get(`/v1/halls/${hall}`)).hall);
      zone = timeZone;
      limited = new Set(agencies.filter((one) => one.dailyLimitPerPerson > 0).map((one) => one.id));
      configured = Date.now();
    }
    frame.dataset.reached = "true";
  } catch (problem) {
    if (problem instanceof Problem && problem.status === 401) return location.reload();
    frame.dataset.reached = "false";
  }
}

/** @param {string} next @param {Place} [where] */
function go(next, where = {}) {
  screen = next;
  place = where;
  if (next === "confirm") intention = newKey();
  show();
  scrollTo(0, 0);
}

/** @param {boolean} [quiet] only data has changed: the focus stays where it is */
function show(quiet = false) {
  const had = quiet ? /** @type {HTMLElement | null} */ (document.activeElement)?.dataset.key : undefined;
  const at = scrollY;
  if (screen === "settling") fill(main, ...settlingScreen());
  else if (frame.dataset.reached === "false" && screen !== "result") fill(main, problemScreen());
  else if (screen === "agencies") fill(main, ...agenciesScreen());
  else if (screen === "services") fill(main, ...servicesScreen());
  else if (screen === "confirm") fill(main, ...confirmScreen());
  else fill(main, ...resultScreen());
  if (quiet) {
    scrollTo(0, at);
    if (had) /** @type {HTMLElement | null} */ (main.querySelector(`[data-key="${CSS.escape(had)}"]`))?.focus();
  } else {
    /** @type {HTMLElement | null} */ (main.querySelector("h1"))?.focus();
  }
}

/** @param {string} text @param {string} lead @param {number} step */
function heading(text, lead, step) {
  return el("div", { class: "kiosk-heading" },
    step > 0 && el("p", { class: "steps" }, t("kiosk.step", { n: step })),
    el("h1", { tabindex: -1 }, text), lead && el("p", { class: "lead" }, lead));
}

/** @param {() => void} onclick */
function back(onclick) {
  return el("button", { type: "button", class: "button big quiet back", onclick }, icon("back"), t("back"));
}

function problemScreen() {
  return el("div", { class: "kiosk-problem" }, icon("alert"), el("h1", { tabindex: -1 }, t("kiosk.unreachable")), el("p", { class: "lead" }, t("kiosk.unreachable_lead")),
    el("button", { type: "button", class: "button primary big", onclick: () => void load().then(() => show()) }, t("again")));
}

/** @param {import("./types.js").ServiceStatus} service */
function isOpen(service) {
  return service.state === "SERVICE_STATE_OPEN";
}

function agenciesScreen() {
  /** @type {Map<string, import("./types.js").ServiceStatus[]>} */
  const agencies = new Map();
  for (const service of services) agencies.set(service.agencyId, [...(agencies.get(service.agencyId) ?? []), service]);
  return [heading(t("kiosk.welcome"), t("kiosk.choose_agency"), 0), ...notices(), el("ul", { class: "kiosk-grid" }, ...[...agencies].map(([agencyId, offered]) => {
    const open = offered.filter(isOpen);
    const first = offered[0];
    const name = first?.agencyName ?? "";
    if (open.length === 0) return el("li", {}, el("div", { class: "kiosk-card closed" }, el("strong", {}, name), el("span", { class: "chip off" }, t("kiosk.closed")), el("span", { class: "why" }, first?.reason || first?.hoursToday)));
    const waiting = open.reduce((sum, service) => sum + service.waiting, 0);
    const only = offered.length === 1 ? first : undefined;
    return el("li", {}, el("button", { type: "button", class: "kiosk-card", "data-key": agencyId, onclick: () => (only ? go("confirm", { agencyId, serviceId: only.id }) : go("services", { agencyId })) },
      el("strong", {}, name), el("span", { class: "facts" }, el("span", {}, t("kiosk.services_n", { n: open.length })), el("span", {}, waitingWords(waiting))), icon("next")));
  }))];
}

/** What the next visitor, or an officer, should know of this kiosk. */
function notices() {
  const left = untaken();
  return [
    noPaper() && el("p", { class: "note warn", id: "no-paper" }, icon("print"), t("kiosk.printer_out")),
    left.length > 0 && el("p", { class: "note", id: "untaken" }, icon("ticket"),
      t("kiosk.untaken", { numbers: left.map((one) => `${one.number} (${timeOfDay(new Date(one.at), zone)})`).join(", ") })),
  ];
}

/** @param {number} n */
function waitingWords(n) {
  return n === 0 ? t("kiosk.waiting_none") : t("kiosk.waiting_n", { n });
}

function servicesScreen() {
  const offered = services.filter((service) => service.agencyId === place.agencyId);
  return [heading(offered[0]?.agencyName ?? "", t("kiosk.choose_service"), 2), el("ul", { class: "kiosk-grid wide" }, ...offered.map((service) => {
    if (!isOpen(service)) return el("li", {}, el("div", { class: "kiosk-card closed" }, el("strong", {}, named(service)), el("span", { class: "chip off" }, t("kiosk.closed")), el("span", { class: "why" }, service.reason)));
    return el("li", {}, el("button", { type: "button", class: "kiosk-card", "data-key": service.id, onclick: () => go("confirm", { agencyId: service.agencyId, serviceId: service.id }) },
      el("strong", {}, named(service)), el("span", { class: "facts" }, el("span", {}, waitingWords(service.waiting)), el("span", {}, estimated(service.estimate)),
        service.quotaLeft !== undefined && el("span", {}, t("kiosk.quota", { n: service.quotaLeft }))), icon("next")));
  })), el("div", { class: "kiosk-actions" }, back(() => go("agencies")))];
}

function confirmScreen() {
  const service = services.find((one) => one.id === place.serviceId);
  if (!service) return [heading(t("kiosk.gone"), "", 0), el("div", { class: "kiosk-actions" }, back(() => go("agencies")))];
  const several = services.filter((one) => one.agencyId === service.agencyId).length > 1;
  const take = el("button", { type: "button", class: "button primary giant", id: "take", onclick: () => void issue(service) }, icon("ticket"), el("span", { class: "label" }, t("kiosk.take")));
  return [
    heading(named(service), service.agencyName, several ? 3 : 2),
    el("div", { class: "kiosk-confirm" },
      el("dl", { class: "kiosk-facts" },
        el("div", {}, el("dt", {}, t("kiosk.waiting")), el("dd", {}, String(service.waiting))),
        el("div", {}, el("dt", {}, t("ticket.estimate")), el("dd", { class: service.estimate ? "" : "words" }, estimated(service.estimate))),
        el("div", {}, el("dt", {}, t("kiosk.hours")), el("dd", { class: "words" }, service.hoursToday || "–"))),
      requirements(service),
      limited.has(service.agencyId) && phone(),
      take,
      el("p", { id: "sending", class: "sending", role: "status", "aria-live": "polite", "data-idle": "true" }),
      el("details", { class: "more", id: "need" }, el("summary", {}, t("kiosk.need")),
        el("p", { class: "muted" }, t("kiosk.need_lead")),
        el("fieldset", { class: "choices two" }, el("legend", {}, t("kiosk.need_priority")), ...PRIORITIES.map((one, index) => el("label", { class: "choice" },
          el("input", { type: "radio", name: "priority", value: one, checked: index === 0 }), el("span", {}, needIcon(one), needWord(one))))),
        el("fieldset", { class: "choices two" }, el("legend", {}, t("kiosk.need_assistance")), ...ASSISTANCE.map((one) => el("label", { class: "choice" },
          el("input", { type: "checkbox", name: "assistance", value: one }), el("span", {}, needIcon(one), needWord(one))))),
        party())),
    el("div", { class: "kiosk-actions" }, back(() => (several ? go("services", { agencyId: service.agencyId }) : go("agencies")))),
  ];
}

/** Asks for a telephone number, for a keyboard that is not there: only where the agency counts tickets per person. */
function phone() {
  const input = /** @type {HTMLInputElement} */ (el("input", { id: "phone", type: "tel", inputmode: "none", autocomplete: "off", maxlength: 16, "aria-describedby": "phone-hint" }));
  const press = (/** @type {string} */ key) => () => {
    if (key === "back") input.value = input.value.slice(0, -1);
    else if (input.value.length < input.maxLength) input.value += key;
  };
  return el("section", { class: "phone" }, el("label", { for: "phone" }, t("kiosk.phone")), input,
    el("div", { class: "keypad", role: "group", "aria-label": t("kiosk.keypad") }, ...["1", "2", "3", "4", "5", "6", "7", "8", "9", "+", "0", "back"].map((key) => el("button", {
      type: "button", class: "button", "aria-label": key === "back" ? t("kiosk.erase") : key, onclick: press(key),
    }, key === "back" ? "⌫" : key))),
    el("p", { id: "phone-hint", class: "hint" }, t("kiosk.phone_hint")));
}

/** How many come together. */
function party() {
  const count = el("output", { id: "party", class: "party-count" }, "1");
  const step = (/** @type {number} */ by) => () => { count.textContent = String(Math.min(50, Math.max(1, Number(count.textContent) + by))); };
  return el("div", { class: "party", role: "group", "aria-label": t("kiosk.party") }, el("span", {}, t("kiosk.party")),
    el("button", { type: "button", class: "button", "aria-label": t("kiosk.fewer"), onclick: step(-1) }, "−"), count,
    el("button", { type: "button", class: "button", "aria-label": t("kiosk.more"), onclick: step(1) }, "+"));
}

/** @param {import("./types.js").ServiceStatus} service */
function requirements(service) {
  return service.requirements.length > 0 && el("section", { class: "bring" }, el("h2", {}, t("ticket.bring")), el("ul", {}, ...service.requirements.map((line) => el("li", {}, line))));
}

/** @param {import("./types.js").ServiceStatus} service */
async function issue(service) {
  if (pending) return;
  const telephone = /** @type {HTMLInputElement | null} */ (main.querySelector("#phone"));
  if (telephone && telephone.value.replace(/\D/g, "").length < PHONE_DIGITS) {
    telephone.setAttribute("aria-invalid", "true");
    telephone.focus();
    return tell(t("kiosk.no_phone"));
  }
  const body = {
    serviceId: service.id, channel: "CHANNEL_KIOSK",
    priority: /** @type {HTMLInputElement} */ (main.querySelector("[name=priority]:checked")).value,
    assistance: /** @type {HTMLInputElement[]} */ ([...main.querySelectorAll("[name=assistance]:checked")]).map((one) => one.value),
    partySize: Number(byId("party").textContent),
  };
  const press = { key: intention, at: Date.now(), hall, language: language(), place, body };
  keepPress(press);
  const phoned = telephone ? { phone: telephone.value } : {};
  // Nobody else is to read it, however long the answer takes.
  if (telephone) telephone.value = "";
  // From here on the answer decides: the choices are what was sent.
  const controls = /** @type {NodeListOf<HTMLInputElement | HTMLButtonElement>} */ (main.querySelectorAll("input, button"));
  controls.forEach((one) => { one.disabled = true; });
  byId("take").classList.add("waiting");
  try {
    await settle(press, phoned);
  } catch (problem) {
    // A refusal is an answer: the next press is a new intention. A fault of the server's is none.
    if (!isRefused(problem)) return doubt(press, phoned, problem);
    controls.forEach((one) => { one.disabled = false; });
    byId("take").classList.remove("waiting");
    intention = newKey();
    if (problem instanceof Problem && problem.reason === "PHONE_REQUIRED" && !telephone) {
      // Configured a moment ago.
      limited.add(service.agencyId);
      show();
    }
    tell(problem instanceof Problem ? problem.message : t("not_reached"));
    await load();
  }
}

/** Whether the server said no to a press; who does not reach it is told nothing. Who is not signed in is asked to do that, and the press goes on. @param {unknown} problem @returns {boolean} */
function isRefused(problem) {
  if (isUnanswered(problem)) return false;
  return problem instanceof Problem && problem.status < 500 && problem.status !== 401;
}

/**
 * Sends a press until its fate is known, always under its one key: a number that was issued is shown and printed, whenever
 * the answer comes.
 * @param {Press} press
 * @param {{phone?: string}} [more] what is sent with it and not kept
 */
async function settle(press, more = {}) {
  pending = true;
  const sending = byId("sending");
  sending.dataset.idle = "false";
  sending.classList.remove("bad");
  sending.textContent = t("sent");
  const began = Date.now();
  const isLate = () => Date.now() - began > PATIENCE;
  const late = setTimeout(() => tell(t("kiosk.no_answer")), PATIENCE);
  try {
    issued = await send(`/v1/halls/${hall}/tickets`, { ...press.body, ...more }, { key: press.key, until: Infinity, onRetry: (attempt) => { if (!isLate()) sending.textContent = t("sent_again", { n: attempt }); } });
  } catch (problem) {
    touched = Date.now();
    if (isRefused(problem)) forgetPress();
    if (problem instanceof Problem && problem.status === 401) location.reload();
    throw problem;
  } finally {
    pending = false;
    clearTimeout(late);
  }
  unclear = undefined;
  untouched ||= isLate();
  paper = press.paper || (noPaper() ? "out" : "");
  notePress({ shown: true });
  stay(paper === "out" || untouched ? 2 : 1);
  go("result", press.place);
  isDoubted = press.doubted === true;
  if (isDoubted) void readBack();
  if (press.takenBack) await takeBack(press.takenBack.reason, press.takenBack.key);
  else if (frame.dataset.print !== "tombol" && paper === "") await print();
}

/**
 * The server failed at a press, and may have issued a number all the same: what was chosen stands, and is tried again under its
 * key. Another one could be a second number.
 * @param {Press} press
 * @param {{phone?: string}} more
 * @param {unknown} problem
 */
function doubt(press, more, problem) {
  const said = problem instanceof Problem ? problem.message : t("not_reached");
  unclear = { press, more, said };
  [screen, place] = ["settling", press.place];
  show();
}

/** Sends the press whose fate is not known once more, as it was. */
async function tryAgain() {
  if (!unclear || pending) return;
  const { press, more } = unclear;
  byId("again").disabled = true;
  try {
    await settle(press, more);
  } catch (problem) {
    if (isRefused(problem)) await refused(press, problem);
    else doubt(press, more, problem);
  }
}

/** A press is refused that is not on the screen any more: the visitor may choose anew. @param {Press} press @param {unknown} problem */
async function refused(press, problem) {
  [unclear, untouched] = [undefined, false];
  await load();
  const service = services.find((one) => one.id === press.place.serviceId);
  if (!service) return go("agencies");
  // Configured a moment ago.
  if (problem instanceof Problem && problem.reason === "PHONE_REQUIRED") limited.add(service.agencyId);
  go("confirm", press.place);
  if (frame.dataset.reached === "true") tell(problem instanceof Problem ? problem.message : t("not_reached"));
}

/** A press from before the page was loaded anew, in the language of who made it. Perhaps nobody stands there any more. @param {Press} press */
async function resume(press) {
  untouched = !press.shown;
  [screen, place] = ["settling", press.place];
  pending = true;
  if (press.language !== language()) {
    await speak(press.language);
    dressLanguage();
  }
  show();
  try {
    await settle(press);
  } catch (problem) {
    if (isRefused(problem)) await refused(press, problem);
    else doubt(press, {}, problem);
  }
}

function settlingScreen() {
  return [
    heading(t("kiosk.settling"), unclear ? "" : t("kiosk.settling_lead"), 0),
    el("p", { id: "sending", class: unclear ? "sending bad" : "sending", role: "status", "aria-live": "polite", "data-idle": String(!unclear) }, unclear?.said),
    unclear && el("div", { class: "kiosk-actions" }, el("button", { type: "button", class: "button primary big", id: "again", onclick: () => void tryAgain() }, t("again"))),
  ];
}

/** Says under the button what is wrong. @param {string} text */
function tell(text) {
  const sending = byId("sending");
  sending.dataset.idle = "false";
  sending.classList.add("bad");
  sending.textContent = text;
}

/** Keeps the result on the screen for so many times its usual time. @param {number} times */
function stay(times) {
  leaveAt = Date.now() + LIMITS.result * 1000 * times;
}

function resultScreen() {
  if (!issued) return [heading(t("kiosk.gone"), "", 0)];
  const { ticket, peopleAhead, estimate } = issued;
  if (isTakenBack) return [takenBackScreen(ticket.number)];
  const service = services.find((one) => one.id === ticket.serviceId);
  const out = paper === "out";
  return [el("div", { class: "kiosk-result", "data-paper": paper },
    el("h1", { tabindex: -1, class: "result-title" }, el("span", { class: "pass-label" }, t("ticket.your_number")), " ", el("span", { class: "result-number", "data-long": String(ticket.number.length > 4) }, ticket.number)),
    el("p", { class: "result-service" }, el("strong", {}, service ? named(service) : ""), el("span", {}, service?.agencyName)),
    out && el("p", { class: "note warn", role: "alert" }, icon("alert"), t("kiosk.photo")),
    !out && el("dl", { class: "kiosk-facts" },
      el("div", {}, el("dt", {}, t("ticket.ahead")), el("dd", {}, String(peopleAhead))),
      el("div", {}, el("dt", {}, t("ticket.estimate")), el("dd", { class: estimate ? "" : "words" }, estimated(estimate)))),
    el("div", { class: "result-take" },
      el("img", { class: "qr", src: qr(ticket), alt: t("kiosk.qr_alt"), width: 220, height: 220 }),
      el("div", {}, el("p", { class: "lead" }, t("kiosk.qr")), !out && service && requirements(service))),
    el("p", { id: "paper", class: "paper-state", role: "status", "aria-live": "polite" }, paper === "sent" || paper === "asked" ? t("kiosk.paper_sent") : ""),
    el("div", { class: "kiosk-actions" },
      paper === "sent" || paper === "asked"
        ? el("button", { type: "button", class: "button big", id: "no-receipt", onclick: noReceipt }, icon("alert"), t("kiosk.no_receipt"))
        : el("button", { type: "button", class: "button big", id: "reprint", onclick: () => void print() }, icon("print"), t(out ? "kiosk.reprint" : "kiosk.print")),
      el("button", { type: "button", class: "button primary big", id: "done", onclick: done }, t(paper === "asked" ? "kiosk.receipt" : "kiosk.done"), el("span", { id: "left", class: "left" }))),
    el("p", { class: "give-back" }, el("button", { type: "button", class: "button quiet", id: "void", onclick: askBack }, t("kiosk.void"))))];
}

/** @param {string} number */
function takenBackScreen(number) {
  return el("div", { class: "kiosk-result" }, icon("check"), el("h1", { tabindex: -1 }, t("kiosk.voided", { number })), el("p", { class: "lead" }, t("kiosk.voided_lead")),
    el("div", { class: "kiosk-actions" }, el("button", { type: "button", class: "button primary big", id: "done", onclick: home }, t("kiosk.done"), el("span", { id: "left", class: "left" }))));
}

/** Asks why the number is given back; the answer is the press. */
function askBack() {
  if (!issued || pending) return;
  stay(1);
  fill(backDialog, el("h2", { id: "take-back-title" }, t("kiosk.void_title", { number: issued.ticket.number })), el("p", { class: "lead" }, t("kiosk.void_lead")),
    el("div", { class: "reasons" }, ...VOID_REASONS.map((reason) => el("button", { type: "button", class: "button big", "data-reason": reason, onclick: () => void takeBack(reason) }, t(`void.${reason}`))),
      el("button", { type: "button", class: "button quiet big", onclick: () => backDialog.close() }, t("kiosk.void_not"))),
    el("p", { id: "taking-back", class: "sending", role: "status", "aria-live": "polite" }));
  backDialog.showModal();
}

/** Gives the number on the screen back. @param {string} reason @param {string} [key] of a press from before the page was loaded anew */
async function takeBack(reason, key = newKey()) {
  if (!issued || pending) return;
  if (!backDialog.open) askBack();
  pending = true;
  isDoubted = true;
  notePress({ takenBack: { key, reason }, doubted: undefined });
  const buttons = /** @type {NodeListOf<HTMLButtonElement>} */ (backDialog.querySelectorAll("button"));
  buttons.forEach((one) => { one.disabled = true; });
  const said = byId("taking-back");
  said.classList.remove("bad");
  said.textContent = t("sent");
  try {
    await send(`/v1/tickets/${issued.ticket.id}:void`, { voidReason: reason }, { key, until: PATIENCE, onRetry: (attempt) => { said.textContent = t("sent_again", { n: attempt }); } });
    isTakenBack = true;
  } catch (problem) {
    if (problem instanceof Problem && problem.status === 401) return location.reload();
    isTakenBack = problem instanceof Problem && problem.metadata.state === "TICKET_STATE_CANCELLED";
    if (isRefused(problem)) {
      isDoubted = false;
      notePress({ takenBack: undefined });
    }
    said.textContent = isUnanswered(problem) ? t("kiosk.void_unanswered") : problem instanceof Problem ? problem.message : t("not_reached");
    said.classList.add("bad");
    buttons.forEach((one) => { one.disabled = false; });
  } finally {
    pending = false;
    stay(1);
  }
  if (isTakenBack) showTakenBack();
  else if (!backDialog.open) keepNumber();
}

function showTakenBack() {
  isTakenBack = true;
  isDoubted = false;
  forgetPress();
  untouched = false;
  fill(byId("print"));
  backDialog.close();
  show();
}

/** The visitor keeps the number: no reload gives it back without being asked. */
function keepNumber() {
  // What was sent is answered first.
  if (!issued || isTakenBack || pending) return;
  notePress({ takenBack: undefined, doubted: isDoubted || undefined });
  if (isDoubted) void readBack();
}

/** Reads whether the number on the screen was taken back after all, for as long as it stands there. */
async function readBack() {
  const of = issued;
  while (of && issued === of && !isTakenBack) {
    try {
      const { ticket } = /** @type {{ticket: import("./types.js").PublicTicket}} */ (await get(`/v1/ticketTokens/${of.ticket.token}`));
      // Asked meanwhile once more, or gone: that decides.
      if (issued !== of || isTakenBack || pending || backDialog.open) return;
      isDoubted = false;
      notePress({ doubted: undefined });
      if (ticket.state === "TICKET_STATE_CANCELLED") showTakenBack();
      return;
    } catch {
      await pause(3_000);
    }
  }
}

/** Prints the receipt, and shows what is known of it. */
async function print() {
  if (!issued) return;
  const [of, again] = [issued, paper !== ""];
  const isSent = await printed(of, services.find((one) => one.id === of.ticket.serviceId), zone);
  if (issued !== of) return;
  if (!isSent) return noReceipt();
  paper = again ? "asked" : "sent";
  notePress({ paper });
  stay(1);
  show(true);
}

/** No receipt came out: the number large enough for a photograph, and whoever comes next is told. */
function noReceipt() {
  paper = "out";
  notePress({ paper });
  notePaper(true);
  stay(2);
  show();
}

/** Leaves the result; who printed a second time says by it that the paper came. */
function done() {
  if (paper === "asked") notePaper(false);
  home();
}

/** Back to the start, in the language of the hall, with nothing of the last visitor left. */
function home() {
  if (issued && untouched) noteUntaken(issued.ticket.number);
  forgetPress();
  [issued, unclear, paper, untouched, isTakenBack, isDoubted] = [undefined, undefined, "", false, false, false];
  intention = "";
  fill(byId("print"));
  for (const one of [dialog, backDialog]) if (one.open) one.close();
  if (language() !== frame.dataset.defaultLang) void speakTo(frame.dataset.defaultLang ?? "id").then(() => go("agencies"));
  else {
    go("agencies");
    void load().then(() => show(true));
  }
}

backDialog.addEventListener("close", keepNumber);
dialog.addEventListener("close", () => { touched = Date.now(); });
byId("idle-stay").addEventListener("click", () => dialog.close());

function idle() {
  if (screen === "result") {
    if (pending) return;
    const left = Math.ceil((leaveAt - Date.now()) / 1000);
    byId("left").textContent = left > 0 ? t("seconds", { n: left }) : "";
    if (left <= 0) home();
    return;
  }
  if (unclear) {
    if (pending) return;
    // Nobody waits for it any more.
    if (isOver(unclear.press)) return home();
    if ((Date.now() - touched) / 1000 < LIMITS.idle) return;
    untouched = true;
    return void tryAgain();
  }
  const atStart = screen === "agencies" && language() === frame.dataset.defaultLang;
  if (atStart || pending) return;
  const quiet = (Date.now() - touched) / 1000;
  if (quiet >= LIMITS.idle) return home();
  if (quiet >= LIMITS.warn) {
    byId("idle-text").textContent = t("kiosk.idle_text", { n: Math.ceil(LIMITS.idle - quiet) });
    if (!dialog.open) dialog.showModal();
  }
}

