// @ts-check
/**
 * What a kiosk remembers over a reload or a crash of its browser: the press that is not settled yet, whether its printer
 * gives paper, and numbers that nobody stood there to take. Nothing of it says who was there: no name, no number of a
 * telephone; only the kind of priority and help that was asked for, with the press, for ten minutes at most. Where the
 * storage is full or blocked the kiosk gives numbers all the same, and only forgets them over a reload.
 */

/** Where the press stands, and for how many milliseconds it is settled after a reload: later nobody waits for it any more. */
const PRESS = "mpp-kiosk-press";
const PRESS_FOR = 10 * 60_000;
const PRINTER = "mpp-kiosk-printer";
/** Numbers that nobody stood there to take, and for how many milliseconds they are named. */
const UNTAKEN = "mpp-kiosk-untaken";
const UNTAKEN_FOR = 30 * 60_000;
/** How many of them are named. */
const UNTAKEN_MOST = 5;

/** @typedef {"" | "sent" | "asked" | "out"} Paper what is known of the receipt: nothing, handed to the printer, the same a second time, none came */
/**
 * A press on "take a number", until its number was shown for its time. The telephone number is not part of it.
 * @typedef {{
 *   key: string, at: number, hall: string, language: string, place: {agencyId?: string, serviceId?: string},
 *   body: Record<string, unknown>, shown?: boolean, paper?: Paper, takenBack?: {key: string, reason: string}, doubted?: boolean,
 * }} Press takenBack: how the number is given back. doubted: it was to be, nobody knows whether it is, and the visitor keeps it
 */
/** Ends what is kept of a press. @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/** @param {string} where @returns {any} undefined for what is not there, or cannot be read */
function read(where) {
  try {
    return JSON.parse(localStorage.getItem(where) ?? "null") ?? undefined;
  } catch {
    return undefined;
  }
}

/** @param {string} where @param {unknown} what @returns {boolean} whether it is kept */
function write(where, what) {
  try {
    localStorage.setItem(where, JSON.stringify(what));
    return true;
  } catch {
    return false;
  }
}

/** @param {string} where */
function drop(where) {
  try {
    localStorage.removeItem(where);
  } catch {
    // Blocked, so nothing was written there either.
  }
}

/** @param {Press} press */
export function keepPress(press) {
  // Where it does not fit, no other press stands in its place after a reload.
  if (write(PRESS, press)) forgetInTime(press);
  else forgetPress();
}

/** Notes something of the press at hand, if there is one. @param {Partial<Press>} news */
export function notePress(news) {
  const press = read(PRESS);
  if (press) write(PRESS, { ...press, ...news });
}

export function forgetPress() {
  clearTimeout(timer);
  drop(PRESS);
}

/** Also a page that is never loaded again keeps it no longer. @param {Press} press */
function forgetInTime(press) {
  clearTimeout(timer);
  timer = setTimeout(forgetPress, press.at + PRESS_FOR - Date.now());
}

/** Whether a press is so old that nobody waits for it any more, or from a clock that was set back. @param {{at: number}} press */
export function isOver({ at }) {
  const age = Date.now() - at;
  return age < 0 || age >= PRESS_FOR;
}

/** The press that was not settled when the page went away. @param {string} hall @returns {Press | undefined} */
export function keptPress(hall) {
  const press = /** @type {Press | undefined} */ (read(PRESS));
  if (press?.hall === hall && !isOver(press)) {
    forgetInTime(press);
    return press;
  }
  forgetPress();
  return undefined;
}

/** Whether the last receipt did not come out. */
export function noPaper() {
  return read(PRINTER) === "out";
}

/** @param {boolean} isOut */
export function notePaper(isOut) {
  if (isOut) write(PRINTER, "out");
  else drop(PRINTER);
}

/** Numbers that were issued after the visitor had gone: who comes back finds his, an officer voids the others. @returns {{number: string, at: number}[]} */
export function untaken() {
  const all = /** @type {{number: string, at: number}[]} */ (read(UNTAKEN) ?? []);
  return all.filter((one) => Date.now() - one.at < UNTAKEN_FOR);
}

/** @param {string} number */
export function noteUntaken(number) {
  write(UNTAKEN, [...untaken(), { number, at: Date.now() }].slice(-UNTAKEN_MOST));
}
