// @ts-check
/** Words of the pages. The server renders with the same two files, so a word is written once per language. */

/** Where this version's assets live, such as "/assets/3f9c…". */
export const assets = document.documentElement.dataset.assets ?? "/assets";

/** @type {Record<string, string>} */
let words = {};

/** The language of the page now: "id" or "en". */
export const language = () => document.documentElement.lang || "id";

/**
 * Loads the words of a language and makes it the page's. A page that brings what its scripts say with it fetches nothing.
 * @param {string} lang
 */
export async function speak(lang = language()) {
  const brought = document.getElementById("kata");
  if (brought && lang === language()) {
    words = JSON.parse(brought.textContent ?? "{}");
    return;
  }
  const answer = await fetch(`${assets}/i18n/${lang}.json`);
  if (!answer.ok) throw new Error(`words of "${lang}" are missing: ${answer.status}`);
  words = await answer.json();
  document.documentElement.lang = lang;
}

/**
 * One text with its parameters filled in: t("ticket.detail.waiting", {n: 3}).
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function t(key, values = {}) {
  const text = words[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/**
 * A name in the language of the page, with the Indonesian one where no other exists.
 * @param {{name: string, nameEn?: string}} thing
 */
export const named = (thing) => (language() === "en" && thing.nameEn ? thing.nameEn : thing.name);

/** @param {number} seconds @returns {string} "4:05" or "1:04:05" */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** @param {number} seconds @returns {string} whole minutes in words */
export const minutes = (seconds) => t("minutes", { n: Math.floor(Math.max(0, seconds) / 60) });

/**
 * An estimate in words; says so when there is none.
 * @param {import("./types.js").Estimate | undefined} estimate
 */
export function estimated(estimate) {
  if (!estimate) return t("estimate.none");
  const { minMinutes: low, maxMinutes: high } = estimate;
  if (high <= 1) return t("estimate.soon");
  return low === high ? t("estimate.one", { n: high }) : t("estimate.range", { low, high });
}

/** @type {Record<string, string>} */
const ZONES = { TIME_ZONE_WIB: "Asia/Jakarta", TIME_ZONE_WITA: "Asia/Makassar", TIME_ZONE_WIT: "Asia/Jayapura" };

/**
 * Local time of day in a hall, "14:05".
 * @param {Date} when
 * @param {string} [zone] name of the TimeZone enum
 */
export function timeOfDay(when, zone) {
  return new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: ZONES[zone ?? ""] }).format(when);
}

/**
 * The date in a zone, YYYY-MM-DD.
 * @param {Date} when
 * @param {string} [zone] name of the TimeZone enum
 */
export function dateOf(when, zone) {
  return new Intl.DateTimeFormat("sv-SE", { timeZone: ZONES[zone ?? ""] }).format(when);
}

/**
 * The date in a hall, in words.
 * @param {Date} when
 * @param {string} [zone] name of the TimeZone enum
 */
export function dateInWords(when, zone) {
  const locale = language() === "en" ? "en-GB" : "id-ID";
  return new Intl.DateTimeFormat(locale, { weekday: "long", day: "numeric", month: "long", year: "numeric", timeZone: ZONES[zone ?? ""] }).format(when);
}
