// @ts-check
/** Keeps the ticket page live. The server has rendered it already; here only what changes is changed. */
import { byId } from "./dom.js";
import { estimated, language, speak, t } from "./i18n.js";
import { Live } from "./live.js";

const ticket = byId("ticket");
await speak();

/** @type {string} */
let state = ticket.dataset.state;

/** @param {{ticket?: import("./types.js").PublicTicket}} frame */
function show({ ticket: now }) {
  if (!now) return;
  const next = now.state.replace("TICKET_STATE_", "").toLowerCase();
  const values = { counter: now.counterNumber, zone: now.zoneName, n: now.peopleAhead };
  if (next === "called" && state !== "called") {
    document.title = `${t("ticket.headline.called", values)} · ${now.number}`;
    navigator.vibrate?.([300, 150, 300, 150, 600]);
  } else if (next !== "called" && state === "called") {
    document.title = `${now.number} · ${t("ticket.title")}`;
  }
  state = next;
  ticket.dataset.state = next;
  put("headline", t(`ticket.headline.${next}`, values));
  put("detail", detail(next, now));
  put("ahead", String(now.peopleAhead));
  put("estimate", estimated(now.estimate));
  put("service", language() === "en" && now.serviceNameEn ? now.serviceNameEn : now.serviceName);
  put("agency", now.agencyName);
  byId("facts").hidden = next !== "waiting";
  if (!now.open) {
    live?.stop();
    byId("live").dataset.state = "static";
    put("live-text", t("ticket.ended"));
  }
}

/** @param {string} next @param {import("./types.js").PublicTicket} now */
function detail(next, now) {
  if (next === "waiting") return now.peopleAhead === 0 ? t("ticket.detail.next") : t("ticket.detail.waiting", { n: now.peopleAhead });
  if ((next === "called" || next === "serving") && now.zoneName) return t("ticket.detail.zone", { zone: now.zoneName });
  return t(`ticket.detail.${next}`);
}

/** Writes only what differs, so that a screen reader hears changes and nothing else. @param {string} id @param {string} text */
function put(id, text) {
  const node = byId(id);
  if (node.textContent !== text) node.textContent = text;
}

/** @type {Live | undefined} */
let live;
if (ticket.dataset.open === "true") {
  byId("live").dataset.state = "connecting";
  live = new Live(() => `/v1/ticketTokens/${encodeURIComponent(ticket.dataset.token ?? "")}:watch`, {
    frame: show,
    state: (now) => {
      byId("live").dataset.state = now;
      put("live-text", t(`ticket.live.${now}`));
    },
  });
}
