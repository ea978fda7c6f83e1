// @ts-check
/** The receipt of a ticket on 80 mm paper, and what a browser can know of its printing. */
import { byId, el, fill } from "./dom.js";
import { dateInWords, estimated, named, t, timeOfDay } from "./i18n.js";

/** @typedef {{ticket: import("./types.js").Ticket, peopleAhead: number, estimate?: import("./types.js").Estimate}} Issued */

/**
 * Where the code of a ticket's page is drawn.
 * @param {import("./types.js").Ticket} ticket
 */
export const qr = (ticket) => `/kiosk/qr/${encodeURIComponent(ticket.token)}.svg`;

/**
 * Hands the receipt to the printer. Whether paper came out no browser can tell; that it never began to print, this can.
 * @param {Issued} issued
 * @param {import("./types.js").ServiceStatus | undefined} service
 * @param {string} zone name of the TimeZone enum
 * @returns {Promise<boolean>} whether the browser has printed
 */
export async function print({ ticket, peopleAhead, estimate }, service, zone) {
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
  let began = false;
  const begin = () => { began = true; };
  addEventListener("beforeprint", begin, { once: true });
  try {
    window.print();
  } catch {
    // As good as a printer that is not there: the number stands on the screen.
  }
  removeEventListener("beforeprint", begin);
  return began;
}
