// @ts-check
/**
 * What a kiosk remembers over a reload or a crash of its browser: the press that is not settled yet, whether its printer
 * gives paper, and numbers that nobody stood there to take. Nothing of it says who was there.
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
 *   body: Record<string, unknown>, shown?: boolean, paper?: Paper, takenBack?: {key: string, reason: string},
 * }} Press
 */

/** @param {string} where @returns {any} undefined for what is not there, or cannot be read */
function read(where) {
  try {
    return JSON.parse(localStorage.getItem(where) ?? "null") ?? undefined;
  } catch {
    return undefined;
  }
}

/** @param {Press} press */
export function keepPress(press) {
  localStorage.setItem(PRESS, JSON.stringify(press));
}

/** Notes something of the press at hand, if there is one. @param {Partial<Press>} news */
export function notePress(news) {
  const press = read(PRESS);
  if (press) keepPress({ ...press, ...news });
}

export function forgetPress() {
  localStorage.removeItem(PRESS);
}

/** The press that was not settled when the page went away. @param {string} hall @returns {Press | undefined} */
export function keptPress(hall) {
  const press = /** @type {Press | undefined} */ (read(PRESS));
  const age = Date.now() - (press?.at ?? 0);
  if (press?.hall === hall && age >= 0 && age < PRESS_FOR) return press;
  forgetPress();
  return undefined;
}

/** Whether the last receipt did not come out. */
export function noPaper() {
  return localStorage.getItem(PRINTER) === "out";
}

/** @param {boolean} isOut */
export function notePaper(isOut) {
  if (isOut) localStorage.setItem(PRINTER, "out");
  else localStorage.removeItem(PRINTER);
}

/** Numbers that were issued after the visitor had gone: who comes back finds his, an officer voids the others. @returns {{number: string, at: number}[]} */
export function untaken() {
  const all = /** @type {{number: string, at: number}[]} */ (read(UNTAKEN) ?? []);
  return all.filter((one) => Date.now() - one.at < UNTAKEN_FOR);
}

/** @param {string} number */
export function noteUntaken(number) {
  localStorage.setItem(UNTAKEN, JSON.stringify([...untaken(), { number, at: Date.now() }].slice(-UNTAKEN_MOST)));
}
