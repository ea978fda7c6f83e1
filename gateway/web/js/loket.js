// @ts-check
/** Konsol loket: where counter staff call and serve. Start, presses, live updates and keys; what it looks like is in loket-view.js. */
import { get, newKey, Problem, request, send, signInAgain } from "./api.js";
import { ask, byId, showLive, toast } from "./dom.js";
import { speak, t, timeOfDay } from "./i18n.js";
import { Live } from "./live.js";
import { askFinish, askNote, askOpen, askPause, askTransfer, confirmed } from "./loket-dialogs.js";
import { chooser, View } from "./loket-view.js";

/** Roles that work at counters. */
const CALLERS = new Set(["ROLE_COUNTER", "ROLE_AGENCY_SUPERVISOR", "ROLE_HALL_MANAGER", "ROLE_ADMIN"]);
/** Milliseconds after a press in which the next one is taken for its double, which would land on another button. */
const SETTLE = 600;

await speak();

/** @type {import("./types.js").Session} */
let session;
/** @type {import("./types.js").Hall} */
let hall;
/** @type {import("./types.js").CounterDesk | undefined} */
let desk;
/** Milliseconds that the service's clock is ahead of this machine's. */
let ahead = 0;
/** Frames made before this moment (service clock) are older than an answer already shown. */
let floor = 0;
let busy = "";
/** Ends with the answer of the press that is under way. */
let underWay = Promise.resolve();
let settled = 0;
/** Whether somebody pressed on while a press was under way, and may press once more just as the answer comes. */
let impatient = false;
let previewed = "";
const counterId = new URL(location.href).searchParams.get("loket") ?? "";
const view = new View({ act, lists });

start().catch((error) => {
  if (error instanceof Problem && error.status === 401) return signInAgain();
  toast(error instanceof Problem && error.status > 0 ? error.message : t("not_reached"), "bad");
  setTimeout(() => location.reload(), 5_000);
});

async function start() {
  session = await get("/v1/sessions/current");
  const { halls } = /** @type {{halls: import("./types.js").Hall[]}} */ (await get("/v1/halls"));
  const mine = (await Promise.all(halls.map(async ({ id }) => (await get(`/v1/halls/${id}`)).hall))).map(
    (/** @type {import("./types.js").Hall} */ one) => ({ hall: one, counters: one.counters.filter((counter) => mayWorkAt(one, counter)) }),
  );
  const found = mine.find((one) => one.counters.some((counter) => counter.id === counterId));
  if (!found) return chooser(byId("work"), mine, session, localStorage.getItem("mpp-loket") ?? "");
  hall = found.hall;
  localStorage.setItem("mpp-loket", counterId);
  view.begin(hall, counterId, session.permissions);
  take((await get(`/v1/counters/${counterId}`)).desk);
  new Live(() => `/v1/counters/${counterId}:watch`, {
    frame: (data) => data.desk && take(data.desk),
    state: (state, since) => showLive(state, {
      live: t("live.on"), connecting: t("live.connecting"), stale: t("live.stale", { time: timeOfDay(since, hall.timeZone) }),
    }),
    lost: stillSignedIn,
  });
  setInterval(() => desk && view.tick(desk, Date.now() + ahead), 500);
}

/** @param {import("./types.js").Hall} one @param {import("./types.js").Counter} counter */
function mayWorkAt(one, counter) {
  return (session.account?.grants ?? []).some(
    (grant) => CALLERS.has(grant.role) && (!grant.hallId || grant.hallId === one.id)
      && (!grant.agencyId || grant.agencyId === counter.agencyId)
      && (grant.counterIds.length === 0 || grant.counterIds.includes(counter.id)),
  );
}

async function stillSignedIn() {
  try {
    await get("/v1/sessions/current");
  } catch (error) {
    if (error instanceof Problem && error.status === 401) signInAgain();
  }
}

/** @param {import("./types.js").CounterDesk} next */
function take(next) {
  const made = Date.parse(next.time);
  if (made < floor) return;
  if (desk && BigInt(next.seq) < BigInt(desk.seq)) return;
  ahead = made - Date.now();
  desk = next;
  view.show(desk, { busy, now: Date.now() + ahead });
  void preview();
}

/** Asks why the next ticket is next, whenever that has changed. */
async function preview() {
  if (!desk || desk.current || desk.counter.state !== "COUNTER_STATE_OPEN") return;
  const question = `${desk.nextTicketId} ${desk.nextReason}`;
  if (question === previewed) return;
  previewed = question;
  try {
    const { explanation } = await get(`/v1/counters/${counterId}/preview`);
    if (question === previewed) view.preview(explanation);
  } catch {
    // The sentence is a comfort, not a need: the reason code of the frame stays on the page, and the next frame asks again.
    previewed = "";
  }
}

/**
 * Sends one press and keeps it until it is answered. While it is under way no button is taken; what was asked in a dialog
 * meanwhile goes out after its answer, and the service says whether it still fits.
 * @param {string} name what was pressed
 * @param {string} path
 * @param {Record<string, unknown>} body
 * @param {string} [good] what to say when it is done
 * @returns {Promise<Problem | undefined>} why it was refused
 */
async function press(name, path, body, good) {
  while (busy) await underWay;
  busy = name;
  let answered = () => {};
  underWay = new Promise((resolve) => { answered = resolve; });
  settled = performance.now() + SETTLE;
  view.sending(name, t("sent"));
  try {
    const answer = await send(path, body, { key: newKey(), onRetry: (attempt) => view.sending(name, t("sent_again", { n: attempt })) });
    accept(answer);
    if (good) toast(good);
    return undefined;
  } catch (error) {
    const problem = error instanceof Problem ? error : new Problem(0, {});
    if (problem.status === 401) signInAgain();
    else if (problem.reason === "NOBODY_WAITING") toast(problem.message, "info");
    else if (!ASKED_BACK.has(problem.reason)) toast(problem.message, "bad");
    await refresh();
    return problem;
  } finally {
    busy = "";
    if (impatient) settled = performance.now() + SETTLE;
    impatient = false;
    view.answered();
    if (desk) view.show(desk, { busy, now: Date.now() + ahead });
    answered();
  }
}

/** Refusals that lead to a question instead of a message. */
const ASKED_BACK = new Set(["OTHER_COUNTER_OPEN", "REASON_REQUIRED"]);

/** Shows an answer at once; the stream brings the rest. @param {{ticket?: import("./types.js").Ticket, counter?: import("./types.js").Counter}} answer */
function accept({ ticket, counter }) {
  if (!desk) return;
  if (counter) desk = { ...desk, counter };
  if (!ticket) return;
  const held = ["TICKET_STATE_CALLED", "TICKET_STATE_SERVING"].includes(ticket.state) && ticket.counterId === counterId;
  const current = held ? ticket : desk.current?.id === ticket.id ? undefined : desk.current;
  const state = current ? "COUNTER_STATE_SERVING" : desk.counter.state === "COUNTER_STATE_SERVING" ? "COUNTER_STATE_OPEN" : desk.counter.state;
  desk = { ...desk, current, counter: { ...desk.counter, state } };
  const moments = [ticket.callTime, ticket.startTime, ticket.endTime].map((time) => (time ? Date.parse(time) : 0));
  floor = Math.max(floor, ...moments);
}

async function refresh() {
  try {
    take((await get(`/v1/counters/${counterId}`)).desk);
  } catch {
    // The stream reports the lost connection and brings the desk when it is back.
  }
}

/** @param {string} verb */
const ticketPath = (verb, ticket = desk?.current) => `/v1/tickets/${ticket?.id}:${verb}`;
/** @param {string} verb */
const counterPath = (verb) => `/v1/counters/${counterId}:${verb}`;

/**
 * Sends one verb of a ticket. Who does not work at this counter, such as a supervisor who steps in, is asked why, and it is sent with that.
 * @param {string} name what was pressed
 * @param {import("./types.js").Ticket | undefined} ticket
 * @param {string} verb
 * @param {Record<string, unknown>} body
 * @param {string} [good] what to say when it is done
 */
async function step(name, ticket, verb, body, good) {
  const [path, seen] = [ticketPath(verb, ticket), { version: ticket?.version ?? 0, ...body }];
  const refused = await press(name, path, seen, good);
  if (refused?.reason !== "REASON_REQUIRED") return;
  const title = t("desk.reason_title", { number: ticket?.number ?? "" });
  const reason = await askNote({ title, lead: t("desk.reason_lead"), label: t("reason"), ok: t("desk.reason_ok"), least: 3 });
  if (reason) await press(name, path, { ...seen, reason }, good);
}

/** What a button or a key does. @param {string} name */
async function act(name) {
  if (busy) impatient = true;
  if (!desk || busy || performance.now() < settled) return;
  const ticket = desk.current;
  const values = { number: ticket?.number ?? "" };
  switch (name) {
    case "callNext":
      return void press(name, counterPath("callNext"), { expectedCurrent: ticket?.id ?? "" });
    case "recall":
      return void step(name, ticket, "recall", {}, t("done.recall", values));
    case "start":
      return void step(name, ticket, "start", {});
    case "noShow":
      return void step(name, ticket, "noShow", {}, t("done.no_show", values));
    case "undo":
      return void step(name, ticket, "undoCall", {}, t("done.undo", values));
    case "resume":
      return void press(name, counterPath("resume"), {});
    case "finish": {
      const said = ticket && (await askFinish(ticket, hall, desk));
      if (said) await step(name, ticket, "finish", said, t("done.finish", values));
      return;
    }
    case "park": {
      const note = await askNote({ title: t("desk.park_title", values), lead: t("desk.park_lead"), label: t("desk.note"), ok: t("desk.park") });
      if (note !== undefined) await step(name, ticket, "park", { note }, t("done.park", values));
      return;
    }
    case "transfer": {
      const said = ticket && (await askTransfer(ticket, hall));
      if (said) await step(name, ticket, "transfer", said, t("done.transfer", values));
      return;
    }
    case "pause": {
      const reason = await askPause();
      if (reason) await press(name, counterPath("pause"), { reason });
      return;
    }
    case "open": {
      const serviceIds = await askOpen(desk.counter, hall);
      if (!serviceIds) return;
      const refused = await press(name, counterPath("open"), { serviceIds, switchDesk: false });
      if (!refused || !ASKED_BACK.has(refused.reason)) return;
      if (await confirmed(t("desk.switch_title"), refused.message, t("desk.switch"))) {
        await press(name, counterPath("open"), { serviceIds, switchDesk: true });
      }
      return;
    }
    case "close":
      return void closing(name);
    case "choose":
      return location.assign("/loket");
  }
}

/** Closes the counter; the board shows why, if that is said. @param {string} name */
async function closing(name) {
  const words = { title: t("desk.close_title"), lead: t("desk.close_lead"), label: t("desk.close_reason"), ok: t("desk.close"), most: 80 };
  const reason = await askNote(words);
  if (reason !== undefined) await press(name, counterPath("close"), { reason });
}

/** What a button in the lists does. @param {"take" | "restore" | "callTicket"} name @param {import("./types.js").Ticket} ticket */
async function lists(name, ticket) {
  if (!desk || busy || performance.now() < settled) return;
  const values = { number: ticket.number };
  if (name === "take") return void press(name, ticketPath("resume", ticket), { version: ticket.version, counterId });
  const restore = name === "restore";
  const reason = await askNote({
    title: t(restore ? "desk.restore_title" : "desk.specific_title", values),
    lead: t(restore ? "desk.restore_lead" : "desk.specific_lead"), label: t("reason"), ok: t(restore ? "desk.restore" : "desk.specific"), least: 3,
  });
  if (reason === undefined) return;
  if (restore) await press(name, ticketPath("restore", ticket), { version: ticket.version, reason }, t("done.restore", values));
  else await press(name, counterPath("callTicket"), { ticket: ticket.id, reason });
}

/** One key per verb, off while somebody types or answers a dialog, and off for who wants none (WCAG 2.1.4). @type {Record<string, string[]>} */
const KEYS = { n: ["callNext"], r: ["recall"], m: ["start"], s: ["finish"], t: ["noShow"], p: ["park"], a: ["transfer"], u: ["undo"], i: ["pause", "resume"] };
const keysOn = byId("keys-on");
keysOn.checked = localStorage.getItem("mpp-keys") !== "off";
keysOn.addEventListener("change", () => {
  localStorage.setItem("mpp-keys", keysOn.checked ? "on" : "off");
  document.body.classList.toggle("no-keys", !keysOn.checked);
});
document.body.classList.toggle("no-keys", !keysOn.checked);
document.addEventListener("keydown", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  // A held key repeats; without this, Enter on a button would press it again and again.
  if (event.repeat && target.closest("button")) return event.preventDefault();
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || !keysOn.checked) return;
  if (document.querySelector("dialog[open]") || target.closest("input, textarea, select")) return;
  const name = KEYS[event.key.toLowerCase()]?.find((one) => view.offers(one));
  if (!name) return;
  event.preventDefault();
  void act(name);
});

byId("keys").addEventListener("click", () => void ask(byId("dlg-keys")));
byId("signout").addEventListener("click", async () => {
  try {
    await request("DELETE", "/v1/sessions/current");
    location.assign("/masuk");
  } catch (error) {
    if (error instanceof Problem && error.status === 401) location.assign("/masuk");
    else toast(t("not_reached"), "bad");
  }
});
