// @ts-check
/** Papan antrean: who is called where, to be read from ten metres and heard. Holds no personal data. */
import { get, Problem } from "./api.js";
import { byId, el, fill, icon, keyed, put } from "./dom.js";
import { dateInWords, speak, t, timeOfDay } from "./i18n.js";
import { Live } from "./live.js";
import { Speaker } from "./speaker.js";

const frame = byId("board");
const { hall, zone, sitecode, stale, voice } = frame.dataset;
/** Current calls that fit on one page beside the newest. */
const PAGE = 5;
/** Milliseconds a page of calls, or a notice, stays. */
const TURN = 8_000;
/** Milliseconds a new call is marked. */
const FRESH = 7_000;
/** Milliseconds after a call from which on it is told late, and spoken only if somebody is still called. What is younger is never
 * lost, however often the line breaks. */
const LATE = 60_000;
/** Seconds that a board which is not current insists on what it has seen. */
const BELIEVE = 45;

await speak();
const speaker = new Speaker(voice, `${hall} ${zone}`);

/** @type {Map<string, import("./types.js").BoardCounter>} */
const counters = new Map();
/** @type {import("./types.js").Announcement[]} */
let lastCalls = [];
/** Last position of the log that this board has shown, and the epoch of the log. A reconnect goes on from there. */
let [seq, epoch] = ["0", "0"];
/** Nothing is shown yet: the whole board is asked for, and the calls since the last one that was spoken before the load. */
let empty = true;
let timeZone = "";
/** Milliseconds that the service's clock is ahead of this machine's. */
let ahead = 0;
let page = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let giveUp;
/** @type {Map<string, number>} number called → until when it is marked */
const fresh = new Map();

const live = new Live(() => {
  const { seq: afterSeq, epoch: afterEpoch } = empty ? speaker.memory : { seq, epoch };
  return `/v1/halls/${hall}/board:watch?${new URLSearchParams({ zone: zone ?? "", afterSeq, afterEpoch, whole: String(empty) })}`;
}, {
  frame: take,
  stale: Number(stale),
  state: (state, since) => {
    clearTimeout(giveUp);
    // No instance lags for so long. What was seen is of a log that is no more: begin with whatever there is.
    if (state === "stale") giveUp = setTimeout(() => {
      [seq, epoch] = ["0", "0"];
      speaker.forget("0");
    }, BELIEVE * 1000);
    const banner = byId("stale");
    banner.hidden = state !== "stale";
    put(banner, state === "stale" ? t("board.stale", { time: timeOfDay(new Date(since.getTime() + ahead), timeZone) }) : "");
    frame.dataset.live = state;
  },
  lost: async () => {
    try {
      await get("/v1/sessions/current");
    } catch (error) {
      // The device was revoked: the page asks for its key again.
      if (error instanceof Problem && error.status === 401) location.reload();
    }
  },
});

/** @param {import("./types.js").BoardFrame} next */
function take(next) {
  const [of, at] = [BigInt(next.epoch) - BigInt(epoch), BigInt(next.seq) - BigInt(seq)];
  // An instance that lags. What it tells after this would be changes of an old board: ask again.
  if (of < 0n || (of === 0n && at < 0n)) return live.redial(1_000);
  if (next.snapshot) {
    counters.clear();
    next.snapshot.counters.forEach((counter) => counters.set(counter.counterId, counter));
    lastCalls = next.snapshot.lastCalls;
    timeZone = next.snapshot.timeZone;
    put(byId("hall-name"), next.snapshot.hallName);
    put(byId("zone-name"), next.snapshot.zones.find((one) => one.code === zone)?.name ?? "");
  }
  next.counters.forEach((counter) => counters.set(counter.counterId, counter));
  if (next.time) ahead = Date.parse(next.time) - Date.now();
  [seq, epoch, empty] = [next.seq, next.epoch, false];
  speaker.follow(seq, epoch);
  for (const call of next.announcements) {
    if (!lastCalls.some((one) => one.id === call.id)) lastCalls = [call, ...lastCalls];
    if (!speaker.say(call, isCalled(call))) continue;
    fresh.set(call.ticketNumber, Date.now() + FRESH);
    page = 0;
    // For screen readers and for people who follow the board as text.
    put(byId("spoken"), call.speech);
  }
  lastCalls = lastCalls.sort((a, b) => Number(b.id) - Number(a.id)).slice(0, 12);
  draw();
}

/**
 * Whether a call is still to be spoken: it is fresh by this machine's clock, or its counter still waits. A frame's own time
 * would not do: a whole board is as old as its last change.
 * @param {import("./types.js").Announcement} call
 */
function isCalled(call) {
  const isFresh = Date.now() - Date.parse(call.time) < LATE;
  return isFresh || [...counters.values()].some((counter) => counter.number === call.counterNumber && counter.ticketNumber === call.ticketNumber);
}

/** @param {{callTime?: string}} counter */
const calledAt = (counter) => (counter.callTime ? Date.parse(counter.callTime) : 0);

function draw() {
  const here = [...counters.values()].filter((counter) => !zone || counter.zoneCode === zone);
  const current = here.filter((counter) => counter.ticketNumber).sort((a, b) => calledAt(b) - calledAt(a));
  const [newest, ...rest] = current;
  const hero = byId("hero");
  hero.dataset.empty = String(!newest);
  const shown = newest ? `${newest.ticketNumber} ${newest.number} ${newest.callTime}` : "none";
  if (hero.dataset.shown !== shown) {
    hero.dataset.shown = shown;
    if (newest) fill(hero, el("p", { class: "hero-label" }, t("number")), el("p", { class: "hero-number", "data-long": String(newest.ticketNumber.length > 4) }, newest.ticketNumber),
      el("p", { class: "hero-to" }, el("span", {}, t("counter")), el("strong", {}, newest.number)), el("p", { class: "hero-agency" }, newest.agencyName));
    else fill(hero, icon("bell"), el("p", { class: "hero-wait" }, t("board.none")));
  }
  hero.classList.toggle("fresh", Boolean(newest && isFresh(newest.ticketNumber)));

  const pages = Math.max(1, Math.ceil(rest.length / PAGE));
  page %= pages;
  put(byId("page"), pages > 1 ? `${page + 1} / ${pages}` : "");
  keyed(byId("current"), rest.slice(page * PAGE, (page + 1) * PAGE), (counter) => counter.counterId,
    () => el("tr", {}, el("td", { class: "row-number" }), el("td", { class: "row-counter" })),
    (row, counter) => {
      put(/** @type {Element} */ (row.children[0]), counter.ticketNumber);
      put(/** @type {Element} */ (row.children[1]), counter.number);
      row.classList.toggle("fresh", isFresh(counter.ticketNumber));
    });

  // What stands large above needs no second line; a number called twice needs one.
  const above = new Set(current.map((counter) => `${counter.ticketNumber} ${counter.number}`));
  const past = new Map(lastCalls.map((call) => [`${call.ticketNumber} ${call.counterNumber}`, call]));
  keyed(byId("last"), [...past].filter(([key]) => !above.has(key)).map(([, call]) => call).slice(0, 6), (call) => call.id, () => el("li", {}),
    (item, call) => item.children.length === 0 && fill(item, el("strong", {}, call.ticketNumber), el("span", { class: "sr" }, t("board.to", { counter: call.counterNumber })), el("strong", { class: "arrow", "aria-hidden": "true" }, "→"), el("strong", { class: "to", "aria-hidden": "true" }, call.counterNumber)));
  const notices = here.filter((counter) => counter.state === "COUNTER_STATE_BREAK" || (counter.state === "COUNTER_STATE_CLOSED" && counter.reason));
  /** @type {(import("./types.js").BoardCounter | {counterId: "none"})[]} */
  const shownNotices = notices.length > 0 ? turn(notices, 2) : [{ counterId: "none" }];
  keyed(byId("notices"), shownNotices, (counter) => `${counter.counterId} ${/** @type {any} */ (counter).reason}`, (counter) => el("li", { class: counter.counterId === "none" ? "quiet" : "" }),
    (item, counter) => put(item, notice(counter)));
}

/** @param {import("./types.js").BoardCounter | {counterId: "none"}} counter */
function notice(counter) {
  if (!("state" in counter)) return t("board.no_notices");
  return t(counter.state === "COUNTER_STATE_BREAK" ? "board.break" : "board.closed", { counter: counter.number, reason: counter.reason });
}

/** A few of many, the next few at each turn. @template T @param {T[]} all @param {number} count @returns {T[]} */
function turn(all, count) {
  const start = (Math.floor(Date.now() / TURN) % Math.ceil(all.length / count)) * count;
  return all.slice(start, start + count);
}

/** @param {string} number */
const isFresh = (number) => (fresh.get(number) ?? 0) > Date.now();

setInterval(() => { page += 1; draw(); }, TURN);
setInterval(() => {
  const now = new Date(Date.now() + ahead);
  put(byId("clock"), timeZone ? timeOfDay(now, timeZone) : "");
  put(byId("date"), timeZone ? dateInWords(now, timeZone) : "");
  for (const [number, until] of fresh) {
    if (until > Date.now()) continue;
    fresh.delete(number);
    draw();
  }
}, 1_000);

/** The rotating code that proves that a phone stands in the hall. */
async function siteCode() {
  let wait = 15;
  try {
    const { code, expiresIn } = await get(`/v1/halls/${hall}/siteCode`);
    const image = byId("site-qr");
    image.src = `/papan/qr.svg?${new URLSearchParams({ hall: hall ?? "", kode: code })}`;
    byId("site").hidden = false;
    wait = Math.max(2, expiresIn);
  } catch {
    // An old code would only be refused: show none until a new one is known.
    byId("site").hidden = true;
  }
  setTimeout(() => void siteCode(), wait * 1000);
}
if (sitecode === "true") void siteCode();

const sound = byId("sound");
async function enable() {
  try {
    await speaker.enable();
    sound.hidden = true;
    return true;
  } catch {
    return false;
  }
}
sound.addEventListener("click", async () => {
  sound.disabled = true;
  if (!(await enable())) put(sound, t("board.sound_failed"));
  sound.disabled = false;
});
// A kiosk browser that permits sound without a click goes on speaking after a reload or a restart.
if (speaker.memory.sound) void enable();
