// @ts-check
/** Why somebody goes ahead and what help they need: an icon and words, never colour alone, never a diagnosis. */
import { el, icon } from "./dom.js";
import { t } from "./i18n.js";

/** Priorities a visitor may choose, in the order they are asked. */
export const PRIORITIES = ["PRIORITY_NONE", "PRIORITY_DISABILITY", "PRIORITY_ELDERLY", "PRIORITY_PREGNANT", "PRIORITY_CHILD", "PRIORITY_DISASTER_VICTIM"];

/** Kinds of help, in the order they are asked. */
export const ASSISTANCE = ["ASSISTANCE_WHEELCHAIR", "ASSISTANCE_SIGN_LANGUAGE", "ASSISTANCE_ESCORT", "ASSISTANCE_READING"];

/** @type {Record<string, string>} */
const ICONS = {
  PRIORITY_NONE: "user", PRIORITY_DISABILITY: "wheelchair", PRIORITY_ELDERLY: "elder", PRIORITY_PREGNANT: "pregnant",
  PRIORITY_CHILD: "child", PRIORITY_DISASTER_VICTIM: "disaster", PRIORITY_INTERNAL: "internal",
  ASSISTANCE_WHEELCHAIR: "wheelchair", ASSISTANCE_SIGN_LANGUAGE: "sign", ASSISTANCE_ESCORT: "escort", ASSISTANCE_READING: "reading",
};

/** @param {string} need name of a Priority or Assistance */
export const needIcon = (need) => icon(ICONS[need] ?? "star");

/** @param {string} need name of a Priority or Assistance */
export const needWord = (need) => t(`need.${need.toLowerCase()}`);

/** @param {string} priority */
export const goesAhead = (priority) => priority !== "PRIORITY_NONE" && priority !== "PRIORITY_UNSPECIFIED";

/**
 * What a counter should know about the visitor before looking up.
 * @param {import("./types.js").Ticket} ticket
 * @returns {HTMLElement[]}
 */
export function needs(ticket) {
  const chips = [];
  if (goesAhead(ticket.priority)) chips.push(el("span", { class: "chip strong" }, needIcon(ticket.priority), needWord(ticket.priority)));
  for (const help of ticket.assistance) chips.push(el("span", { class: "chip help" }, needIcon(help), needWord(help)));
  if (ticket.partySize > 1) chips.push(el("span", { class: "chip" }, icon("group"), t("persons", { n: ticket.partySize })));
  return chips;
}
