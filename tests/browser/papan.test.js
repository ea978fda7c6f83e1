// The board: each call seen and heard exactly once, in order, also over a reconnect; and never quietly out of date.
import assert from "node:assert/strict";
import { test } from "node:test";
import { account, api, atCounter, board, eventually, issue, pid, provoke, pullCable, useBrowser } from "./suite.js";

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

test("an Indonesian voice of the browser speaks the sentence where there is one", async () => {
  const hall = await board("?zona=B", { voice: true });
  const ticket = await issue("SAMSAT-PKB");
  const call = await callAt("samsat.1", ticket.number);
  await eventually(async () => assert.match((await hall.spoken()).at(-1), /^Nomor antrean E, nol, .*, silakan menuju loket lima belas$/));
  await finish(call);
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
