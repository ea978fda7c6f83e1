// @ts-check
/** The board of lateness, live: the server renders it, the stream changes its numbers. A case turns late by time alone. */
import { get, Problem, signInAgain } from "./api.js";
import { byId, put, showLive } from "./dom.js";
import { language, t } from "./i18n.js";
import { Live } from "./live.js";
import "./petugas.js";

/** @typedef {{measure: string, count: string | number}} BoardNumber */
/** @typedef {{agencyId: string, numbers?: BoardNumber[], oldestLateAt?: string, onTimePermille?: number[], reopenedPermille?: number[]}} BoardRow */
/** @typedef {{at?: string, rows?: BoardRow[]}} Board */

const zone = byId("isi").dataset.zone ?? "Asia/Jakarta";
/** @type {Record<string, string>} */
const ZONES = { "Asia/Jakarta": "WIB", "Asia/Makassar": "WITA", "Asia/Jayapura": "WIT" };
const live = byId("live");
live.hidden = false;

/** A moment as the server writes it. @param {string | undefined} when */
function moment(when) {
  if (!when) return "";
  const date = new Date(when);
  const english = language() === "en";
  const day = new Intl.DateTimeFormat(english ? "en-GB" : "id-ID", { day: "numeric", month: "long", year: "numeric", timeZone: zone }).format(date);
  const time = clock(date);
  return english ? `${day} at ${time} ${ZONES[zone]}` : `${day} pukul ${time.replace(":", ".")} ${ZONES[zone]}`;
}

/** @param {Date} date */
function clock(date) {
  return new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: zone }).format(date);
}

/** @param {number} permille */
function share(permille) {
  if (permille < 0) return "–";
  const text = permille % 10 === 0 ? String(permille / 10) : (permille / 10).toFixed(1);
  return `${language() === "en" ? text : text.replace(".", ",")} %`;
}

/** @param {BoardRow} row @param {string} measure */
const count = (row, measure) => Number(row.numbers?.find((one) => one.measure === measure)?.count ?? 0);

/** The name under which it is kept when the page was last loaded for new rows. */
const ANEW = "mpp-board-anew";

/** Loads the page again, at most once in ten seconds. */
function anew() {
  if (Date.now() - Number(sessionStorage.getItem(ANEW)) < 10_000) return;
  sessionStorage.setItem(ANEW, String(Date.now()));
  location.reload();
}

/** @param {Board} board */
function take(board) {
  const rows = board.rows ?? [];
  /** @type {Map<string | undefined, HTMLElement>} */
  const nodes = new Map([...document.querySelectorAll("[data-agency]")].map((node) => [/** @type {HTMLElement} */ (node).dataset.agency, /** @type {HTMLElement} */ (node)]));
  const keyOf = (/** @type {BoardRow} */ row) => row.agencyId.replaceAll("/", "~");
  // An agency came or went: the server renders the rows anew, though not again and again.
  if (rows.length !== nodes.size || rows.some((row) => !nodes.has(keyOf(row)))) return anew();
  for (const row of rows) change(/** @type {HTMLElement} */ (nodes.get(keyOf(row))), row);
  const time = byId("saat");
  put(time, moment(board.at));
  time.setAttribute("datetime", board.at ?? "");
  const sum = (/** @type {string} */ measure) => String(rows.reduce((all, row) => all + count(row, measure), 0));
  for (const [id, text] of [
    ["jumlah-instansi", String(rows.filter((row) => count(row, "BOARD_MEASURE_LATE") > 0).length)],
    ["jumlah-hukum", sum("BOARD_MEASURE_LATE_SETTLE")],
    ["jumlah-janji", sum("BOARD_MEASURE_LATE_REACTION")],
  ]) {
    const node = document.getElementById(/** @type {string} */ (id));
    if (!node) continue;
    put(node, /** @type {string} */ (text));
    node.parentElement?.classList.toggle("none", text === "0");
  }
}

/** @param {HTMLElement} node @param {BoardRow} row */
function change(node, row) {
  for (const number of /** @type {NodeListOf<HTMLElement>} */ (node.querySelectorAll("[data-measure]"))) {
    const value = count(row, number.dataset.measure ?? "");
    put(/** @type {Element} */ (number.querySelector("[data-count]")), String(value));
    number.classList.toggle("none", value === 0);
    number.classList.toggle("bad", value > 0 && !["BOARD_MEASURE_OPEN", "BOARD_MEASURE_DUE_TODAY"].includes(number.dataset.measure ?? ""));
  }
  node.classList.toggle("late", count(row, "BOARD_MEASURE_LATE") > 0);
  const oldest = /** @type {HTMLElement} */ (node.querySelector("[data-oldest]"));
  put(oldest, moment(row.oldestLateAt));
  /** @type {HTMLElement} */ (oldest.parentElement).hidden = !row.oldestLateAt;
  const shares = row.onTimePermille ?? [];
  node.querySelectorAll("[data-share]").forEach((place, at) => put(place, share(shares[at] ?? -1)));
  const reopened = row.reopenedPermille ?? [];
  node.querySelectorAll("[data-reopened]").forEach((place, at) => put(place, share(reopened[at] ?? -1)));
}

new Live(() => "/v1/complaintBoard:watch", {
  frame: (data) => data.board && take(data.board),
  state: (state, since) => showLive(state, { live: t("live.on"), connecting: t("live.connecting"), stale: t("live.stale", { time: clock(since) }) }),
  lost: async () => {
    try {
      await get("/v1/sessions/current");
    } catch (error) {
      if (error instanceof Problem && error.status === 401) signInAgain();
    }
  },
});
put(byId("live-text"), t("live.connecting"));
