// The counter console: calling, the verbs, the honest wait for confirmation, and the keyboard.
import assert from "node:assert/strict";
import { test } from "node:test";
import { account, api, atCounter, baseUrl, board, callOut, device, eventually, hallId, held, holds, issue, person, provoke, SCREENS, settled, useBrowser } from "./suite.js";

useBrowser();

test("a wrong password is refused in words and the right one leads back to where one wanted to go", async () => {
  provoke(/401/);
  const page = await (await person()).newPage();
  await page.goto(`${baseUrl}/loket`);
  assert.match(page.url(), /\/masuk\?ke=/);
  const { username, password, counters } = account("pdam.1");
  await page.getByLabel("Nama pengguna").fill(username);
  await page.getByLabel("Kata sandi").fill("bukan ini sandinya");
  await page.keyboard.press("Enter");
  await page.locator("#error:visible").waitFor();
  await page.getByLabel("Kata sandi").fill(password);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: /Pilih loket Anda/ }).waitFor();
  assert.equal(await page.locator(".choose-card").count(), counters.length, "only the own counters are offered");
});

test("from the kiosk in three touches to a finished ticket, called by keyboard alone", async () => {
  const hall = await board("?zona=C");
  const { desk } = await atCounter("pdam.1");

  // The kiosk: three touches.
  const kiosk = await (await person(device("kiosk"), { screen: SCREENS.kiosk })).newPage();
  let touches = 0;
  await kiosk.exposeFunction("touched", () => { touches += 1; });
  await kiosk.addInitScript(() => {
    addEventListener("click", () => window.touched(), true);
    window.print = () => { window.printed = (window.printed ?? 0) + 1; };
  });
  await kiosk.goto(`${baseUrl}/kiosk`);
  await kiosk.getByRole("button", { name: /Perumda Air Minum/ }).click();
  await kiosk.locator(".kiosk-grid.wide button").first().click();
  await kiosk.getByRole("button", { name: "Ambil nomor" }).click();
  const number = await kiosk.locator(".result-number").textContent();
  assert.match(number, /^P\d{3}$/);
  assert.equal(touches, 3);
  await eventually(async () => assert.equal(await kiosk.evaluate(() => window.printed), 1, "the receipt is printed by itself"));
  assert.match(await kiosk.locator("#print").textContent(), new RegExp(number));
  const qr = await kiosk.locator("img.qr").getAttribute("src");
  const token = decodeURIComponent(qr.match(/qr\/(.+)\.svg$/)[1]);

  // The citizen's phone.
  const phone = await (await person(undefined, { screen: SCREENS.phone })).newPage();
  await phone.goto(`${baseUrl}/t/${token}`);
  await phone.getByText("Menunggu panggilan").waitFor();
  await phone.getByText("Diperbarui langsung").waitFor();

  // The console: no mouse from here on.
  await desk.getByText("1 menunggu", { exact: true }).waitFor();
  await desk.keyboard.press("n");
  await holds(desk, number);
  await hall.page.locator(".hero-number", { hasText: number }).waitFor();
  await hall.page.locator(".hero-to strong", { hasText: "30" }).waitFor();
  await phone.getByText("Silakan menuju loket 30").waitFor();
  await settled(desk);
  await desk.keyboard.press("Enter");
  await desk.getByText("Dilayani", { exact: true }).waitFor();
  await phone.getByText("Sedang dilayani di loket 30").waitFor();
  await settled(desk);
  await desk.keyboard.press("s");
  await desk.getByRole("dialog", { name: "Selesaikan layanan" }).waitFor();
  await desk.keyboard.press("Enter");
  await desk.getByRole("button", { name: "Panggil berikutnya" }).waitFor();
  await phone.getByText("Terima kasih atas kunjungan Anda.").waitFor();
  await eventually(async () => assert.deepEqual(await hall.spoken(), ["chime", "chime", "nomor_antrean", "p", "nol", "nol", digit(number), "silakan_menuju_loket", "tiga", "puluh"]));
});

const digit = (number) => ["nol", "satu", "dua", "tiga", "empat", "lima", "enam", "tujuh", "delapan", "sembilan"][Number(number.at(-1))];

test("a call is taken back within ten seconds and the ticket stands where it stood", async () => {
  const [first, second] = [await issue("PLN-PASANG"), await issue("PLN-PASANG")];
  const { desk } = await atCounter("pln.1");
  await desk.getByRole("button", { name: "Panggil berikutnya" }).click();
  await holds(desk, first.number);
  const undo = desk.getByRole("button", { name: /Batalkan panggilan/ });
  await undo.getByText(/^\d+ dtk$/).waitFor();
  await settled(desk);
  await desk.keyboard.press("u");
  await desk.getByRole("button", { name: "Panggil berikutnya" }).waitFor();
  const queue = desk.locator(".row-number");
  await eventually(async () => assert.deepEqual(await queue.allTextContents(), [first.number, second.number]));
  await settled(desk);
  await desk.keyboard.press("n");
  await holds(desk, first.number);
  await undo.waitFor();
  await undo.waitFor({ state: "hidden", timeout: 12_000 });
});

test("a ticket is parked with a note and a colleague takes it over", async () => {
  const ticket = await issue("BANK-BAYAR", { priority: "PRIORITY_ELDERLY", assistance: ["ASSISTANCE_READING"], partySize: 3 });
  const [one, two] = [await atCounter("bank.1"), await atCounter("bank.2")];
  await one.desk.getByRole("button", { name: "Panggil berikutnya" }).click();
  await holds(one.desk, ticket.number);
  for (const words of ["Lanjut usia", "Bantuan baca dan isi formulir", "3 orang"]) await one.desk.locator(".now .chip", { hasText: words }).waitFor();
  await settled(one.desk);
  await one.desk.keyboard.press("m");
  await one.desk.getByRole("button", { name: "Parkir" }).waitFor();
  await settled(one.desk);
  await one.desk.keyboard.press("p");
  await one.desk.getByLabel(/Catatan untuk rekan/).fill("Menunggu fotokopi");
  await one.desk.locator("#note-ok").click();
  await one.desk.getByRole("button", { name: "Panggil berikutnya" }).waitFor();
  await two.desk.getByRole("tab", { name: /Parkir/ }).click();
  await two.desk.getByText("“Menunggu fotokopi”").waitFor();
  await two.desk.getByRole("button", { name: `Panggil ke sini: ${ticket.number}` }).click();
  await holds(two.desk, ticket.number);
  await one.desk.getByRole("tab", { name: /Parkir/ }).click();
  await one.desk.getByText("Tidak ada nomor yang diparkir").waitFor();
});

test("a ticket is transferred to another agency and keeps its number", async () => {
  const ticket = await issue("TASPEN-KLAIM");
  const [from, to] = [await atCounter("taspen.1"), await atCounter("disnaker.1")];
  await from.desk.keyboard.press("n");
  await holds(from.desk, ticket.number);
  await settled(from.desk);
  await from.desk.keyboard.press("a");
  const goal = await from.desk.locator("#transfer-service optgroup[label='Dinas Tenaga Kerja'] option").first().getAttribute("value");
  await from.desk.locator("#transfer-service").selectOption(goal);
  await from.desk.getByLabel(/Catatan untuk loket berikutnya/).fill("Perlu kartu AK-1");
  await from.desk.locator("#dlg-transfer button[value=ok]").click();
  await to.desk.getByText("1 menunggu", { exact: true }).waitFor();
  await to.desk.keyboard.press("n");
  await holds(to.desk, ticket.number);
  await to.desk.locator(".now .note", { hasText: "Perlu kartu AK-1" }).waitFor();
});

test("a visitor who did not come is called again, then missed, then put back with a reason", async () => {
  const ticket = await issue("KEMENAG-LEGAL");
  const { desk, counter } = await atCounter("kemenag.1");
  const { hall } = await (await api(account("kemenag.1"))).get(`/v1/halls/${hallId}`);
  const service = hall.services.find((one) => one.id === ticket.serviceId);
  assert.ok(counter);
  await desk.keyboard.press("n");
  await holds(desk, ticket.number);
  for (let call = 2; call <= (service.maxCalls || 3); call += 1) {
    await desk.waitForTimeout(((service.recallGapSeconds || 10) + 1) * 1000);
    await desk.keyboard.press("r");
    await desk.getByText(`Dipanggil · panggilan ke-${call}`).waitFor();
  }
  await settled(desk);
  await desk.keyboard.press("t");
  await desk.getByRole("tab", { name: /Tidak hadir/ }).click();
  await settled(desk);
  await desk.getByRole("button", { name: `Masukkan lagi: ${ticket.number}` }).click();
  await desk.getByRole("textbox", { name: "Alasan", exact: true }).fill("Sedang di musala");
  await desk.locator("#note-ok").click();
  await desk.getByText(`${ticket.number} masuk antrean lagi.`).waitFor();
  await desk.getByText("1 menunggu", { exact: true }).waitFor();
});

test("a break shows on the board with its reason and ends by the same key", async () => {
  const hall = await board("?zona=A", { sound: false });
  const { desk } = await atCounter("dinsos.1");
  await desk.keyboard.press("i");
  await desk.getByRole("radio", { name: "Salat" }).check({ force: true });
  await desk.locator("#dlg-pause button[value=ok]").click();
  await desk.getByText("Salat", { exact: true }).first().waitFor();
  await hall.page.getByText("Loket 34 istirahat: Salat").waitFor({ timeout: 30_000 });
  await settled(desk);
  await desk.keyboard.press("i");
  await desk.getByRole("button", { name: "Panggil berikutnya" }).waitFor();
  await hall.page.getByText("Loket 34 istirahat: Salat").waitFor({ state: "hidden" });
});

test("a supervisor who steps in at somebody else's counter is asked why, and the log says it", async () => {
  const ticket = await issue("DUKCAPIL-KK");
  const { desk, counter } = await atCounter("dukcapil.3");
  await callOut("dukcapil.3", ticket);
  await holds(desk, ticket.number);
  const page = await (await person(account("dukcapil.supervisor"))).newPage();
  provoke(/400/);
  await page.goto(`${baseUrl}/loket?loket=${counter}`);
  await holds(page, ticket.number);
  await settled(page);
  await page.keyboard.press("m");
  const question = page.getByRole("dialog", { name: `${ticket.number} sedang ditangani rekan Anda` });
  await question.waitFor();
  await page.getByRole("button", { name: "Lanjutkan", exact: true }).click();
  assert.ok(await question.isVisible(), "not without a reason");
  await question.getByRole("textbox", { name: "Alasan" }).fill("Petugas dipanggil atasan");
  await page.getByRole("button", { name: "Lanjutkan", exact: true }).click();
  await desk.getByText("Dilayani", { exact: true }).waitFor();
  // Of who works there nothing is asked.
  await settled(desk);
  await desk.keyboard.press("s");
  await desk.getByRole("dialog", { name: "Selesaikan layanan" }).waitFor();
  await desk.keyboard.press("Enter");
  await desk.getByRole("button", { name: "Panggil berikutnya" }).waitFor();
  const { events } = await (await api(account("manajer"))).get(`/v1/halls/${hallId}/events?pageSize=1000`);
  const said = (kind) => events.find((one) => one.kind === kind && one.ticket?.id === ticket.id)?.reason;
  assert.equal(said("EVENT_KIND_TICKET_STARTED"), "Petugas dipanggil atasan");
  assert.equal(said("EVENT_KIND_TICKET_FINISHED"), "");
});

test("what was answered in a dialog while another press was under way goes out after it", async () => {
  provoke(/4\d\d/);
  const ticket = await issue("DLH-SPPL");
  const { desk } = await atCounter("dlh.1");
  const asked = [];
  await desk.route(/:(recall|park)$/, async (route) => {
    asked.push(route.request().url().split(":").at(-1));
    if (asked.length === 1) await new Promise((resolve) => { setTimeout(resolve, 2_000); });
    await route.continue();
  });
  await desk.keyboard.press("n");
  await holds(desk, ticket.number);
  await settled(desk);
  await desk.keyboard.press("p");
  await desk.getByLabel(/Catatan untuk rekan/).fill("Menunggu fotokopi");
  // Too soon, so the service refuses it, and the parking still fits.
  await desk.evaluate(() => [...document.querySelectorAll("button")].find((one) => one.textContent.includes("Panggil ulang"))?.click());
  await desk.locator("#note-ok").click();
  await desk.getByRole("button", { name: "Panggil berikutnya" }).waitFor();
  assert.deepEqual(asked, ["recall", "park"]);
});

test("a double click calls one person", async () => {
  const [first] = [await issue("DINKES-REKOM"), await issue("DINKES-REKOM")];
  const { desk } = await atCounter("dinkes.1");
  const calls = [];
  desk.on("request", (request) => request.url().includes(":callNext") && calls.push(request.headers()["idempotency-key"]));
  await desk.getByRole("button", { name: "Panggil berikutnya" }).dblclick();
  await holds(desk, first.number);
  await desk.waitForTimeout(1_000);
  assert.equal(calls.length, 1);
  assert.equal(await held(desk), first.number);
  await desk.getByRole("button", { name: "Mulai melayani" }).waitFor();
  await desk.getByText("1", { exact: true }).first().waitFor();
});

test("a press without network says that it waits for confirmation, shows no number, and lands once", async () => {
  provoke(/ERR_INTERNET_DISCONNECTED/);
  const ticket = await issue("DLH-SPPL");
  const { desk, context, counter } = await atCounter("dlh.1");
  await context.setOffline(true);
  await desk.keyboard.press("n");
  await desk.getByText(/Terkirim, menunggu konfirmasi/).waitFor();
  await desk.keyboard.press("n");
  await desk.waitForTimeout(2_500);
  await desk.getByText(/Terkirim, menunggu konfirmasi/).waitFor();
  assert.equal(await held(desk), "", "no number before the answer");
  await context.setOffline(false);
  await holds(desk, ticket.number);
  const { desk: now } = await (await api(account("dlh.1"))).get(`/v1/counters/${counter}`);
  assert.equal(now.current.callCount, 1);
  await desk.getByText("Tersambung", { exact: true }).waitFor();
});

test("a press whose answer was lost is sent again with the same key and calls nobody else", async () => {
  provoke(/ERR_FAILED/);
  const [first] = [await issue("BEACUKAI-IMEI"), await issue("BEACUKAI-IMEI")];
  const { desk } = await atCounter("beacukai.1");
  const keys = [];
  await desk.route("**/*:callNext", async (route) => {
    keys.push(route.request().headers()["idempotency-key"]);
    // The service has done it; its first two answers never arrive.
    if (keys.length <= 2) {
      await route.fetch();
      await route.abort();
    } else await route.continue();
  });
  await desk.keyboard.press("n");
  await desk.getByText(/Terkirim, menunggu konfirmasi.*dicoba lagi/).waitFor();
  await desk.getByRole("button", { name: "Mulai melayani" }).waitFor();
  await eventually(async () => assert.equal(keys.length, 3));
  assert.equal(new Set(keys).size, 1);
  assert.equal(await held(desk), first.number);
});

test("nobody waiting is said calmly", async () => {
  provoke(/409/);
  const { desk } = await atCounter("kejari.1");
  await desk.keyboard.press("n");
  await desk.locator(".toast.info").waitFor();
  await desk.getByRole("button", { name: "Panggil berikutnya" }).waitFor();
});

test("single-key shortcuts can be turned off and stay off", async () => {
  await issue("BPN-ROYA");
  const { desk } = await atCounter("bpn.1");
  await desk.getByRole("button", { name: "Pintasan papan ketik" }).click();
  await desk.getByRole("checkbox", { name: "Pakai pintasan satu tombol" }).uncheck({ force: true });
  await desk.locator("#dlg-keys button").click();
  await desk.reload();
  await desk.getByRole("button", { name: "Panggil berikutnya" }).waitFor();
  await desk.keyboard.press("n");
  await desk.waitForTimeout(1_000);
  assert.equal(await held(desk), "");
});

test("a session that ended leads to sign-in and back to the same counter", async () => {
  provoke(/401/);
  const { desk, context } = await atCounter("bpn.2");
  const address = desk.url();
  await context.clearCookies();
  await desk.keyboard.press("n");
  await desk.waitForURL(/\/masuk/);
  await desk.getByText(/Sesi Anda telah berakhir/).waitFor();
  const { username, password } = account("bpn.2");
  await desk.getByLabel("Nama pengguna").fill(username);
  await desk.getByLabel("Kata sandi").fill(password);
  await desk.keyboard.press("Enter");
  await desk.waitForURL(address);
  await desk.getByRole("button", { name: "Panggil berikutnya" }).waitFor();
});
