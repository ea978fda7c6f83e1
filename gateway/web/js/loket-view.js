// @ts-check
/** What the console looks like. Its buttons are made once and only shown, hidden and relabelled, so that a live update never takes one away under a finger. */
import { byId, el, fill, icon, keyed, number, put } from "./dom.js";
import { clock, minutes, named, t, timeOfDay } from "./i18n.js";
import { goesAhead, needIcon, needs, needWord } from "./need.js";

/** Which verb of the contract makes a button appear. @type {Record<string, string>} */
const VERBS = {
  recall: "TICKET_VERB_RECALL", start: "TICKET_VERB_START", finish: "TICKET_VERB_FINISH", noShow: "TICKET_VERB_NO_SHOW",
  park: "TICKET_VERB_PARK", transfer: "TICKET_VERB_TRANSFER", undo: "TICKET_VERB_UNDO_CALL",
};

/** @type {Record<string, [string, string]>} tone and word of each counter state */
export const COUNTER_STATES = {
  COUNTER_STATE_CLOSED: ["off", "counter.closed"], COUNTER_STATE_OPEN: ["good", "counter.open"],
  COUNTER_STATE_BREAK: ["warn", "counter.break"], COUNTER_STATE_SERVING: ["good", "counter.serving"],
};

/** @param {string | undefined} time */
const at = (time) => (time ? Date.parse(time) : 0);

export class View {
  /** @param {{act: (name: string) => void, lists: (name: "take" | "restore" | "callTicket", ticket: import("./types.js").Ticket) => void}} hooks */
  constructor({ act, lists }) {
    this.act = act;
    this.lists = lists;
    this.busy = "";
    this.tab = "queue";
    /** @type {Map<string, HTMLButtonElement>} */
    this.buttons = new Map();
    /** @type {Map<string, string>} */
    this.services = new Map();
    /** @type {Set<string>} */
    this.permissions = new Set();
    this.zone = "";
    this.mode = "";
  }

  /**
   * @param {import("./types.js").Hall} hall
   * @param {string} counterId
   * @param {string[]} permissions
   */
  begin(hall, counterId, permissions) {
    this.permissions = new Set(permissions);
    this.zone = hall.timeZone;
    this.counters = new Map(hall.counters.map((counter) => [counter.id, counter.number]));
    hall.services.forEach((service) => this.services.set(service.id, named(service)));
    const counter = hall.counters.find((one) => one.id === counterId);
    const agency = hall.agencies.find((one) => one.id === counter?.agencyId);
    byId("title").textContent = t("desk.counter", { number: counter?.number ?? "" });
    byId("subtitle").textContent = [agency?.name, hall.zones.find((one) => one.code === counter?.zoneCode)?.name].filter(Boolean).join(" · ");
    document.title = `${t("desk.counter", { number: counter?.number ?? "" })} · Sinergi MPP`;
    this.build();
    for (const name of ["pause", "close"]) {
      this.buttons.set(name, byId(name));
      byId(name).addEventListener("click", () => this.act(name));
    }
    ["queue", "parked", "absent"].forEach((name, index, all) => {
      const tab = byId(`tab-${name}`);
      tab.addEventListener("click", () => this.choose(name));
      tab.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
        const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
        if (step === 0) return;
        const next = all[(index + step + all.length) % all.length] ?? name;
        this.choose(next);
        byId(`tab-${next}`).focus();
      });
    });
    byId("lists").hidden = false;
  }

  /** @param {string} name @param {string} symbol @param {string} key @param {string} look */
  button(name, symbol, key, look) {
    const label = el("span", { class: "label" }, t(`desk.${name === "choose" ? "choose_again" : name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)}`));
    const node = /** @type {HTMLButtonElement} */ (el("button", { type: "button", class: `button ${look}`, "data-act": name, onclick: () => this.act(name) },
      icon(symbol), label, key && el("kbd", { "aria-hidden": "true" }, key)));
    if (key) node.setAttribute("aria-keyshortcuts", key);
    this.buttons.set(name, node);
    return node;
  }

  build() {
    const parts = {
      idleCount: el("p", { class: "idle-count" }), idleWhy: el("p", { class: "idle-why" }),
      state: el("p", { class: "now-state" }), number: el("p", { class: "now-number" }), service: el("p", { class: "now-service" }),
      chips: el("div", { class: "chips" }), note: el("p", { class: "note info" }), waited: el("dd", {}), served: el("dd", {}), servedBox: el("div", {}),
      restTitle: el("p", { class: "rest-title" }), restSince: el("p", { class: "muted" }), undoLeft: el("span", { class: "undo-left" }),
      sending: el("p", { class: "sending", role: "status", "aria-live": "polite", "data-idle": "true" }),
    };
    this.parts = parts;
    fill(parts.servedBox, el("dt", {}, t("desk.served")), parts.served);
    const undo = this.button("undo", "undo", "U", "quiet");
    undo.append(parts.undoLeft);
    this.panels = {
      idle: el("div", { class: "work-panel idle" }, parts.idleCount, this.button("callNext", "megaphone", "N", "primary giant"), parts.idleWhy),
      ticket: el("div", { class: "work-panel now" },
        el("div", { class: "now-top" }, parts.state, undo), parts.number, parts.service, parts.chips, parts.note,
        el("dl", { class: "now-clocks" }, el("div", {}, el("dt", {}, t("desk.waited")), parts.waited), parts.servedBox),
        el("div", { class: "now-main" }, this.button("start", "play", "M", "primary giant"), this.button("finish", "check", "S", "primary giant")),
        el("div", { class: "now-verbs" }, this.button("recall", "bell", "R", ""), this.button("noShow", "away", "T", ""),
          this.button("park", "park", "P", ""), this.button("transfer", "transfer", "A", ""))),
      rest: el("div", { class: "work-panel rest" }, icon("pause"), parts.restTitle, parts.restSince, this.button("resume", "play", "I", "primary giant")),
      closed: el("div", { class: "work-panel rest" }, icon("door"), el("p", { class: "rest-title" }, t("desk.closed_title")), el("p", { class: "muted" }, t("desk.closed_lead")),
        this.button("open", "play", "", "primary giant"), this.button("choose", "back", "", "quiet")),
    };
    fill(byId("work"), ...Object.values(this.panels), parts.sending);
  }

  /** Whether a press makes sense now. @param {string} name */
  offers(name) {
    const node = this.buttons.get(name);
    return Boolean(node && !node.hidden && node.offsetParent !== null);
  }

  /**
   * @param {import("./types.js").CounterDesk} desk
   * @param {{busy: string, now: number}} moment
   */
  show(desk, { busy, now }) {
    const { parts, panels } = this;
    if (!parts || !panels) return;
    const { counter, current } = desk;
    const mode = current ? "ticket" : counter.state === "COUNTER_STATE_BREAK" ? "rest" : counter.state === "COUNTER_STATE_OPEN" ? "idle" : "closed";
    const focused = byId("work").contains(document.activeElement) || document.activeElement === document.body;
    const [tone, word] = COUNTER_STATES[counter.state] ?? ["off", "counter.closed"];
    const chip = byId("state");
    chip.hidden = false;
    chip.className = `chip ${tone}`;
    put(chip, t(word));
    for (const [name, panel] of Object.entries(panels)) panel.hidden = name !== mode;
    byId("pause").hidden = mode !== "idle";
    byId("close").hidden = mode !== "idle" && mode !== "rest";
    if (mode === "idle") {
      put(parts.idleCount, desk.waiting > 0 ? t("desk.waiting_n", { n: desk.waiting }) : t("desk.waiting_none"));
      const next = desk.queue.find((ticket) => ticket.id === desk.nextTicketId);
      if (!parts.idleWhy.dataset.told) put(parts.idleWhy, next ? t("desk.next", { number: next.number }) : "");
    }
    if (mode === "rest") {
      put(parts.restTitle, counter.reason || t("counter.break"));
      put(parts.restSince, counter.changeTime ? t("since", { time: timeOfDay(new Date(counter.changeTime), this.zone) }) : "");
    }
    if (current) this.ticket(current);
    this.tables(desk, now);
    this.tick(desk, now);
    this.busy = busy;
    const moved = mode + (current?.state ?? "");
    if (moved !== this.mode && focused && this.mode) this.main(mode, current)?.focus();
    this.mode = moved;
  }

  /** @param {string} mode @param {import("./types.js").Ticket | undefined} current */
  main(mode, current) {
    const name = mode === "idle" ? "callNext" : mode === "rest" ? "resume" : mode === "closed" ? "open" : current?.state === "TICKET_STATE_CALLED" ? "start" : "finish";
    return this.buttons.get(name);
  }

  /** @param {import("./types.js").Ticket} ticket */
  ticket(ticket) {
    const { parts } = this;
    if (!parts) return;
    const called = ticket.state === "TICKET_STATE_CALLED";
    put(parts.state, called ? t("desk.called_n", { n: ticket.callCount }) : t("counter.serving"));
    number(parts.number, ticket.number);
    put(parts.service, this.services.get(ticket.serviceId) ?? "");
    const chips = needs(ticket);
    if (ticket.appointmentTime) chips.push(el("span", { class: "chip" }, icon("clock"), t("desk.appointment", { time: timeOfDay(new Date(ticket.appointmentTime), this.zone) })));
    const signature = `${ticket.id} ${ticket.version}`;
    if (parts.chips.dataset.of !== signature) fill(parts.chips, ...chips);
    parts.chips.dataset.of = signature;
    parts.note.hidden = !ticket.note;
    put(parts.note, ticket.note);
    parts.servedBox.hidden = !ticket.startTime;
    for (const [name, verb] of Object.entries(VERBS)) {
      const node = this.buttons.get(name);
      if (node) node.hidden = !ticket.verbs.includes(verb);
    }
    // Finishing straight from a call is rare: the big button then is "start".
    const [start, finish] = [this.buttons.get("start"), this.buttons.get("finish")];
    if (start && finish && !start.hidden) finish.hidden = true;
  }

  /** Everything that runs with the clock. @param {import("./types.js").CounterDesk} desk @param {number} now */
  tick(desk, now) {
    const { parts } = this;
    const current = desk.current;
    if (!parts) return;
    if (current) {
      put(parts.waited, clock(((at(current.startTime) || now) - at(current.queueTime ?? current.arrivalTime)) / 1000));
      put(parts.served, clock((now - at(current.startTime)) / 1000));
      const left = Math.ceil((at(current.undoUntil) - now) / 1000);
      const undo = this.buttons.get("undo");
      if (undo) undo.hidden = left <= 0 || !current.verbs.includes("TICKET_VERB_UNDO_CALL");
      put(parts.undoLeft, left > 0 ? t("seconds", { n: left }) : "");
    }
    for (const node of document.querySelectorAll("[data-since]")) put(node, minutes((now - Number(/** @type {HTMLElement} */ (node).dataset.since)) / 1000));
  }

  /** @param {string} sentence why the next one is next */
  preview(sentence) {
    if (!this.parts) return;
    this.parts.idleWhy.dataset.told = sentence ? "true" : "";
    put(this.parts.idleWhy, sentence);
  }

  /** @param {string} name @param {string} text */
  sending(name, text) {
    this.busy = name;
    document.body.dataset.busy = name;
    if (!this.parts) return;
    this.parts.sending.dataset.idle = "false";
    put(this.parts.sending, text);
  }

  answered() {
    this.busy = "";
    delete document.body.dataset.busy;
    if (!this.parts) return;
    this.parts.sending.dataset.idle = "true";
    put(this.parts.sending, "");
    this.preview("");
  }

  /** @param {string} name */
  choose(name) {
    this.tab = name;
    for (const one of ["queue", "parked", "absent"]) {
      byId(`tab-${one}`).setAttribute("aria-selected", String(one === name));
      byId(`tab-${one}`).tabIndex = one === name ? 0 : -1;
    }
    const list = byId("list");
    list.setAttribute("aria-labelledby", `tab-${name}`);
    fill(list);
    if (this.last) this.tables(this.last, this.lastNow ?? 0);
  }

  /** @param {import("./types.js").CounterDesk} desk @param {number} now */
  tables(desk, now) {
    this.last = desk;
    this.lastNow = now;
    put(byId("count-queue"), String(desk.waiting));
    put(byId("count-parked"), String(desk.parked.length));
    put(byId("count-absent"), String(desk.noShows.length));
    put(byId("summary"), t("desk.finished_n", { n: desk.finished }));
    const items = this.tab === "queue" ? desk.queue : this.tab === "parked" ? desk.parked : desk.noShows;
    const list = byId("list");
    let rows = list.querySelector("ol");
    if (items.length === 0) return fill(list, el("p", { class: "empty" }, t(`desk.empty_${this.tab}`)));
    if (!rows) fill(list, (rows = /** @type {HTMLOListElement} */ (el("ol", { class: "rows" }))));
    keyed(rows, items, (ticket) => `${this.tab} ${ticket.id}`, () => el("li", { class: "row-ticket" }), (node, ticket) => this.row(node, ticket, desk));
  }

  /** @param {HTMLElement} node @param {import("./types.js").Ticket} ticket @param {import("./types.js").CounterDesk} desk */
  row(node, ticket, desk) {
    const free = desk.counter.state === "COUNTER_STATE_OPEN" && !desk.current;
    const first = this.tab === "queue" && ticket.id === desk.nextTicketId;
    node.classList.toggle("first", first);
    const signature = [ticket.version, free, first].join();
    if (node.dataset.of === signature) return;
    node.dataset.of = signature;
    const since = { queue: ticket.queueTime, parked: ticket.startTime, absent: ticket.endTime ?? ticket.callTime }[this.tab] ?? ticket.arrivalTime;
    const facts = [
      this.services.get(ticket.serviceId), this.tab === "parked" && ticket.counterId && t("desk.counter", { number: this.counters?.get(ticket.counterId) ?? "?" }),
      ticket.partySize > 1 && t("persons", { n: ticket.partySize }),
    ].filter(Boolean).join(" · ");
    const chips = [ticket.priority, ...ticket.assistance].filter(goesAhead).map((need) => el("span", { class: "chip small" }, needIcon(need), needWord(need)));
    fill(node,
      el("strong", { class: "row-number" }, ticket.number),
      el("div", { class: "row-what" }, el("span", {}, facts), ticket.note && el("span", { class: "row-note" }, `“${ticket.note}”`), chips.length > 0 && el("span", { class: "chips" }, ...chips),
        first && el("span", { class: "sr" }, t("desk.is_next"))),
      el("span", { class: "row-time", "data-since": at(since) }),
      this.tab === "parked" && this.rowButton("take", ticket, free),
      this.tab === "absent" && this.permissions.has("queue.restore") && this.rowButton("restore", ticket, true),
      this.tab === "queue" && this.permissions.has("queue.call.specific") && free && this.rowButton("callTicket", ticket, true));
  }

  /** @param {"take" | "restore" | "callTicket"} name @param {import("./types.js").Ticket} ticket @param {boolean} possible */
  rowButton(name, ticket, possible) {
    const word = t({ take: "desk.take", restore: "desk.restore", callTicket: "desk.specific" }[name]);
    return el("button", { type: "button", class: "button small", disabled: !possible, "aria-label": `${word}: ${ticket.number}`, onclick: () => this.lists(name, ticket) }, word);
  }
}

/**
 * The counters somebody may work at, to choose from.
 * @param {HTMLElement} place
 * @param {{hall: import("./types.js").Hall, counters: import("./types.js").Counter[]}[]} mine
 * @param {import("./types.js").Session} session
 * @param {string} lastUsed
 */
export function chooser(place, mine, session, lastUsed) {
  document.body.classList.add("choosing");
  byId("live").hidden = true;
  const some = mine.filter((one) => one.counters.length > 0);
  if (some.length === 0) return fill(place, el("div", { class: "work-panel rest" }, icon("alert"), el("p", { class: "rest-title" }, t("desk.none_title")), el("p", { class: "muted" }, t("desk.none_lead"))));
  fill(place, el("h2", { class: "choose-title" }, t("desk.choose", { name: session.account?.displayName ?? "" })), ...some.flatMap(({ hall, counters }) => [
    some.length > 1 && el("h3", {}, hall.name),
    el("ul", { class: "choose" }, ...[...counters].sort((a, b) => Number(b.id === lastUsed) - Number(a.id === lastUsed)).map((counter) => {
      const [tone, word] = COUNTER_STATES[counter.state] ?? ["off", "counter.closed"];
      const taken = counter.staffId && counter.staffId !== session.account?.id && counter.state !== "COUNTER_STATE_CLOSED";
      return el("li", {}, el("a", { class: "choose-card", href: `/loket?loket=${counter.id}` },
        el("span", { class: "choose-number" }, el("span", { class: "small muted" }, t("counter")), el("strong", {}, counter.number)),
        el("span", { class: "choose-what" }, el("strong", {}, hall.agencies.find((one) => one.id === counter.agencyId)?.name ?? ""),
          el("span", { class: "muted" }, [counter.name, hall.zones.find((one) => one.code === counter.zoneCode)?.name].filter(Boolean).join(" · ")),
          el("span", { class: "chips" }, el("span", { class: `chip ${tone}` }, t(word)), taken && el("span", { class: "chip" }, icon("user"), t("desk.taken")), counter.id === lastUsed && el("span", { class: "chip" }, t("desk.last_used"))))));
    }),
  )]));
}
