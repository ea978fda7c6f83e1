// The control room: what it shows live, and its levers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { account, api, atCounter, baseUrl, device, eventually, forget, hallId, holds, issue, person, provoke, settled, useBrowser } from "./suite.js";

useBrowser();

async function controlRoom(username) {
  const page = await (await person(account(username))).newPage();
  await page.goto(`${baseUrl}/kendali`);
  await page.getByText("Tersambung", { exact: true }).waitFor();
  return page;
}

const PA = "Pengadilan Agama";

test("intake of an agency is stopped with a reason that the kiosk shows, and taken up again", async () => {
  const room = await controlRoom("manajer");
  await room.getByRole("button", { name: `Hentikan: ${PA}` }).click();
  await room.getByRole("textbox", { name: "Alasan" }).fill("Sistem pusat sedang gangguan");
  await room.locator("#reason-ok").click();
  await room.getByText(`Pengambilan nomor dihentikan: ${PA}. Alasan: Sistem pusat sedang gangguan`).waitFor();
  const kiosk = await (await person(device("kiosk"))).newPage();
  await kiosk.goto(`${baseUrl}/kiosk`);
  await kiosk.locator(".kiosk-card.closed", { hasText: PA }).getByText(/Sistem pusat sedang gangguan/).waitFor();
  await room.getByRole("button", { name: `Buka lagi: ${PA}` }).click();
  await room.getByRole("button", { name: `Hentikan: ${PA}` }).waitFor();
  await kiosk.reload();
  await kiosk.getByRole("button", { name: new RegExp(PA) }).waitFor();
});

test("an agency with people waiting and no counter open is an alarm, and a stuck ticket is released to its place", async () => {
  const room = await controlRoom("manajer");
  const ticket = await issue("PA-AKTA");
  await room.locator(".alarm.bad", { hasText: PA }).filter({ hasText: "menunggu, tidak ada loket buka" }).waitFor();
  const { desk } = await atCounter("pa.1");
  await room.locator(".alarm.bad", { hasText: PA }).waitFor({ state: "detached" });
  // Tickets of other tests may wait before it.
  for (;;) {
    await desk.keyboard.press("n");
    await desk.getByRole("button", { name: "Mulai melayani" }).waitFor();
    if ((await desk.locator(".now-number").textContent()) === ticket.number) break;
    await settled(desk);
    await desk.keyboard.press("t");
    await desk.getByRole("button", { name: "Panggil berikutnya" }).waitFor();
    await settled(desk);
  }
  const card = room.locator(".counter-card", { has: room.getByRole("heading", { name: "Loket 26" }) });
  await card.getByText(ticket.number).waitFor();
  await card.getByText("Dipanggil").waitFor();
  await room.getByRole("button", { name: `Lepas: ${ticket.number}` }).click();
  await room.getByRole("textbox", { name: "Alasan" }).fill("Petugas meninggalkan loket");
  await room.locator("#reason-ok").click();
  await desk.getByRole("button", { name: "Panggil berikutnya" }).waitFor();
  await room.getByText(`${ticket.number} dilepas dan kembali ke antrean.`).waitFor();
  await settled(desk);
  await desk.keyboard.press("n");
  await holds(desk, ticket.number);
});

test("a service without a counter is told as that service, once, and its alarm goes with its cause", async () => {
  const room = await controlRoom("manajer");
  const name = "Dinas Lingkungan Hidup";
  const alarms = room.locator(".alarm", { hasText: name });
  const staff = await api(account("dlh.1"));
  const [counter] = account("dlh.1").counters;
  const { services } = await staff.get(`/v1/halls/${hallId}/services`);
  const [sppl, waste] = ["DLH-SPPL", "DLH-SAMPAH"].map((code) => services.find((one) => one.code === code));
  await staff.post(`/v1/counters/${counter}:open`, { serviceIds: [sppl.id] });
  const tickets = [];
  for (const code of ["DLH-SPPL", "DLH-SPPL", "DLH-SAMPAH"]) tickets.push(await issue(code));
  await room.locator(".alarm.bad", { hasText: `${name}: 1 menunggu ${waste.name}, tidak ada loket buka untuk layanan ini` }).waitFor();
  // Each change is another frame of the stream.
  for (let waiting = 2; waiting <= 4; waiting += 1) {
    tickets.push(await issue("DLH-SAMPAH"));
    await room.locator(".alarm.bad", { hasText: `${name}: ${waiting} menunggu ${waste.name}` }).waitFor();
    assert.equal(await alarms.count(), 1, "one alarm, whose number changes");
  }
  await staff.post(`/v1/counters/${counter}:open`, { serviceIds: [sppl.id, waste.id] });
  await eventually(async () => assert.equal(await alarms.count(), 0));
  await forget(tickets);
  await staff.post(`/v1/counters/${counter}:close`);
});

test("two services without a counter are two alarms, however often the room is told of them", async () => {
  const room = await controlRoom("manajer");
  const name = "Badan Pendapatan Daerah Kabupaten";
  const alarms = room.locator(".alarm.bad", { hasText: name });
  const staff = await api(account("bapenda.1"));
  const [counter] = account("bapenda.1").counters;
  const { services } = await staff.get(`/v1/halls/${hallId}/services`);
  const id = (code) => services.find((one) => one.code === code).id;
  await staff.post(`/v1/counters/${counter}:open`, { serviceIds: [id("BAPENDA-USAHA")] });
  const tickets = [];
  for (const code of ["BAPENDA-PBB", "BAPENDA-BPHTB", "BAPENDA-PBB", "BAPENDA-BPHTB", "BAPENDA-USAHA"]) {
    tickets.push(await issue(code));
    await room.waitForTimeout(400);
  }
  await eventually(async () => assert.equal(await alarms.count(), 2));
  assert.equal(new Set(await alarms.allTextContents()).size, 2, "each names its service");
  await staff.post(`/v1/counters/${counter}:open`, {});
  await eventually(async () => assert.equal(await alarms.count(), 0));
  await forget(tickets);
  await staff.post(`/v1/counters/${counter}:close`);
});

test("a list keeps one node for each key, also when two items have the same", async () => {
  const room = await controlRoom("manajer");
  const left = await room.evaluate(async () => {
    const { keyed, el, put } = await import(`${document.documentElement.dataset.assets}/js/dom.js`);
    const list = document.createElement("ul");
    const draw = (items) => keyed(list, items, () => "same", () => el("li"), (node, item) => put(node, item));
    for (let round = 0; round < 5; round += 1) draw(["a", "b"]);
    const twins = list.children.length;
    draw([]);
    return [twins, list.children.length];
  });
  assert.deepEqual(left, [2, 0]);
});

test("a supervisor of one agency has levers for that agency only, and nobody's counter staff get in", async () => {
  provoke(/403/);
  const room = await controlRoom("dpmptsp.supervisor");
  await room.getByRole("button", { name: /^Hentikan: Dinas Penanaman Modal/ }).waitFor();
  assert.equal(await room.getByRole("button", { name: `Hentikan: ${PA}` }).count(), 0);
  assert.equal(await room.locator("#close-day").count(), 0);
  const outsider = await (await person(account("pa.1"))).newPage();
  const answer = await outsider.goto(`${baseUrl}/kendali`);
  assert.equal(answer.status(), 403);
});

test("closing the day demands the word, and the statistics are those of the API", async () => {
  const room = await controlRoom("manajer");
  await room.locator("#close-day").click();
  await room.getByLabel("Ketik TUTUP untuk melanjutkan").fill("tutu");
  await room.locator("#confirm-ok").click();
  assert.ok(await room.getByRole("dialog").isVisible(), "a wrong word closes nothing");
  await room.keyboard.press("Escape");
  const { statistics } = await (await api(account("manajer"))).get(`/v1/halls/${hallId}/statistics`);
  await room.locator("#stats-load").click();
  await room.locator("#stats .total td").first().getByText(String(statistics.total.tickets), { exact: true }).waitFor();
  await room.locator("#stats-by").selectOption("services");
  assert.equal(await room.locator("#stats tr").count(), statistics.services.length + 1);
});

test("a day is closed with the word and opened again on its date, and a press of another day closes nothing", async () => {
  provoke(/400/, /ERR_FAILED/);
  // A hall of its own: closing the day of the demo would send everybody away.
  const admin = await api(account("admin"));
  const windows = [{ from: "00:00", to: "24:00" }];
  const { hall } = await admin.post("/v1/halls:apply", {
    hall: {
      code: "UJI-HARI", name: "MPP Uji Hari", timeZone: "TIME_ZONE_WIB", calendar: "CALENDAR_REGULAR",
      agencies: [{ code: "UJI", name: "Dinas Uji", hours: [1, 2, 3, 4, 5, 6, 7].map((weekday) => ({ weekday, windows })) }],
      services: [{ code: "UJI", name: "Uji", nameEn: "Test", agencyCode: "UJI", series: { prefix: "U" }, promisedMinutes: 5 }],
      counters: [{ number: "1", agencyCode: "UJI" }],
    },
  });
  await admin.post(`/v1/halls/${hall.id}:openDay`);
  await admin.post(`/v1/halls/${hall.id}/tickets`, { serviceId: hall.services[0].id });
  const room = await (await person(account("admin"))).newPage();
  await room.goto(`${baseUrl}/kendali?hall=${hall.id}`);
  await room.locator("#close-day").click();
  await room.getByText("1 nomor masih menunggu dan akan kedaluwarsa").waitFor();
  await room.getByText("dapat dibuka lagi pada tanggal yang sama").waitFor();
  await room.getByLabel("Ketik TUTUP untuk melanjutkan").fill("tutup");
  const sent = room.waitForRequest((request) => request.url().endsWith(":closeDay"));
  await room.locator("#confirm-ok").click();
  const { date } = (await sent).postDataJSON();
  await room.locator("#open-day").click();
  await room.locator("#confirm-ok").click();
  await room.locator("#close-day").waitFor();
  await room.locator("#totals div", { hasText: "Menunggu" }).getByText("1", { exact: true }).waitFor();
  const day = (await admin.get(`/v1/halls/${hall.id}`)).hall.day;
  assert.deepEqual([day.date, day.state], [date, "DAY_STATE_OPEN"]);
  const yesterday = new Date(Date.parse(`${date}T00:00:00Z`) - 86_400_000).toISOString().slice(0, 10);
  const answer = await room.request.fetch(`${baseUrl}/v1/halls/${hall.id}:closeDay`, { method: "POST", data: { date: yesterday }, headers: { origin: baseUrl } });
  assert.equal((await answer.json()).reason, "DAY_ALREADY_CLOSED");
  // A machine that slept over its press does not send it again when it wakes.
  await room.route("**/*:closeDay", (route) => route.abort());
  await room.locator("#close-day").click();
  await room.getByLabel("Ketik TUTUP untuk melanjutkan").fill("TUTUP");
  const tried = room.waitForRequest((request) => request.url().endsWith(":closeDay"));
  await room.locator("#confirm-ok").click();
  await tried;
  await room.evaluate(() => {
    const now = Date.now;
    Date.now = () => now() + 16 * 60_000;
  });
  await room.unroute("**/*:closeDay");
  await room.getByText("Server tidak terjangkau").first().waitFor();
  assert.equal((await admin.get(`/v1/halls/${hall.id}`)).hall.day.state, "DAY_STATE_OPEN");
  await admin.post(`/v1/halls/${hall.id}:closeDay`, { date });
});
