// @ts-check
/**
 * The kiosk: agency, service, "take a number". Three touches at most, one ticket per intention: a double tap or a
 * broken line sends the same key again.
 */
import { get, newKey, Problem, send } from "./api.js";
import { byId, el, fill, icon } from "./dom.js";
import { dateInWords, estimated, language, named, speak, t, timeOfDay } from "./i18n.js";
import { ASSISTANCE, needIcon, needWord, PRIORITIES } from "./need.js";

const frame = byId("kiosk");
const main = byId("isi");
const dialog = byId("idle");
const hall = frame.dataset.hall;
/** Seconds of the time-outs, set on the page's element. */
const LIMITS = { idle: Number(frame.dataset.idle), warn: Number(frame.dataset.warn), result: Number(frame.dataset.result) };
/** Milliseconds that a press is kept alive before the visitor is asked to look for an officer. */
const PATIENCE = 45_000;

/** @typedef {{agencyId?: string, serviceId?: string}} Place */
/** @typedef {{ticket: import("./types.js").Ticket, peopleAhead: number, estimate?: import("./types.js").Estimate}} Issued */

/** @type {import("./types.js").ServiceStatus[]} */
let services = [];
let zone = "";
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

await speak();
for (const button of /** @type {HTMLButtonElement[]} */ ([...document.querySelectorAll("[data-lang]:not(html)")])) {
  button.addEventListener("click", () => void speakTo(button.dataset.lang ?? "id"));
}
dressLanguage();
await load();
show();
setInterval(idle, 500);
setInterval(() => screen !== "result" && !pending && void load().then(() => (screen === "agencies" || screen === "services") && show(true)), 15_000);
for (const sort of ["pointerdown", "keydown", "scroll"]) addEventListener(sort, () => { touched = Date.now(); }, { passive: true, capture: true });

/** @param {string} lang */
async function speakTo(lang) {
  if (lang === language()) return;
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
    zone ||= (await get(`/v1/halls/${hall}`)).hall.timeZone;
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
  if (frame.dataset.reached === "false" && screen !== "result") fill(main, problemScreen());
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
  return [heading(t("kiosk.welcome"), t("kiosk.choose_agency"), 0), el("ul", { class: "kiosk-grid" }, ...[...agencies].map(([agencyId, offered]) => {
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
  pending = true;
  const key = intention;
  const [take, sending] = [byId("take"), byId("sending")];
  const body = {
    serviceId: service.id, channel: "CHANNEL_KIOSK",
    priority: /** @type {HTMLInputElement} */ (main.querySelector("[name=priority]:checked")).value,
    assistance: /** @type {HTMLInputElement[]} */ ([...main.querySelectorAll("[name=assistance]:checked")]).map((one) => one.value),
    partySize: Number(byId("party").textContent),
  };
  // From here on the answer decides: the choices are what was sent.
  main.querySelectorAll("input, button").forEach((/** @type {any} */ one) => { one.disabled = true; });
  take.classList.add("waiting");
  sending.dataset.idle = "false";
  sending.textContent = t("sent");
  try {
    issued = await send(`/v1/halls/${hall}/tickets`, body, { key, until: PATIENCE, onRetry: (attempt) => { sending.textContent = t("sent_again", { n: attempt }); } });
    pending = false;
    leaveAt = Date.now() + LIMITS.result * 1000;
    go("result", place);
    if (frame.dataset.print !== "tombol") await print();
  } catch (problem) {
    pending = false;
    main.querySelectorAll("input, button").forEach((/** @type {any} */ one) => { one.disabled = false; });
    take.classList.remove("waiting");
    const refused = problem instanceof Problem && problem.status >= 400 && problem.status < 500;
    // A refusal is an answer: the next press is a new intention. Without an answer the same key is kept.
    if (refused) intention = newKey();
    sending.textContent = refused ? /** @type {Problem} */ (problem).message : t("kiosk.no_answer");
    sending.classList.add("bad");
    touched = Date.now();
    await load();
  }
}

function resultScreen() {
  if (!issued) return [heading(t("kiosk.gone"), "", 0)];
  const { ticket, peopleAhead, estimate } = issued;
  const service = services.find((one) => one.id === ticket.serviceId);
  return [el("div", { class: "kiosk-result" },
    el("h1", { tabindex: -1, class: "result-title" }, el("span", { class: "pass-label" }, t("ticket.your_number")), " ", el("span", { class: "result-number", "data-long": String(ticket.number.length > 4) }, ticket.number)),
    el("p", { class: "result-service" }, el("strong", {}, service ? named(service) : ""), el("span", {}, service?.agencyName)),
    el("dl", { class: "kiosk-facts" },
      el("div", {}, el("dt", {}, t("ticket.ahead")), el("dd", {}, String(peopleAhead))),
      el("div", {}, el("dt", {}, t("ticket.estimate")), el("dd", { class: estimate ? "" : "words" }, estimated(estimate)))),
    el("div", { class: "result-take" },
      el("img", { class: "qr", src: qr(ticket), alt: t("kiosk.qr_alt"), width: 220, height: 220 }),
      el("div", {}, el("p", { class: "lead" }, t("kiosk.qr")), service && requirements(service))),
    el("div", { class: "kiosk-actions" },
      el("button", { type: "button", class: "button big", id: "reprint", onclick: () => void print() }, icon("print"), t("kiosk.reprint")),
      el("button", { type: "button", class: "button primary big", id: "done", onclick: home }, t("kiosk.done"), el("span", { id: "left", class: "left" }))),
    el("p", { class: "muted center" }, t("kiosk.reprint_hint")))];
}

/** @param {import("./types.js").Ticket} ticket */
function qr(ticket) {
  return `/kiosk/qr/${encodeURIComponent(ticket.token)}.svg`;
}

/** Prints the receipt: the same facts on 80 mm paper. */
async function print() {
  if (!issued) return;
  const { ticket, peopleAhead, estimate } = issued;
  const service = services.find((one) => one.id === ticket.serviceId);
  const now = new Date(ticket.arrivalTime ?? Date.now());
  const image = /** @type {HTMLImageElement} */ (el("img", { src: qr(ticket), alt: "", width: 160, height: 160 }));
  fill(byId("print"), el("p", { class: "r-hall" }, byId("hall-name").textContent), el("p", {}, t("ticket.your_number")), el("p", { class: "r-number" }, ticket.number),
    el("p", { class: "r-service" }, service ? named(service) : ""), el("p", {}, service?.agencyName),
    el("p", {}, t("ticket.detail.waiting", { n: peopleAhead })), el("p", {}, estimated(estimate)), image, el("p", { class: "r-small" }, t("kiosk.qr")),
    service && service.requirements.length > 0 && el("p", { class: "r-small" }, `${t("ticket.bring")}: ${service.requirements.join("; ")}`),
    el("p", { class: "r-small" }, `${dateInWords(now, zone)} ${timeOfDay(now, zone)}`));
  try {
    await image.decode();
  } catch {
    // A receipt without its QR still carries the number; paper is better than none.
  }
  window.print();
}

/** Back to the start, in the language of the hall, with nothing of the last visitor left. */
function home() {
  issued = undefined;
  intention = "";
  fill(byId("print"));
  if (dialog.open) dialog.close();
  if (language() !== frame.dataset.defaultLang) void speakTo(frame.dataset.defaultLang ?? "id").then(() => go("agencies"));
  else {
    go("agencies");
    void load().then(() => show(true));
  }
}

dialog.addEventListener("close", () => { touched = Date.now(); });
byId("idle-stay").addEventListener("click", () => dialog.close());

function idle() {
  if (screen === "result") {
    const left = Math.ceil((leaveAt - Date.now()) / 1000);
    byId("left").textContent = left > 0 ? t("seconds", { n: left }) : "";
    if (left <= 0) home();
    return;
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

