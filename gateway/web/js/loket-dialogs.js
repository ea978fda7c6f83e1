// @ts-check
/** The questions that the console asks before a press. Each answers undefined when it was cancelled. */
import { ask, byId, el, fill } from "./dom.js";
import { named, t } from "./i18n.js";

/**
 * Services a counter can call for.
 * @param {import("./types.js").Counter} counter
 * @param {import("./types.js").Hall} hall
 */
export function servicesOf(counter, hall) {
  const chosen = counter.serviceCodes.length > 0;
  return hall.services.filter((service) => !service.retired && (chosen ? counter.serviceCodes.includes(service.code) : service.agencyId === counter.agencyId));
}

/**
 * @param {import("./types.js").Counter} counter
 * @param {import("./types.js").Hall} hall
 * @returns {Promise<string[] | undefined>} ids of services
 */
export async function askOpen(counter, hall) {
  const box = byId("open-services");
  fill(box, ...servicesOf(counter, hall).map((service) => el("label", { class: "choice" }, el("input", { type: "checkbox", value: service.id, checked: true }), el("span", {}, named(service)))));
  const boxes = /** @type {HTMLInputElement[]} */ ([...box.querySelectorAll("input")]);
  const check = () => boxes[0]?.setCustomValidity(boxes.some((one) => one.checked) ? "" : t("desk.open_none"));
  boxes.forEach((one) => one.addEventListener("change", check));
  check();
  return (await ask(byId("dlg-open"))) ? boxes.filter((one) => one.checked).map((one) => one.value) : undefined;
}

/**
 * @param {import("./types.js").Ticket} ticket
 * @param {import("./types.js").Hall} hall
 * @param {import("./types.js").CounterDesk} desk
 * @returns {Promise<{outcome: string, delivered: {serviceId: string, quantity: number}[]} | undefined>}
 */
export async function askFinish(ticket, hall, desk) {
  const dialog = byId("dlg-finish");
  const box = byId("delivered");
  const offered = hall.services.filter((service) => service.id === ticket.serviceId || desk.counter.openServiceIds.includes(service.id));
  offered.sort((a, b) => Number(b.id === ticket.serviceId) - Number(a.id === ticket.serviceId));
  fill(box, ...offered.map((service, index) => {
    const id = `delivered-${index}`;
    return el("div", { class: "count-row" }, el("label", { for: id }, named(service)),
      el("input", { id, type: "number", inputmode: "numeric", min: 0, max: 99, value: service.id === ticket.serviceId ? 1 : 0, "data-service": service.id }));
  }));
  const outcomes = /** @type {HTMLInputElement[]} */ ([...dialog.querySelectorAll("[name=outcome]")]);
  const counts = /** @type {HTMLInputElement[]} */ ([...box.querySelectorAll("input")]);
  const quantity = (/** @type {HTMLInputElement} */ one) => Math.floor(Number(one.value)) || 0;
  const show = () => {
    const isDone = outcomes[0]?.checked ?? false;
    byId("delivered-box").hidden = !isDone;
    // Done is done with something; else it is another outcome.
    counts[0]?.setCustomValidity(isDone && counts.every((one) => quantity(one) === 0) ? t("desk.finish_nothing") : "");
  };
  outcomes.forEach((one, index) => { one.checked = index === 0; one.onchange = show; });
  counts.forEach((one) => { one.oninput = show; });
  show();
  const answer = ask(dialog);
  byId("finish-ok").focus();
  if (!(await answer)) return undefined;
  const outcome = outcomes.find((one) => one.checked)?.value ?? "OUTCOME_DONE";
  const delivered = counts.map((one) => ({ serviceId: one.dataset.service ?? "", quantity: quantity(one) })).filter((line) => line.quantity > 0);
  return { outcome, delivered: outcome === "OUTCOME_DONE" ? delivered : [] };
}

/**
 * @param {{title: string, lead: string, label: string, ok: string, least?: number, most?: number}} words least, most: characters needed and permitted
 * @returns {Promise<string | undefined>}
 */
export async function askNote({ title, lead, label, ok, least = 0, most = 200 }) {
  byId("dlg-note-title").textContent = title;
  byId("note-lead").textContent = lead;
  byId("note-label").textContent = label;
  byId("note-ok").textContent = ok;
  const note = byId("note");
  note.value = "";
  note.required = least > 0;
  note.minLength = least;
  note.maxLength = most;
  return (await ask(byId("dlg-note"))) ? note.value.trim().replace(/\s+/g, " ") : undefined;
}

/**
 * @param {import("./types.js").Ticket} ticket
 * @param {import("./types.js").Hall} hall
 * @returns {Promise<{serviceId: string, note: string} | undefined>}
 */
export async function askTransfer(ticket, hall) {
  const select = byId("transfer-service");
  // The own agency first: most transfers stay in the house.
  const agencies = [...hall.agencies].sort((a, b) => Number(b.id === ticket.agencyId) - Number(a.id === ticket.agencyId));
  fill(select, el("option", { value: "" }, t("onsite.choose")), ...agencies.map((agency) => el("optgroup", { label: agency.name },
    ...hall.services.filter((service) => service.agencyId === agency.id && !service.retired && service.id !== ticket.serviceId)
      .map((service) => el("option", { value: service.id }, named(service))))).filter((group) => group.children.length > 0));
  const note = byId("transfer-note");
  note.value = ticket.note;
  return (await ask(byId("dlg-transfer"))) ? { serviceId: select.value, note: note.value.trim() } : undefined;
}

/** @returns {Promise<string | undefined>} the reason that the board will show */
export async function askPause() {
  const dialog = byId("dlg-pause");
  const text = byId("pause-text");
  const presets = /** @type {HTMLInputElement[]} */ ([...dialog.querySelectorAll("[name=reason]")]);
  text.value = "";
  presets.forEach((one, index) => { one.checked = index === 0; });
  text.oninput = () => presets.forEach((one, index) => { one.checked = !text.value.trim() && index === 0; });
  presets.forEach((one) => { one.onchange = () => { text.value = ""; }; });
  if (!(await ask(dialog))) return undefined;
  return text.value.trim() || presets.find((one) => one.checked)?.value;
}

/** @param {string} title @param {string} text @param {string} ok */
export function confirmed(title, text, ok) {
  byId("dlg-confirm-title").textContent = title;
  byId("confirm-text").textContent = text;
  byId("confirm-ok").textContent = ok;
  return ask(byId("dlg-confirm"));
}
