// What the browser tests share: the suite under test, its people and devices, and pages that report what went wrong.
//
// MPP_BASE_URL and MPP_ACCOUNTS (the demo-accounts.json) say where the suite is; MPP_PID is its process, for the tests
// that stop it for a while; MPP_OSS_USERNAME and MPP_OSS_PASSWORD are what it takes calls of OSS by. `script/test browser`
// starts suites of its own and sets all of them.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, afterEach, before } from "node:test";
import AxeBuilder from "@axe-core/playwright";
import { chromium } from "playwright-core";

export const baseUrl = required("MPP_BASE_URL").replace(/\/$/, "");
const { accounts, devices, halls } = JSON.parse(readFileSync(required("MPP_ACCOUNTS"), "utf8"));
export const hallId = halls[0].id;

/** How a person at a phone, a small and a large tablet, a kiosk and a board see the pages. */
export const SCREENS = {
  phone: { width: 360, height: 740 },
  small: { width: 1024, height: 768 },
  tablet: { width: 1280, height: 800 },
  kiosk: { width: 1080, height: 1920 },
  board: { width: 1920, height: 1080 },
};

function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run script/test browser, or set what suite.js says`);
  return value;
}

/** The process of the suite. */
export const pid = () => Number(required("MPP_PID"));

/** What OSS presents when it calls on a day about a company, by its NIB. */
export function ossToken(nib) {
  const today = new Date(Date.now() + 7 * 3_600_000).toISOString().slice(0, 10).replaceAll("-", "");
  return createHash("sha1").update(`${required("MPP_OSS_USERNAME")}${required("MPP_OSS_PASSWORD")}${nib}${today}`).digest("hex");
}

/** The account with this username. */
export function account(username) {
  const found = accounts.find((one) => one.username === username);
  assert.ok(found, `the demo has no account ${username}`);
  return found;
}

/** One account of each role of the demo, by role. */
export const someone = () => new Map(accounts.toReversed().map((one) => [one.role, one]));

/** The first device of a kind: "kiosk" or "board". */
export const device = (kind) => devices.find((one) => one.kind === kind);

/** @type {import("playwright-core").Browser} */
let browser;
/** What went wrong on the pages of the running test. @type {string[]} */
let troubles = [];
/** Troubles that the running test provokes on purpose. @type {RegExp[]} */
let provoked = [];
/** @type {import("playwright-core").BrowserContext[]} */
let contexts = [];

/** Call once per test file: one browser with an empty profile, and no trouble tolerated on any page. */
export function useBrowser() {
  before(async () => {
    browser = await chromium.launch({
      executablePath: process.env.MPP_CHROMIUM ?? "/usr/bin/chromium",
      args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    });
  });
  after(() => browser.close());
  afterEach(async () => {
    await Promise.all(contexts.map((context) => context.close()));
    const unexpected = troubles.filter((trouble) => !provoked.some((pattern) => pattern.test(trouble)));
    [troubles, provoked, contexts] = [[], [], []];
    assert.deepEqual(unexpected, [], "errors on the console, or requests to another host");
  });
}

/** Says which troubles this test provokes. */
export const provoke = (...patterns) => provoked.push(...patterns);

/** A browser of its own for somebody: nobody, an account or a device. */
export async function person(who, { screen = SCREENS.tablet, ...options } = {}) {
  const context = await browser.newContext({ viewport: screen, locale: "id-ID", timezoneId: "Asia/Jakarta", ...options });
  contexts.push(context);
  context.setDefaultTimeout(20_000);
  context.on("request", (request) => {
    const url = new URL(request.url());
    // What the browser shows a PDF with is its own.
    if (!["data:", "blob:", "chrome:", "chrome-extension:"].includes(url.protocol) && url.origin !== new URL(baseUrl).origin) troubles.push(`request to another host: ${url}`);
  });
  context.on("console", (message) => {
    if (message.type() === "error") troubles.push(`${message.text()} (${message.location().url})`);
  });
  context.on("weberror", (error) => troubles.push(`${error.error().stack}`));
  if (who) await signIn(context.request, who);
  return context;
}

/** Cookies of those who have signed in already, so that the limit on sign-ins is left alone. */
const cookies = new Map();
async function signIn(request, who) {
  const name = who.username ?? who.key;
  if (!cookies.has(name)) {
    const answer = who.key
      ? await request.post(`${baseUrl}/v1/deviceSessions`, { data: { deviceKey: who.key } })
      : await request.post(`${baseUrl}/v1/sessions`, { data: { username: who.username, password: who.password } });
    assert.equal(answer.status(), 200, await answer.text());
    cookies.set(name, (await answer.headersArray()).find((header) => header.name.toLowerCase() === "set-cookie").value.split(";")[0]);
  }
  const [cookie, value] = cookies.get(name).split("=");
  await contexts.at(-1).addCookies([{ name: cookie, value, url: baseUrl, httpOnly: true, sameSite: "Strict" }]);
}

/** The API, with somebody's session. */
export async function api(who) {
  const context = await person(who);
  const call = async (method, path, data, wanted = 200) => {
    const answer = await context.request.fetch(baseUrl + path, { method, data, headers: { origin: baseUrl, "idempotency-key": crypto.randomUUID() } });
    assert.equal(answer.status(), wanted, `${method} ${path}: ${await answer.text()}`);
    return answer.json();
  };
  return { get: (path) => call("GET", path), post: (path, data = {}, wanted = 200) => call("POST", path, data, wanted) };
}

/** A telephone number that nobody has given before. */
export const phoneNumber = () => `08${Array.from(crypto.getRandomValues(new Uint8Array(10)), (byte) => byte % 10).join("")}`;

/** Issues a ticket as the kiosk does, with a telephone number, which some agencies ask for. */
export async function issue(serviceCode, more = {}) {
  const kiosk = await api(device("kiosk"));
  const { services } = await kiosk.get(`/v1/halls/${hallId}/services`);
  const service = services.find((one) => one.code === serviceCode);
  assert.ok(service, `the demo has no service ${serviceCode}`);
  return (await kiosk.post(`/v1/halls/${hallId}/tickets`, { serviceId: service.id, channel: "CHANNEL_KIOSK", phone: phoneNumber(), ...more })).ticket;
}

/** Takes tickets that still wait out of the queue, so that other tests find their own ones first. */
export async function forget(tickets) {
  const manager = await api(account("manajer"));
  for (const { id } of tickets) {
    const { ticket } = await manager.get(`/v1/tickets/${id}`);
    if (ticket.verbs.includes("TICKET_VERB_CANCEL")) await manager.post(`/v1/tickets/${id}:cancel`, { reason: "uji selesai" });
  }
}

/** Calls one ticket to somebody's counter, whoever else waits there. @returns what ends it */
export async function callOut(username, { id, number }) {
  const manager = await api(account("manajer"));
  const [counter] = account(username).counters;
  const { desk } = await manager.get(`/v1/counters/${counter}`);
  if (desk.counter.state === "COUNTER_STATE_CLOSED") await (await api(account(username))).post(`/v1/counters/${counter}:open`);
  // What another test left there.
  if (desk.current) await manager.post(`/v1/tickets/${desk.current.id}:release`, { version: desk.current.version, reason: "uji papan" });
  const { ticket } = await manager.post(`/v1/counters/${counter}:callTicket`, { ticket: id, reason: "uji papan" });
  assert.equal(ticket.number, number);
  return async () => {
    const started = await manager.post(`/v1/tickets/${id}:start`, { reason: "uji papan" });
    await manager.post(`/v1/tickets/${id}:finish`, { version: started.ticket.version, reason: "uji papan" });
  };
}

/** Somebody at the own counter, open for its services. @returns the page of the console and the counter's id */
export async function atCounter(username, options) {
  const staff = account(username);
  const [counter] = staff.counters;
  const context = await person(staff, options);
  const desk = await context.newPage();
  await desk.goto(`${baseUrl}/loket?loket=${counter}`);
  await desk.getByText("Tersambung", { exact: true }).waitFor();
  const open = desk.getByRole("button", { name: "Buka loket" });
  if (await open.isVisible()) {
    await open.click();
    await desk.locator("#dlg-open button[value=ok]").click();
  }
  await desk.getByRole("button", { name: "Panggil berikutnya" }).waitFor();
  await settled(desk);
  return { desk, counter, context };
}

/** The number the console shows as held; "" for none. */
export const held = (desk) => desk.locator(".now-number").evaluate((node) => (node.checkVisibility() ? node.textContent : ""));

/** Waits until the console shows that it holds this number. */
export const holds = (desk, number) => desk.locator(".now-number", { hasText: number }).waitFor();

/** Waits until a press would be taken again: the console takes a quick second press for part of a double click. */
export async function settled(desk) {
  // The stream can show the effect of a press before its answer arrives.
  await desk.locator("body:not([data-busy])").waitFor();
  await desk.waitForTimeout(700);
}

/** A board whose sounds are written down instead of played. `voice` gives its browser an Indonesian voice of its own. */
export async function board(query = "", { voice = false, sound = true, ...options } = {}) {
  const context = await person(device("board"), { screen: SCREENS.board, ...options });
  await context.addInitScript(recordSounds, voice);
  await context.addInitScript(breakableStreams);
  const page = await context.newPage();
  await page.goto(`${baseUrl}/papan${query}`);
  await page.locator("#board[data-live=live]").waitFor();
  if (sound) {
    await page.getByRole("button", { name: "Aktifkan suara" }).click();
    // By its id: where the sound fails, the button is called otherwise and stays.
    await page.locator("#sound").waitFor({ state: "hidden" });
  }
  return { page, context, spoken: () => page.evaluate(() => window.spoken) };
}

/** Breaks the lines of a page and keeps new ones from coming, as when a cable is pulled. `setOffline` alone leaves open streams. */
export async function pullCable(context, page) {
  await context.setOffline(true);
  await page.evaluate(() => window.cut());
}

/** Runs in the page: makes its event streams breakable. */
function breakableStreams() {
  const open = new Set();
  window.EventSource = class extends EventSource {
    constructor(address) {
      super(address);
      open.add(this);
    }
  };
  window.cut = () => {
    for (const stream of open) {
      stream.close();
      stream.dispatchEvent(new Event("error"));
    }
    open.clear();
  };
}

/** Runs in the page: sounds take 30 ms each, are written down, and two at once are a mistake. */
function recordSounds(voice) {
  window.spoken = [];
  let sounding = 0;
  const sound = (what, ended) => {
    sounding += 1;
    window.spoken.push(sounding > 1 ? `OVERLAP ${what}` : what);
    setTimeout(() => {
      sounding -= 1;
      ended();
    }, 30);
  };
  window.Audio = class extends EventTarget {
    constructor(source) {
      super();
      this.clip = source.split("/").at(-1).replace(".ogg", "");
    }
    play() {
      sound(this.clip, () => this.dispatchEvent(new Event("ended")));
      return Promise.resolve();
    }
  };
  window.SpeechSynthesisUtterance = class extends EventTarget {
    constructor(text) {
      super();
      this.text = text;
    }
  };
  const voices = voice ? [{ lang: "en-US", localService: true }, { lang: "id-ID", localService: true, name: "Bahasa" }] : [];
  Object.defineProperty(window, "speechSynthesis", {
    value: { getVoices: () => voices, cancel() {}, speak: (words) => sound(words.text, () => words.dispatchEvent(new Event("end"))) },
  });
}

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"];
/** No rule of WCAG, but who jumps from landmark to landmark would miss what stands in none. */
const BESIDE = { region: { enabled: true } };

/** Asserts that axe finds nothing on a page as it is now, with nothing on it moving. */
export async function passesAxe(page, name) {
  // A picture of a movement is no picture: colours are half-way. The pages move nothing for who asks for that, also where a
  // script has yet to enable a button.
  await page.emulateMedia({ reducedMotion: "reduce" });
  // What a test waits for may stand there before the styles of its page do.
  await page.waitForLoadState();
  try {
    await axeFindsNothing(page, name);
  } finally {
    await page.emulateMedia({ reducedMotion: null });
  }
}

async function axeFindsNothing(page, name) {
  let violations;
  if (page.frames().length > 1) ({ violations } = await new AxeBuilder({ page }).options({ rules: BESIDE }).withTags(TAGS).analyze());
  else {
    // Without frames there is nothing to gather: axe runs where it is, and only what it finds is worked out.
    if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(AXE);
    ({ violations } = await page.evaluate(([values, rules]) => axe.run(document, { runOnly: { type: "tag", values }, rules, resultTypes: ["violations"] }), [TAGS, BESIDE]));
  }
  assert.deepEqual(violations.map((one) => `${name}: ${one.id}: ${one.nodes.map((node) => `${node.target} ${node.failureSummary}`).join(" | ")}`), []);
}

/** Asserts that a page fits the narrowest phone and a small tablet, whatever it is shown on now. */
export async function narrow(page, name) {
  const size = page.viewportSize();
  for (const one of [SCREENS.phone, SCREENS.small]) {
    await page.setViewportSize(one);
    const [wide, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(wide <= screen, `${name} is ${wide} px wide on a screen of ${screen} px`);
  }
  await page.setViewportSize(size);
}

/** Asserts within a time what becomes true by itself. */
export async function eventually(check, { within = 8_000, what = "" } = {}) {
  const end = Date.now() + within;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > end) throw what ? new Error(`${what}: ${error.message}`, { cause: error }) : error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
