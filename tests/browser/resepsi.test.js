// The reception desk: numbers for who stands there, appointments, and tickets whose visitors left or came back.
import assert from "node:assert/strict";
import { test } from "node:test";
import { account, api, baseUrl, callOut, device, eventually, forget, hallId, issue, person, phoneNumber, provoke, SCREENS, useBrowser } from "./suite.js";

useBrowser();

async function reception(setup = async () => {}) {
  const context = await person(account("resepsi"), { screen: SCREENS.tablet });
  const page = await context.newPage();
  await page.addInitScript(() => {
    window.print = () => {
      window.dispatchEvent(new Event("beforeprint"));
      window.printed = (window.printed ?? 0) + 1;
    };
  });
  await setup(page);
  await page.goto(`${baseUrl}/resepsi`);
  await page.locator(".offer").first().waitFor();
  return page;
}

async function begin(page, words) {
  await page.getByLabel("Cari layanan atau instansi").fill(words);
  await page.locator(".offer").first().click();
  await page.getByRole("button", { name: "Terbitkan nomor" }).waitFor();
}

/** Presses and answers what was sent and what came back. */
async function press(page) {
  const [answer] = await Promise.all([page.waitForResponse((one) => one.url().endsWith("/tickets") && one.request().method() === "POST"), page.getByRole("button", { name: "Terbitkan nomor" }).click()]);
  return [answer.request().postDataJSON(), await answer.json()];
}

test("a number of the reception says so, and a lost answer gives no second one", async () => {
  provoke(/ERR_FAILED/);
  const keys = [];
  const page = await reception((page) => page.route("**/tickets", async (route) => {
    if (route.request().method() !== "POST") return route.continue();
    keys.push(route.request().headers()["idempotency-key"]);
    if (keys.length > 1) return route.continue();
    await route.fetch();
    await route.abort();
  }));
  await begin(page, "tilang kejaksaan");
  await page.getByLabel("Jumlah orang").fill("3");
  const [sent, { ticket }] = await press(page);
  assert.deepEqual([sent.channel, sent.partySize, sent.phone], ["CHANNEL_RECEPTION", 3, undefined]);
  assert.equal(new Set(keys).size, 1, "one key for one intention");
  assert.equal(await page.locator("#given-number").textContent(), ticket.number);
  await page.getByRole("button", { name: "Cetak struk" }).click();
  await page.getByText("Struk dikirim ke printer.").waitFor();
  assert.equal(await page.evaluate(() => window.printed), 1);
  await page.getByRole("button", { name: "Pengunjung berikutnya" }).click();
  await page.locator(".offer").first().waitFor();
  assert.ok(!(await page.locator("#give").textContent()).includes(ticket.number), "nothing of the last visitor is left");
  await forget([ticket]);
});

test("an appointment is checked in at its time of today", async () => {
  const page = await reception();
  const { hall } = await (await api(account("resepsi"))).get(`/v1/halls/${hallId}`);
  await begin(page, "KEMENAG-LEGAL");
  await page.getByLabel("Jam janji temu hari ini").fill("10:30");
  const [sent, { ticket }] = await press(page);
  const offset = { TIME_ZONE_WIB: 7, TIME_ZONE_WITA: 8, TIME_ZONE_WIT: 9 }[hall.timeZone];
  const today = new Date(Date.now() + offset * 3_600_000).toISOString().slice(0, 10);
  assert.equal(sent.appointmentTime, new Date(Date.parse(`${today}T10:30:00Z`) - offset * 3_600_000).toISOString());
  assert.ok(ticket.appointmentTime);
  await page.locator(".row-ticket", { hasText: ticket.number }).getByText("Janji 10:30").waitFor();
  await forget([ticket]);
});

test("where numbers are limited per person the phone number decides, in words", async () => {
  const page = await reception();
  const phone = phoneNumber();
  const first = await issue("IMIGRASI-GANTI", { phone });
  await begin(page, "IMIGRASI-GANTI");
  const field = page.getByLabel("Nomor ponsel (paling banyak 1 nomor per orang dan hari)");
  await field.fill(phone);
  provoke(/40[09]|412/);
  const [, refused] = await press(page);
  assert.equal(refused.reason, "PERSON_LIMIT_REACHED");
  await page.locator("#sending.bad", { hasText: refused.detail }).waitFor();
  // Somebody without a telephone is served too: staff see who stands before them.
  await field.fill("");
  const [sent, { ticket }] = await press(page);
  assert.equal(sent.phone, undefined);
  await forget([first, ticket]);
});

test("a ticket that nobody took is cancelled with a reason, and a no-show comes back", async () => {
  const page = await reception();
  const ticket = await issue("BANK-REKENING");
  await page.getByLabel("Cari nomor").fill(ticket.number);
  await page.getByRole("button", { name: `Batalkan: ${ticket.number}` }).click();
  await page.locator("#reason-ok").click();
  assert.ok(await page.getByRole("dialog").isVisible(), "not without a reason");
  await page.getByRole("button", { name: "Nomor tidak diambil" }).click();
  await page.locator("#reason-ok").click();
  await page.getByText(`${ticket.number} dibatalkan.`).waitFor();
  await page.locator(".row-ticket", { hasText: ticket.number }).waitFor({ state: "detached" });
  const { events } = await (await api(account("manajer"))).get(`/v1/halls/${hallId}/events?pageSize=1000`);
  const cancelled = events.find((one) => one.kind === "EVENT_KIND_TICKET_CANCELLED" && one.ticket.id === ticket.id);
  assert.equal(cancelled.reason, "Nomor tidak diambil");

  const late = await issue("BANK-BAYAR");
  const manager = await api(account("manajer"));
  await callOut("bank.1", late);
  for (let state = ""; state !== "TICKET_STATE_NO_SHOW";) {
    ({ ticket: { state } } = await manager.post(`/v1/tickets/${late.id}:noShow`, { reason: "uji resepsi" }));
    if (state === "TICKET_STATE_WAITING") await callOut("bank.1", late);
  }
  await page.getByLabel("Cari nomor").fill(late.number);
  await page.getByRole("button", { name: `Kembalikan ke antrean: ${late.number}` }).click();
  await page.getByRole("button", { name: "Pengunjung sudah kembali" }).click();
  await page.locator("#reason-ok").click();
  await page.locator(".row-ticket", { hasText: late.number }).getByText("Menunggu", { exact: true }).waitFor();
  await forget([late]);
});

test("the reception works by keyboard, and its page is for staff only", async () => {
  provoke(/40[13]/);
  const page = await reception();
  await page.getByLabel("Cari layanan atau instansi").focus();
  await page.keyboard.type("PAJAK-NPWP");
  await eventually(async () => assert.equal(await page.locator(".offer").count(), 1));
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Terbitkan nomor" }).focus();
  await page.keyboard.press("Enter");
  const number = await page.locator("#given-number").textContent();
  assert.equal(await page.evaluate(() => document.activeElement.id), "next");
  const { tickets } = await (await api(account("resepsi"))).get(`/v1/halls/${hallId}/tickets?pageSize=200&states=TICKET_STATE_WAITING`);
  await forget(tickets.filter((one) => one.number === number));
  // A kiosk issues tickets too, but does not see those of others.
  const kiosk = await (await person(device("kiosk"))).newPage();
  assert.equal((await kiosk.goto(`${baseUrl}/resepsi`)).status(), 403);
  const counter = await (await person(account("pa.1"))).newPage();
  assert.equal((await counter.goto(`${baseUrl}/resepsi`)).status(), 403);
  const staff = await (await person(account("resepsi"))).newPage();
  await staff.goto(`${baseUrl}/kiosk`);
  assert.equal(new URL(staff.url()).pathname, "/resepsi", "staff issue as the reception");
});
