// @ts-check
/**
 * The reception desk: a number for somebody who stands there, the check-in of an appointment, and what becomes of a
 * ticket whose visitor has left or comes back.
 */
import { get, newKey, Problem, request, send, signInAgain } from "./api.js";
import { ask, byId, el, fill, icon, keyed, put, toast } from "./dom.js";
import { dateOf, estimated, named, speak, t, timeOfDay } from "./i18n.js";
import { ASSISTANCE, needIcon, needs, needWord, PRIORITIES } from "./need.js";
import { print, qr } from "./struk.js";

/** Milliseconds between two looks at services and tickets. */
const REFRESH = 8_000;
/** States in which a ticket is something for the reception. */
const STATES = ["TICKET_STATE_WAITING", "TICKET_STATE_CALLED", "TICKET_STATE_PARKED", "TICKET_STATE_NO_SHOW"];
/** Hours that the wall clock of a hall is ahead of UTC. @type {Record<string, string>} */
const OFFSETS = { TIME_ZONE_WIB: "+07:00", TIME_ZONE_WITA: "+08:00", TIME_ZONE_WIT: "+09:00" };
/** What staff say most often when they cancel a ticket. */
const CANCEL_REASONS = ["reception.reason_left", "reception.reason_untaken", "reception.reason_wrong"];

await speak();
const hallId = byId("reception").dataset.hall;
const step = byId("step");
/** @type {import("./types.js").Hall} */
let hall;
/** @type {import("./types.js").ServiceStatus[]} */
let services = [];
/** @type {import("./types.js").Ticket[]} */
let tickets = [];
/** @type {Set<string>} */
let permissions = new Set();
/** The service that a number is given for. @type {string} */
let chosen = "";
/** The key of the present intention: made when a service is chosen, used until it is answered. */
let intention = "";
let busy = false;

start().catch(failed);

/** @param {unknown} error */
function failed(error) {
  if (error instanceof Problem && error.status === 401) return signInAgain();
  toast(error instanceof Problem && error.status > 0 ? error.message : t("not_reached"), "bad");
}

async function start() {
  permissions = new Set(/** @type {import("./types.js").Session} */ (await get("/v1/sessions/current")).permissions);
  await load();
  choose();
  setInterval(() => void refresh(), REFRESH);
}

async function load() {
  hall = (await get(`/v1/halls/${hallId}`)).hall;
  services = (await get(`/v1/halls/${hallId}/services`)).services;
  /** @type {import("./types.js").Ticket[]} */
  const all = [];
  for (let page = ""; ;) {
    const query = new URLSearchParams([...STATES.map((state) => ["states", state]), ["pageSize", "200"], ["pageToken", page]]);
    const answer = await get(`/v1/halls/${hallId}/tickets?${query}`);
    all.push(...answer.tickets);
    page = answer.nextPageToken;
    if (!page) break;
  }
  tickets = all.reverse();
  list();
}

/** Looks again, and says so when what is shown is old. */
async function refresh() {
  const banner = byId("stale");
  try {
    await load();
    banner.hidden = true;
    if (!chosen) offer();
  } catch (error) {
    if (error instanceof Problem && error.status === 401) return signInAgain();
    banner.hidden = false;
    banner.textContent = t("not_reached");
  }
}

// ── Giving a number

/** The list of services, to choose one. */
function choose() {
  chosen = "";
  fill(step, el("div", { class: "field" }, el("label", { for: "find" }, t("reception.find")), el("input", { id: "find", type: "search", autocomplete: "off", oninput: offer })),
    el("ul", { id: "offers", class: "offers" }));
  offer();
}

/** @param {import("./types.js").ServiceStatus} service */
const isOpen = (service) => service.state === "SERVICE_STATE_OPEN";

/** Shows the services that hold every word that was typed. */
function offer() {
  const place = document.getElementById("offers");
  if (!place) return;
  const words = byId("find").value.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = services.filter((one) => words.every((/** @type {string} */ word) => `${one.name} ${one.nameEn} ${one.agencyName} ${one.code}`.toLowerCase().includes(word)));
  keyed(place, shown, (one) => one.id, (one) => el("li", {}, el("button", { type: "button", class: "offer", onclick: () => begin(one.id) },
    el("strong", {}, named(one)), el("span", { class: "muted" }, one.agencyName), el("span", { class: "offer-state" }))), (node, one) => {
    const button = /** @type {HTMLButtonElement} */ (node.firstElementChild);
    button.disabled = !isOpen(one);
    put(/** @type {Element} */ (button.lastElementChild), isOpen(one)
      ? [one.waiting === 0 ? t("kiosk.waiting_none") : t("kiosk.waiting_n", { n: one.waiting }), estimated(one.estimate), one.quotaLeft === undefined ? "" : t("kiosk.quota", { n: one.quotaLeft })].filter(Boolean).join(" · ")
      : `${t("kiosk.closed")}: ${one.reason}`);
  });
}

/** What must be known to give a number. @param {string} serviceId */
function begin(serviceId) {
  const service = services.find((one) => one.id === serviceId);
  if (!service) return choose();
  [chosen, intention] = [serviceId, newKey()];
  const limit = hall.agencies.find((one) => one.id === service.agencyId)?.dailyLimitPerPerson ?? 0;
  fill(step, el("form", { id: "give-form", class: "form", onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); void issue(service); } },
    el("div", {}, el("h3", { class: "give-service" }, named(service)), el("p", { class: "muted" }, service.agencyName)),
    service.requirements.length > 0 && el("section", { class: "bring" }, el("h4", {}, t("reception.check")), el("ul", {}, ...service.requirements.map((line) => el("li", {}, line)))),
    el("div", { class: "give-fields" },
      el("div", { class: "field" }, el("label", { for: "phone" }, t(limit > 0 ? "reception.phone_limited" : "reception.phone", { n: limit })),
        el("input", { id: "phone", type: "tel", inputmode: "tel", autocomplete: "off", maxlength: 20, "aria-describedby": "phone-hint" }),
        el("p", { id: "phone-hint", class: "hint" }, t("onsite.phone_hint"))),
      el("div", { class: "field" }, el("label", { for: "appointment" }, t("reception.appointment")), el("input", { id: "appointment", type: "time", "aria-describedby": "appointment-hint" }),
        el("p", { id: "appointment-hint", class: "hint" }, t("reception.appointment_hint"))),
      el("div", { class: "field" }, el("label", { for: "party" }, t("kiosk.party")), el("input", { id: "party", type: "number", min: 1, max: 50, value: 1, required: true }))),
    el("details", { class: "more" }, el("summary", {}, t("kiosk.need")),
      el("fieldset", { class: "choices two" }, el("legend", {}, t("kiosk.need_priority")), ...PRIORITIES.map((one, index) => el("label", { class: "choice" },
        el("input", { type: "radio", name: "priority", value: one, checked: index === 0 }), el("span", {}, needIcon(one), needWord(one))))),
      el("fieldset", { class: "choices two" }, el("legend", {}, t("kiosk.need_assistance")), ...ASSISTANCE.map((one) => el("label", { class: "choice" },
        el("input", { type: "checkbox", name: "assistance", value: one }), el("span", {}, needIcon(one), needWord(one)))))),
    el("p", { id: "sending", class: "sending", role: "status", "aria-live": "polite" }),
    el("div", { class: "kiosk-actions" }, el("button", { type: "button", class: "button", id: "give-back", onclick: choose }, icon("back"), t("back")),
      el("button", { type: "submit", class: "button primary big", id: "take" }, icon("ticket"), t("reception.issue")))));
  byId("give-title").focus();
}

/** @param {import("./types.js").ServiceStatus} service */
async function issue(service) {
  if (busy) return;
  const [phone, appointment, sending] = [byId("phone"), byId("appointment"), byId("sending")];
  const body = {
    serviceId: service.id, channel: "CHANNEL_RECEPTION",
    priority: /** @type {HTMLInputElement} */ (step.querySelector("[name=priority]:checked")).value,
    assistance: /** @type {HTMLInputElement[]} */ ([...step.querySelectorAll("[name=assistance]:checked")]).map((one) => one.value),
    partySize: Number(byId("party").value),
    ...(phone.value.trim() ? { phone: phone.value.trim() } : {}),
    ...(appointment.value ? { appointmentTime: new Date(`${dateOf(new Date(), hall.timeZone)}T${appointment.value}:00${OFFSETS[hall.timeZone] ?? "Z"}`).toISOString() } : {}),
  };
  const controls = /** @type {NodeListOf<HTMLInputElement | HTMLButtonElement>} */ (step.querySelectorAll("input, button"));
  busy = true;
  controls.forEach((one) => { one.disabled = true; });
  sending.classList.remove("bad");
  sending.textContent = t("sent");
  try {
    const answer = await send(`/v1/halls/${hallId}/tickets`, body, { key: intention, onRetry: (attempt) => { sending.textContent = t("sent_again", { n: attempt }); } });
    given(answer, service);
    void refresh();
  } catch (problem) {
    if (problem instanceof Problem && problem.status === 401) return signInAgain();
    controls.forEach((one) => { one.disabled = false; });
    // A refusal is an answer: the next press is a new intention. A fault of the server's is none.
    if (problem instanceof Problem && problem.status < 500) intention = newKey();
    sending.classList.add("bad");
    sending.textContent = problem instanceof Problem ? [problem.message, ...problem.violations.map((one) => one.description)].join(" ") : t("not_reached");
  } finally {
    busy = false;
  }
}

/** Shows the number, for the visitor to read too. @param {import("./struk.js").Issued} issued @param {import("./types.js").ServiceStatus} service */
function given(issued, service) {
  const { ticket, peopleAhead, estimate } = issued;
  fill(step, el("div", { class: "given" },
    el("p", { class: "pass-label" }, t("ticket.your_number")), el("p", { class: "result-number", id: "given-number", "data-long": String(ticket.number.length > 4) }, ticket.number),
    el("p", { class: "result-service" }, el("strong", {}, named(service)), el("span", {}, service.agencyName)),
    el("p", {}, peopleAhead === 0 ? t("ticket.detail.next") : t("ticket.detail.waiting", { n: peopleAhead }), " · ", estimated(estimate)),
    el("img", { class: "qr", src: qr(ticket), alt: t("kiosk.qr_alt"), width: 220, height: 220 }),
    el("p", { id: "paper", role: "status", "aria-live": "polite" }),
    el("div", { class: "kiosk-actions" },
      el("button", { type: "button", class: "button big", id: "print-it", onclick: async () => {
        const isSent = await print(issued, service, hall.timeZone);
        byId("paper").textContent = t(isSent ? "reception.printed" : "reception.not_printed");
      } }, icon("print"), t("kiosk.print")),
      el("button", { type: "button", class: "button primary big", id: "next", onclick: () => { choose(); byId("find").focus(); } }, t("reception.next")))));
  byId("next").focus();
}

// ── Tickets of today

/** @param {string} state */
const stateWord = (state) => t(`ticket.state.${state.replace("TICKET_STATE_", "").toLowerCase()}`);

/** @param {import("./types.js").Ticket} ticket @param {string} verb @param {string} permission */
const may = (ticket, verb, permission) => permissions.has(permission) && ticket.verbs.includes(verb);

function list() {
  const wish = byId("find-ticket").value.trim().toUpperCase();
  const shown = tickets.filter((one) => one.number.includes(wish));
  keyed(byId("tickets"), shown.slice(0, 100), (one) => one.id, () => el("li", { class: "row-ticket" }), (node, one) => {
    const signature = String(one.version);
    if (node.dataset.of === signature) return;
    node.dataset.of = signature;
    const service = services.find((other) => other.id === one.serviceId);
    const counter = hall.counters.find((other) => other.id === one.counterId);
    fill(node, el("span", { class: "row-number" }, one.number),
      el("div", { class: "row-what" }, el("span", {}, service ? named(service) : ""),
        el("div", { class: "chips" }, el("span", { class: `chip ${one.state === "TICKET_STATE_NO_SHOW" ? "warn" : ""}` }, counter && one.state === "TICKET_STATE_CALLED" ? t("reception.at", { counter: counter.number }) : stateWord(one.state)),
          one.appointmentTime && el("span", { class: "chip help" }, icon("clock"), t("reception.due", { time: timeOfDay(new Date(one.appointmentTime), hall.timeZone) })), ...needs(one))),
      el("span", { class: "row-time" }, one.arrivalTime ? timeOfDay(new Date(one.arrivalTime), hall.timeZone) : ""),
      may(one, "TICKET_VERB_CANCEL", "queue.cancel") && el("button", { type: "button", class: "button small", "aria-label": `${t("reception.cancel")}: ${one.number}`, onclick: () => void cancel(one) }, t("reception.cancel")),
      may(one, "TICKET_VERB_RESTORE", "queue.restore") && el("button", { type: "button", class: "button small", "aria-label": `${t("reception.restore")}: ${one.number}`, onclick: () => void restore(one) }, t("reception.restore")));
  });
  put(byId("tickets-count"), shown.length === 0 ? t("reception.none") : t("reception.count", { n: shown.length }));
}

/** @param {string} title @param {string} lead @param {string} ok @param {string[]} usual @returns {Promise<string | undefined>} */
async function askReason(title, lead, ok, usual) {
  byId("dlg-reason-title").textContent = title;
  byId("reason-lead").textContent = lead;
  byId("reason-ok").textContent = ok;
  const input = byId("reason-text");
  input.value = "";
  fill(byId("reason-usual"), ...usual.map((key) => el("button", { type: "button", class: "button small", onclick: () => { input.value = t(key); input.focus(); } }, t(key))));
  return (await ask(byId("dlg-reason"))) ? input.value.trim() : undefined;
}

/** @param {import("./types.js").Ticket} ticket */
async function cancel(ticket) {
  const { number } = ticket;
  const reason = await askReason(t("reception.cancel_title", { number }), t("reception.cancel_lead"), t("reception.cancel"), CANCEL_REASONS);
  if (reason) await act(ticket, "cancel", reason, t("reception.cancelled", { number }));
}

/** @param {import("./types.js").Ticket} ticket */
async function restore(ticket) {
  const { number } = ticket;
  const reason = await askReason(t("reception.restore_title", { number }), t("reception.restore_lead"), t("reception.restore"), ["reception.reason_back"]);
  if (reason) await act(ticket, "restore", reason, t("reception.restored", { number }));
}

/** @param {import("./types.js").Ticket} ticket @param {string} verb @param {string} reason @param {string} good */
async function act(ticket, verb, reason, good) {
  if (busy) return;
  busy = true;
  try {
    await send(`/v1/tickets/${ticket.id}:${verb}`, { version: ticket.version, reason }, { onRetry: (attempt) => attempt === 1 && toast(t("sent_again", { n: attempt }), "info") });
    toast(good);
  } catch (error) {
    failed(error);
  } finally {
    busy = false;
  }
  await refresh();
}

byId("find-ticket").addEventListener("input", list);
byId("hall-pick").addEventListener("change", (/** @type {Event} */ event) => location.assign(`/resepsi?hall=${/** @type {HTMLSelectElement} */ (event.target).value}`));
byId("signout").addEventListener("click", async () => {
  try {
    await request("DELETE", "/v1/sessions/current");
  } catch (error) {
    if (!(error instanceof Problem && error.status === 401)) return toast(t("not_reached"), "bad");
  }
  location.assign("/masuk");
});
