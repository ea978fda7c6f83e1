// @ts-check
/** Ruang kendali: the whole hall at a glance for its supervisors, and the few levers they have. */
import { get, Problem, request, send, signInAgain } from "./api.js";
import { ask, byId, el, fill, icon, keyed, put, showLive, toast } from "./dom.js";
import { clock, dateInWords, minutes, named, speak, t, timeOfDay } from "./i18n.js";
import { Live } from "./live.js";
import { COUNTER_STATES } from "./loket-view.js";
import { needs } from "./need.js";

/** Roles that have levers here; others may look on. */
const STEERING = new Set(["ROLE_AGENCY_SUPERVISOR", "ROLE_HALL_MANAGER", "ROLE_ADMIN"]);

await speak();
const hallId = byId("control").dataset.hall;
/** @type {import("./types.js").Hall} */
let hall;
/** @type {import("./types.js").ControlRoom | undefined} */
let room;
/** @type {Set<string>} */
let permissions = new Set();
/** @type {string[] | undefined} agencies within the caller's grants; undefined for all */
let agencies;
let ahead = 0;
let busy = false;

start().catch((error) => {
  if (error instanceof Problem && error.status === 401) return signInAgain();
  toast(error instanceof Problem && error.status > 0 ? error.message : t("not_reached"), "bad");
  setTimeout(() => location.reload(), 5_000);
});

async function start() {
  const session = /** @type {import("./types.js").Session} */ (await get("/v1/sessions/current"));
  permissions = new Set(session.permissions);
  const bounds = (session.account?.grants ?? []).filter((grant) => STEERING.has(grant.role) && (!grant.hallId || grant.hallId === hallId));
  agencies = bounds.some((grant) => !grant.agencyId) ? undefined : bounds.map((grant) => grant.agencyId);
  hall = (await get(`/v1/halls/${hallId}`)).hall;
  take((await get(`/v1/halls/${hallId}/controlRoom`)).controlRoom);
  new Live(() => `/v1/halls/${hallId}/controlRoom:watch`, {
    frame: (data) => data.controlRoom && take(data.controlRoom),
    state: (state, since) => showLive(state, {
      live: t("live.on"), connecting: t("live.connecting"), stale: t("live.stale", { time: timeOfDay(since, hall.timeZone) }),
    }),
    lost: async () => {
      try {
        await get("/v1/sessions/current");
      } catch (error) {
        if (error instanceof Problem && error.status === 401) signInAgain();
      }
    },
  });
  setInterval(() => room && times(), 1_000);
  if (permissions.has("queue.statistics")) await statistics();
}

/** @param {import("./types.js").ControlRoom} next */
function take(next) {
  if (room && BigInt(next.seq) < BigInt(room.seq)) return;
  room = next;
  ahead = Date.parse(next.time) - Date.now();
  alarms(room);
  totals(room);
  day(room);
  counterCards(room);
  agencyRows(room);
  times();
}

/** @param {string} id */
const agencyName = (id) => hall.agencies.find((one) => one.id === id)?.name ?? "";
/** @param {string} id */
const counterNumber = (id) => hall.counters.find((one) => one.id === id)?.number ?? "?";

/** @param {import("./types.js").ControlRoom} now */
function alarms(now) {
  const list = byId("alarms");
  list.classList.toggle("calm", now.alarms.length === 0);
  const none = { kind: "NONE", agencyId: "", serviceId: "", counterId: "", ticketId: "", text: "", waiting: 0, seconds: 0, ticketNumber: "" };
  const items = now.alarms.length > 0 ? now.alarms : [none];
  keyed(list, items, (alarm) => [alarm.kind, alarm.agencyId, alarm.serviceId, alarm.counterId, alarm.ticketId].join(), (alarm) => el("li", { class: `alarm ${alarm.kind === "NONE" ? "good" : alarm.kind === "ALARM_KIND_NO_COUNTER_OPEN" ? "bad" : "warn"}` }, icon(alarm.kind === "NONE" ? "check" : "alert"), el("span", {})),
    (node, alarm) => put(/** @type {Element} */ (node.lastElementChild), alarmWords(alarm)));
}

/** The words are made here, so that they are in the language of the page. @param {import("./types.js").Alarm} alarm */
function alarmWords(alarm) {
  const [agency, counter, number] = [agencyName(alarm.agencyId), counterNumber(alarm.counterId), alarm.ticketNumber];
  const service = hall.services.find((one) => one.id === alarm.serviceId);
  const time = minutes(alarm.seconds);
  switch (alarm.kind) {
    case "NONE": return t("control.no_alarms");
    case "ALARM_KIND_NO_COUNTER_OPEN": return service ? t("alarm.no_counter_service", { agency, service: named(service), n: alarm.waiting }) : t("alarm.no_counter", { agency, n: alarm.waiting });
    case "ALARM_KIND_LONG_WAIT": return t("alarm.long_wait", { agency, service: service ? named(service) : "", number, time });
    case "ALARM_KIND_IDLE_COUNTER": return t("alarm.idle", { counter, agency, time });
    case "ALARM_KIND_STUCK_TICKET": return t("alarm.stuck", { counter, number, time });
    default: return alarm.text;
  }
}

/** @param {import("./types.js").ControlRoom} now */
function totals(now) {
  const sum = (/** @type {(one: import("./types.js").ControlAgency) => number} */ of) => now.agencies.reduce((all, one) => all + of(one), 0);
  const longest = now.agencies.reduce((most, one) => Math.max(most, one.longestWaitSeconds), 0);
  const facts = [
    ["waiting", String(sum((one) => one.waiting))], ["longest", longest > 0 ? minutes(longest) : "–"],
    ["open_counters", `${sum((one) => one.openCounters)} / ${now.counters.length}`], ["issued", String(sum((one) => one.issued))], ["finished", String(sum((one) => one.finished))],
  ];
  keyed(byId("totals"), facts, ([key]) => key ?? "", ([key]) => el("div", {}, el("dt", {}, t(`control.${key}`)), el("dd", {})), (node, [, value]) => put(/** @type {Element} */ (node.lastElementChild), value ?? ""));
}

/** @param {import("./types.js").ControlRoom} now */
function day(now) {
  const open = now.day?.state === "DAY_STATE_OPEN";
  const chip = byId("day-state");
  chip.hidden = false;
  chip.className = `chip ${open ? "good" : "off"}`;
  put(chip, t(open ? "day.open" : "day.closed"));
  const stops = now.day?.intakeStops ?? [];
  const signature = JSON.stringify([now.day?.date, open, stops]);
  const place = byId("day");
  if (place.dataset.of === signature) return;
  place.dataset.of = signature;
  const whole = stops.some((stop) => !stop.agencyId && !stop.serviceId);
  fill(place, el("p", {}, t(open ? "control.day_open" : "control.day_closed", { date: inWords(now.day?.date), time: now.day?.openTime ? timeOfDay(new Date(now.day.openTime), hall.timeZone) : "–" })),
    stops.length > 0 && el("ul", { class: "stops" }, ...stops.map((stop) => el("li", { class: "alarm warn" }, icon("stop"),
      el("span", {}, t("control.stopped", { what: stopName(stop), reason: stop.reason })),
      mayLever(stop.agencyId) && el("button", { type: "button", class: "button small", onclick: () => void resume(stop) }, t("control.resume"))))));
  fill(byId("day-actions"),
    open && !whole && mayLever("") && el("button", { type: "button", class: "button", id: "stop-hall", onclick: () => void stop("") }, icon("stop"), t("control.stop_hall")),
    permissions.has("queue.manage") && (open
      ? el("button", { type: "button", class: "button danger", id: "close-day", onclick: () => void closeDay() }, icon("door"), t("control.close_day"))
      : el("button", { type: "button", class: "button primary", id: "open-day", onclick: () => void openDay() }, icon("play"), t("control.open_day"))));
}

/** A business date in words. @param {string | undefined} date YYYY-MM-DD */
const inWords = (date) => (date ? dateInWords(new Date(`${date}T12:00:00Z`)) : "–");

/** Whether the caller's grants reach an agency, or with "" the whole hall. @param {string} agencyId */
const mayLever = (agencyId) => permissions.has("queue.supervise") && (agencies === undefined || (agencyId !== "" && agencies.includes(agencyId)));

/** @param {import("./types.js").IntakeStop} stop */
function stopName(stop) {
  const service = hall.services.find((one) => one.id === stop.serviceId);
  return service ? named(service) : stop.agencyId ? agencyName(stop.agencyId) : t("control.whole_hall");
}

/** @param {import("./types.js").ControlRoom} now */
function counterCards(now) {
  const order = (/** @type {import("./types.js").ControlCounter} */ one) => Number(one.counter.state === "COUNTER_STATE_CLOSED");
  const shown = [...now.counters].sort((a, b) => order(a) - order(b) || a.counter.number.localeCompare(b.counter.number, "id", { numeric: true }));
  keyed(byId("counters"), shown, (one) => one.counter.id, () => el("li", { class: "counter-card" }), (node, { counter, ticket, finished }) => {
    const signature = JSON.stringify([counter.state, counter.reason, counter.changeTime, ticket?.version, ticket?.id, finished]);
    if (node.dataset.of === signature) return;
    node.dataset.of = signature;
    const [tone, word] = COUNTER_STATES[counter.state] ?? ["off", "counter.closed"];
    node.dataset.state = counter.state;
    const service = hall.services.find((one) => one.id === ticket?.serviceId);
    const since = ticket?.startTime ?? ticket?.callTime ?? counter.changeTime;
    fill(node,
      el("div", { class: "counter-top" }, el("h3", {}, t("desk.counter", { number: counter.number })), el("span", { class: `chip ${tone}` }, ticket?.state === "TICKET_STATE_CALLED" ? t("control.called") : t(word))),
      el("p", { class: "muted small" }, agencyName(counter.agencyId)),
      ticket ? el("div", { class: "counter-ticket" }, el("strong", {}, ticket.number), el("span", {}, service ? named(service) : "")) : counter.reason && el("p", {}, counter.reason),
      ticket && el("div", { class: "chips" }, ...needs(ticket)),
      el("div", { class: "counter-bottom" }, since && counter.state !== "COUNTER_STATE_CLOSED" && el("span", { class: "counter-since" }, icon("clock"), el("span", { class: "row-time", "data-clock": Date.parse(since) })), el("span", { class: "muted small" }, t("control.finished_n", { n: finished })),
        mayLever(counter.agencyId) && el("a", { class: "button small", href: `/loket?loket=${counter.id}`, "aria-label": t("control.arrange_counter", { number: counter.number }) }, t("control.arrange")),
        ticket && mayLever(counter.agencyId) && el("button", { type: "button", class: "button small", "aria-label": `${t("control.release")}: ${ticket.number}`, onclick: () => void release(ticket) }, t("control.release"))));
  });
}

/** @param {import("./types.js").ControlRoom} now */
function agencyRows(now) {
  const stopped = new Set((now.day?.intakeStops ?? []).filter((stop) => !stop.serviceId).map((stop) => stop.agencyId));
  const open = now.day?.state === "DAY_STATE_OPEN";
  keyed(byId("agencies"), now.agencies, (one) => one.agencyId, (one) => el("tr", {}, el("th", { scope: "row" }, one.name), ...Array.from({ length: 6 }, () => el("td", { class: "num" })), el("td", {})), (row, one) => {
    const values = [one.waiting, one.longestWaitSeconds > 0 ? minutes(one.longestWaitSeconds) : "–", one.openCounters, one.issued, one.finished, one.parked];
    values.forEach((value, index) => put(/** @type {Element} */ (row.children[index + 1]), String(value)));
    row.classList.toggle("attention", one.waiting > 0 && one.openCounters === 0);
    const isStopped = stopped.has(one.agencyId);
    const lever = open && mayLever(one.agencyId);
    const signature = [isStopped, lever].join();
    if (row.dataset.of === signature) return;
    row.dataset.of = signature;
    fill(/** @type {Element} */ (row.lastElementChild), lever
      ? el("button", { type: "button", class: "button small", "aria-label": `${t(isStopped ? "control.resume" : "control.stop")}: ${one.name}`, onclick: () => void (isStopped ? resume({ agencyId: one.agencyId, serviceId: "", reason: "" }) : stop(one.agencyId)) }, t(isStopped ? "control.resume" : "control.stop"))
      : t(isStopped ? "control.is_stopped" : "control.runs"));
  });
}

function times() {
  const now = Date.now() + ahead;
  for (const node of document.querySelectorAll("[data-clock]")) put(node, clock((now - Number(/** @type {HTMLElement} */ (node).dataset.clock)) / 1000));
}

/**
 * Sends one lever's press until it is answered.
 * @param {string} path
 * @param {Record<string, unknown>} body
 * @param {string} good
 */
async function press(path, body, good) {
  if (busy) return;
  busy = true;
  const slow = setTimeout(() => toast(t("sent"), "info"), 400);
  try {
    await send(path, body, { onRetry: (attempt) => attempt === 1 && toast(t("sent_again", { n: attempt }), "info") });
    toast(good);
    take((await get(`/v1/halls/${hallId}/controlRoom`)).controlRoom);
  } catch (error) {
    if (error instanceof Problem && error.status === 401) signInAgain();
    else toast(error instanceof Problem && error.status > 0 ? error.message : t("not_reached"), "bad");
  } finally {
    clearTimeout(slow);
    busy = false;
  }
}

/** @param {string} title @param {string} lead @param {string} ok @returns {Promise<string | undefined>} */
async function askReason(title, lead, ok) {
  byId("dlg-reason-title").textContent = title;
  byId("reason-lead").textContent = lead;
  byId("reason-ok").textContent = ok;
  const input = byId("reason-text");
  input.value = "";
  return (await ask(byId("dlg-reason"))) ? input.value.trim() : undefined;
}

/** @param {string} agencyId "" for the whole hall */
async function stop(agencyId) {
  const what = agencyId ? agencyName(agencyId) : t("control.whole_hall");
  const reason = await askReason(t("control.stop_title", { what }), t("control.stop_lead"), t("control.stop"));
  if (reason) await press(`/v1/halls/${hallId}:stopIntake`, { agencyId, serviceId: "", reason }, t("done.stop", { what }));
}

/** @param {import("./types.js").IntakeStop} one */
const resume = (one) => press(`/v1/halls/${hallId}:resumeIntake`, { agencyId: one.agencyId, serviceId: one.serviceId }, t("done.resume", { what: stopName(one) }));

/** @param {import("./types.js").Ticket} ticket */
async function release(ticket) {
  const reason = await askReason(t("control.release_title", { number: ticket.number }), t("control.release_lead"), t("control.release"));
  if (reason) await press(`/v1/tickets/${ticket.id}:release`, { version: ticket.version, reason }, t("done.release", { number: ticket.number }));
}

/** @param {string} title @param {string} text @param {string} ok @param {string} [word] what must be typed first */
async function confirmed(title, text, ok, word) {
  byId("dlg-confirm-title").textContent = title;
  byId("confirm-text").textContent = text;
  byId("confirm-ok").textContent = ok;
  byId("confirm-ok").classList.toggle("danger", Boolean(word));
  const [box, input] = [byId("confirm-word-box"), byId("confirm-word")];
  box.hidden = !word;
  input.required = Boolean(word);
  input.value = "";
  byId("confirm-word-label").textContent = word ? t("control.type_word", { word }) : "";
  input.oninput = () => input.setCustomValidity(word && input.value.trim().toUpperCase() !== word ? t("control.type_word", { word }) : "");
  input.oninput();
  return ask(byId("dlg-confirm"));
}

async function openDay() {
  if (await confirmed(t("control.open_day"), t("control.open_day_lead"), t("control.open_day"))) await press(`/v1/halls/${hallId}:openDay`, {}, t("done.open_day"));
}

async function closeDay() {
  // The day that is shown: a press that hangs in the air until another has begun must not end that one.
  const date = room?.day?.date ?? "";
  const waiting = room?.agencies.reduce((all, one) => all + one.waiting, 0) ?? 0;
  if (await confirmed(t("control.close_day"), `${t("control.close_day_lead", { n: waiting })} ${t(hall.calendar === "CALENDAR_DEMO" ? "control.close_day_demo" : "control.close_day_again")}`, t("control.close_day"), t("control.close_word"))) {
    await press(`/v1/halls/${hallId}:closeDay`, { date }, t("done.close_day"));
  }
}

const by = byId("stats-by");
/** @type {import("./types.js").Statistics | undefined} */
let numbers;
async function statistics() {
  try {
    numbers = (await get(`/v1/halls/${hallId}/statistics`)).statistics;
    put(byId("stats-time"), t("control.stats_time", { date: inWords(numbers?.date), time: timeOfDay(new Date(Date.now() + ahead), hall.timeZone) }));
    table();
  } catch (error) {
    toast(error instanceof Problem && error.status > 0 ? error.message : t("not_reached"), "bad");
  }
}

function table() {
  if (!numbers) return;
  const sort = /** @type {"agencies" | "services" | "counters" | "hours"} */ (by.value);
  put(byId("stats-key"), by.selectedOptions[0].textContent);
  const label = (/** @type {string} */ key) => {
    if (sort === "hours") return `${key}:00`;
    if (sort === "counters") return t("desk.counter", { number: counterNumber(key) });
    if (sort === "agencies") return agencyName(key) || key;
    const service = hall.services.find((one) => one.id === key);
    return service ? named(service) : key;
  };
  const row = (/** @type {string} */ name, /** @type {import("./types.js").StatisticsRow} */ one, strong = false) => el("tr", { class: strong ? "total" : "" }, el("th", { scope: "row" }, name),
    ...[one.tickets, one.received + one.restored, one.served, one.noShow, one.transferred, one.cancelled, one.expired, one.open, clock(one.waitP50Seconds), clock(one.waitP90Seconds), clock(one.serviceP50Seconds)].map((value) => el("td", { class: "num" }, String(value))));
  fill(byId("stats"), ...numbers[sort].map((one) => row(label(one.key), one)), numbers.total && row(t("control.total"), numbers.total, true));
}

by.addEventListener("change", table);
byId("stats-load").addEventListener("click", () => void statistics());
byId("hall-pick").addEventListener("change", (/** @type {Event} */ event) => location.assign(`/kendali?hall=${/** @type {HTMLSelectElement} */ (event.target).value}`));
byId("signout").addEventListener("click", async () => {
  try {
    await request("DELETE", "/v1/sessions/current");
  } catch (error) {
    if (!(error instanceof Problem && error.status === 401)) return toast(t("not_reached"), "bad");
  }
  location.assign("/masuk");
});
