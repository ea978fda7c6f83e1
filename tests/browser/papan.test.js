// The board: each call seen and heard exactly once, in order, also over a reconnect; and never quietly out of date.
import assert from "node:assert/strict";
import { test } from "node:test";
import { account, api, atCounter, baseUrl, board, callOut, device, eventually, hallId, issue, person, pid, provoke, pullCable, SCREENS, useBrowser } from "./suite.js";

useBrowser();

/** The calls among what was spoken: what stands between two chimes. The first chime is the test of the sound. */
const calls = (spoken) => spoken.join(" ").split("chime ").map((call) => call.trim()).filter((call) => call && call !== "chime");

async function callAt(username, number) {
  const { counters } = account(username);
  const staff = await api(account(username));
  const { desk } = await staff.get(`/v1/counters/${counters[0]}`);
  if (desk.counter.state === "COUNTER_STATE_CLOSED") await staff.post(`/v1/counters/${counters[0]}:open`, {});
  const { ticket } = await staff.post(`/v1/counters/${counters[0]}:callNext`, {});
  if (number) assert.equal(ticket.number, number);
  return { ticket, staff };
}

async function finish({ ticket, staff }) {
  const started = await staff.post(`/v1/tickets/${ticket.id}:start`, {});
  await staff.post(`/v1/tickets/${ticket.id}:finish`, { version: started.ticket.version });
}

test("each call is spoken once, one at a time, in the order of the calls, also those missed while the line was down", async () => {
  provoke(/ERR_INTERNET_DISCONNECTED/);
  const hall = await board("?zona=B");
  const tickets = [];
  for (const code of ["BPJSKES-DAFTAR", "BPJSTK-BPU", "IMIGRASI-AMBIL", "BPJSKES-DAFTAR"]) tickets.push(await issue(code));
  const at = [await callAt("bpjskes.1", tickets[0].number), await callAt("bpjstk.1", tickets[1].number)];
  await eventually(async () => assert.equal(calls(await hall.spoken()).length, 2));

  await pullCable(hall.context, hall.page);
  at.push(await callAt("imigrasi.3", tickets[2].number));
  await finish(at[0]);
  at.push(await callAt("bpjskes.1", tickets[3].number));
  await hall.page.waitForTimeout(1_500);
  assert.equal(calls(await hall.spoken()).length, 2, "nothing is known while the line is down");
  await hall.context.setOffline(false);
  await eventually(async () => assert.equal(calls(await hall.spoken()).length, 4), { within: 15_000 });
  await hall.page.waitForTimeout(1_500);

  const heard = calls(await hall.spoken());
  const letters = tickets.map(({ number }) => `nomor_antrean ${number[0].toLowerCase()} `);
  assert.equal(heard.length, 4);
  heard.forEach((call, index) => assert.ok(call.startsWith(letters[index]), `${call} at ${index}`));
  assert.ok(!heard.join().includes("OVERLAP"), "one at a time");
  await hall.page.locator(".hero-number", { hasText: tickets[3].number }).waitFor();

  // A board that is loaded again remembers what it has said.
  await hall.page.reload();
  await hall.page.locator("#board[data-live=live]").waitFor();
  await hall.page.waitForTimeout(1_500);
  assert.deepEqual(calls(await hall.spoken()), []);
  for (const one of at.slice(1)) await finish(one);
});

/** Leaves a board for a while, as a crash or a power dip does, and what `meanwhile` does happens. */
async function away({ page }, meanwhile) {
  const address = page.url();
  await page.goto("about:blank");
  const done = await meanwhile();
  await page.goto(address);
  await page.locator("#board[data-live=live]").waitFor();
  return done;
}

test("a board that is loaded again speaks what it missed, in order and once", async () => {
  const hall = await board("?zona=C");
  const tickets = [];
  for (const code of ["PLN-ADUAN", "TASPEN-KLAIM", "DISNAKER-AK1"]) tickets.push(await issue(code));
  const ends = [await callOut("pln.1", tickets[0])];
  await eventually(async () => assert.equal(calls(await hall.spoken()).length, 1));
  await hall.page.waitForTimeout(500);
  await away(hall, async () => {
    await (await callOut("taspen.1", tickets[1]))();
    ends.push(await callOut("disnaker.1", tickets[2]));
    await new Promise((resolve) => setTimeout(resolve, 6_000));
  });
  await eventually(async () => assert.equal(calls(await hall.spoken()).length, 2), { within: 15_000 });
  await hall.page.waitForTimeout(1_000);
  const heard = calls(await hall.spoken());
  assert.deepEqual(heard.map((call) => call.split(" ")[1]), [tickets[1], tickets[2]].map(({ number }) => number[0].toLowerCase()), "not the call before");
  await away(hall, async () => {});
  await hall.page.waitForTimeout(1_500);
  assert.deepEqual(calls(await hall.spoken()), [], "once");
  for (const end of ends) await end();
});

test("a board that is switched on speaks no history", async () => {
  const [hall, other] = [await board("?zona=C"), await board("?zona=C")];
  const [first, second] = [await issue("KEMENAG-HAJI"), await issue("KEJARI-HUKUM")];
  const ends = [await callOut("kemenag.1", first)];
  await eventually(async () => assert.equal(calls(await hall.spoken()).length, 1));
  await away(hall, async () => {
    // As in the morning: what it remembers is of the evening before.
    await hall.context.addInitScript(() => {
      const key = Object.keys(localStorage).find((name) => name.startsWith("mpp-board "));
      if (!key || sessionStorage.getItem("aged")) return;
      sessionStorage.setItem("aged", "yes");
      const note = JSON.parse(localStorage.getItem(key));
      localStorage.setItem(key, JSON.stringify({ ...note, seq: 1, at: note.at - 6 * 60_000 }));
    });
    ends.push(await callOut("kejari.1", second));
  });
  await hall.page.waitForTimeout(1_500);
  assert.deepEqual(calls(await hall.spoken()), []);
  assert.equal(calls(await other.spoken()).length, 2, "who was there all the time has heard both");
  const fresh = await board("?zona=C");
  await fresh.page.waitForTimeout(1_500);
  assert.deepEqual(calls(await fresh.spoken()), []);
  for (const end of ends) await end();
});

test("a board does not go back when an instance lags, and follows a log that was set back", async () => {
  const context = await person(device("board"), { screen: SCREENS.board });
  const page = await context.newPage();
  const asked = [];
  const frame = (epoch, seq, number) => ({
    seq: String(seq), epoch: String(epoch), time: new Date().toISOString(), counters: [], announcements: [],
    snapshot: {
      hallId, hallName: "MPP Uji", seq: String(seq), time: new Date().toISOString(), lastCalls: [], zones: [], timeZone: "TIME_ZONE_WIB",
      counters: [{ counterId: "ctr_1", number: "1", zoneCode: "A", agencyName: "Instansi", state: "COUNTER_STATE_SERVING", ticketNumber: number, callTime: new Date().toISOString(), reason: "" }],
    },
  });
  const frames = [frame(4, 50, "A050"), frame(4, 48, "A048"), frame(3, 60, "A060"), frame(5, 40, "A040")];
  await page.route("**/board:watch*", (route) => {
    const { searchParams } = new URL(route.request().url());
    asked.push(["afterSeq", "afterEpoch", "whole"].map((name) => searchParams.get(name)));
    const next = frames.shift();
    return next ? route.fulfill({ contentType: "text/event-stream", body: `event: update\ndata: ${JSON.stringify(next)}\n\n` }) : route.abort();
  });
  provoke(/ERR_FAILED/);
  await page.addInitScript(() => {
    window.shown = [];
    document.addEventListener("DOMContentLoaded", () => new MutationObserver(() => {
      const now = document.querySelector(".hero-number")?.textContent;
      if (now && window.shown.at(-1) !== now) window.shown.push(now);
    }).observe(document.body, { subtree: true, childList: true, characterData: true }));
  });
  await page.goto(`${baseUrl}/papan`);
  await page.locator(".hero-number", { hasText: "A040" }).waitFor();
  assert.deepEqual(await page.evaluate(() => window.shown), ["A050", "A040"]);
  assert.deepEqual(asked.slice(0, 4), [["0", "0", "true"], ["50", "4", "false"], ["50", "4", "false"], ["50", "4", "false"]]);
});

test("an Indonesian voice of the browser speaks the sentence where there is one", async () => {
  const hall = await board("?zona=B", { voice: true });
  const ticket = await issue("SAMSAT-PKB");
  const call = await callAt("samsat.1", ticket.number);
  await eventually(async () => assert.match((await hall.spoken()).at(-1), /^Nomor antrean E, nol, .*, silakan menuju loket lima belas$/));
  await finish(call);
});

test("a board whose list of recordings does not come says so, and has sound once it comes", async () => {
  const { page, spoken } = await board("", { sound: false });
  const sound = page.locator("#sound");
  await page.route("**/clips.json", () => {});
  await sound.click();
  await page.getByRole("button", { name: "Suara tidak dapat diputar. Coba lagi." }).waitFor();
  assert.deepEqual(await spoken(), []);
  await page.unroute("**/clips.json");
  await sound.click();
  await sound.waitFor({ state: "hidden" });
  assert.equal((await spoken())[0], "chime");
});

test("a call of another zone is neither shown nor spoken", async () => {
  const hall = await board("?zona=B");
  const ticket = await issue("BAPENDA-USAHA");
  const call = await callAt("bapenda.2", ticket.number);
  await hall.page.waitForTimeout(2_000);
  assert.deepEqual(calls(await hall.spoken()), []);
  assert.ok(!(await hall.page.locator("main").textContent()).includes(ticket.number));
  await finish(call);
});

test("a repeated call is announced again", async () => {
  const hall = await board("?zona=A");
  const ticket = await issue("DPUPR-TATARUANG");
  const { desk } = await atCounter("dpupr.1");
  await desk.keyboard.press("n");
  await eventually(async () => assert.equal(calls(await hall.spoken()).length, 1));
  await desk.waitForTimeout(11_000);
  await desk.keyboard.press("r");
  await eventually(async () => {
    const heard = calls(await hall.spoken());
    assert.equal(heard.length, 2);
    assert.equal(heard[0], heard[1]);
  });
  assert.ok(ticket.number);
});

test("without data for fifteen seconds board, console and ticket page say that they are not current, and recover", async () => {
  provoke(/ERR_/, /50[234]/);
  const hall = await board("", { sound: false });
  const { desk, context } = await atCounter("polres.1");
  const ticket = await issue("POLRES-SKCK");
  const phone = await context.newPage();
  await phone.goto(`${new URL(desk.url()).origin}/t/${ticket.token}`);
  await phone.getByText("Diperbarui langsung").waitFor();
  process.kill(pid(), "SIGSTOP");
  try {
    await hall.page.getByText(/Data tidak terkini sejak \d\d:\d\d/).waitFor({ timeout: 25_000 });
    await desk.getByText(/Data tidak terkini sejak \d\d:\d\d/).first().waitFor({ timeout: 10_000 });
    await phone.getByText(/Tidak terkini/).waitFor({ timeout: 10_000 });
  } finally {
    process.kill(pid(), "SIGCONT");
  }
  await hall.page.getByText(/Data tidak terkini/).waitFor({ state: "hidden", timeout: 30_000 });
  await desk.locator("#stale").waitFor({ state: "hidden", timeout: 30_000 });
  await phone.getByText("Diperbarui langsung").waitFor({ timeout: 30_000 });
});
