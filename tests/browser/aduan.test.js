// Officers and heads: a case from the work list to an answer that its reporter judges, the board of lateness, settings.
import assert from "node:assert/strict";
import { test } from "node:test";
import { account, baseUrl, eventually, person, provoke, pullCable, SCREENS, useBrowser } from "./suite.js";
import { citizen, PHOTO, sound } from "./surat-bantu.js";
import { fileReport, track } from "./aduan-bantu.js";

useBrowser();

/** The page of somebody. */
async function officer(username, path, options = {}) {
  const page = await (await person(account(username), options)).newPage();
  await page.goto(baseUrl + path);
  return page;
}

/** The case of a report, as somebody sees it. */
async function caseOf(username, number) {
  const page = await officer(username, `/aduan?nomor=${number}`);
  await page.waitForURL(/\/aduan\/cmp_/);
  return page;
}

/** Opens a form of the case page and answers it. */
async function form(page, slug) {
  const act = page.locator(`#tindakan-${slug}`);
  if ((await act.evaluate((node) => node.tagName)) === "DETAILS" && !(await act.getAttribute("open"))) await act.locator("summary").first().click();
  return act;
}

/** Presses the button of a form and waits for the case to come back. */
async function pressed(page, act) {
  // The page before may say that something was saved, too.
  await Promise.all([page.waitForNavigation(), act.locator("button[type=submit]").click()]);
  await page.getByText("Tersimpan.").waitFor();
}

test("a report goes from the coordinator to an answer with proof, and belum opens it again", async () => {
  const { page: phone } = await citizen({ javaScriptEnabled: false });
  const { number, pin } = await fileReport(phone);
  const coordinator = await caseOf("aduan.koordinator", number);
  await pressed(coordinator, await form(coordinator, "verifikasi"));
  const pass = await form(coordinator, "disposisi");
  await pass.locator("select[name=instansi]").selectOption("17.07/pupr");
  await pressed(coordinator, pass);
  const page = await caseOf("pupr.aduan", number);
  const home = page.url();
  await pressed(page, await form(page, "terima"));
  const answer = await form(page, "respon-substantif");
  await answer.locator("textarea[name=jawaban]").fill("Lampu jalan sudah diganti oleh regu penerangan jalan.");
  await answer.locator("[name=siapa]").fill("Regu penerangan jalan");
  await answer.locator("[name=apa]").fill("Mengganti lampu");
  await answer.locator("[name=bilamana]").fill("kemarin");
  await answer.locator("input[type=file]").first().setInputFiles({ name: "bukti.png", mimeType: "image/png", buffer: PHOTO });
  await pressed(page, answer);
  await track(phone, number, pin);
  await phone.getByText("Lampu jalan sudah diganti").waitFor();
  await phone.locator("#selesai input[value=belum]").check({ force: true });
  await phone.locator("#pesan-selesai").fill("Masih padam.");
  await phone.locator("#selesai button[type=submit]").click();
  await phone.getByText("Laporan dibuka kembali.").waitFor();
  await page.goto(home);
  await page.getByText("Masih padam.").waitFor();
});

test("two who edit at once: the second sees the case as it is and keeps what was typed", async () => {
  provoke(/409/);
  const { page: phone } = await citizen({ javaScriptEnabled: false });
  const { number } = await fileReport(phone);
  const first = await caseOf("aduan.koordinator", number);
  const second = await first.context().newPage();
  await second.goto(first.url());
  await pressed(first, await form(first, "verifikasi"));
  const late = await form(second, "arsip");
  await late.locator("select").selectOption({ index: 1 });
  await late.locator("textarea[name=saran]").fill("Silakan kirim lagi dengan alamat yang jelas.");
  await late.locator("button[type=submit]").click();
  await second.getByText("Aduan ini berubah sejak Anda membukanya").waitFor();
});

test("each number of the board is the length of the list it opens", async () => {
  const page = await officer("bupati", "/kendali/aduan");
  await page.getByText("Tersambung", { exact: true }).waitFor();
  const number = page.locator("[data-measure=BOARD_MEASURE_OPEN] [data-count]").first();
  assert.match(await number.textContent(), /^\d+$/);
  const open = page.locator("[data-measure=BOARD_MEASURE_OPEN]").first();
  const count = Number(await number.textContent());
  await open.click();
  await page.locator("h1").waitFor();
  if (count <= 50) assert.equal(await page.locator(".work").count(), count, "a number is the length of its list");
});

test("a board whose cable is pulled says so", async () => {
  const context = await person(account("bupati"));
  await context.addInitScript(() => {
    const open = new Set();
    window.EventSource = class extends EventSource {
      constructor(address) {
        super(address);
        open.add(this);
      }
    };
    window.cut = () => open.forEach((stream) => { stream.close(); stream.dispatchEvent(new Event("error")); });
  });
  provoke(/ERR_INTERNET_DISCONNECTED/);
  const page = await context.newPage();
  await page.goto(`${baseUrl}/kendali/aduan`);
  await page.getByText("Tersambung", { exact: true }).waitFor();
  await pullCable(context, page);
  await page.locator("#stale").getByText("Data tidak terkini").waitFor({ timeout: 25_000 });
  await context.setOffline(false);
  await eventually(() => page.getByText("Tersambung", { exact: true }).waitFor({ timeout: 1_000 }), { within: 15_000 });
});

test("a file of LAPOR! comes in, and what is said of it here is pasted there, marked and confirmed", async () => {
  const tracking = String(Date.now()).slice(-9);
  const page = await officer("aduan.koordinator", "/aduan", { screen: SCREENS.phone });
  await page.getByRole("link", { name: "SP4N-LAPOR!" }).focus();
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/aduan\/sp4n$/);
  const today = new Date().toLocaleDateString("en-GB", { timeZone: "Asia/Jakarta" });
  const row = (id, date) => `${id};Jalan rusak;Lubang besar di depan pasar;Pengaduan;Selesai;${date};Warga\n`;
  const file = `Tracking ID;Judul;Isi Laporan;Klasifikasi;Status;Tanggal Laporan;Pelapor\n${row(tracking, `${today} 00:01`)}${row(`${tracking}9`, "kemarin")}`;
  await page.locator("#berkas").setInputFiles({ name: "ekspor.csv", mimeType: "text/csv", buffer: Buffer.from(file) });
  await page.getByRole("button", { name: "Kirim berkas" }).click();
  // What became of each row, and what is wrong with the one that was not taken.
  await page.getByText("1 laporan baru, 0 diperbarui, 0 tetap, 1 tidak masuk.").waitFor();
  await page.getByText(`Baris 3 · LAPOR! #${tracking}9: Tanggal laporannya tidak terbaca.`).waitFor();
  await page.getByText("Baris yang masuk (1)").click();
  await page.getByText(`Baris 2 · LAPOR! #${tracking}`).waitFor();
  await sound(page, "/aduan/sp4n/impor");
  // It is over there and open here: the list says so and leads to the case.
  const differs = page.locator("#beda .rule", { hasText: `#${tracking}` });
  await differs.getByText("Selesai di LAPOR!, masih terbuka di sini").waitFor();
  await Promise.all([page.waitForURL(/\/aduan\/cmp_/), differs.getByRole("link").click()]);
  const close = await form(page, "arsip");
  await close.locator("select").selectOption("IN_COURT");
  await close.locator("textarea[name=saran]").fill("Tunggu putusan pengadilan.");
  await pressed(page, close);
  const task = page.locator("article", { hasText: `#${tracking}` });
  for (const lang of ["en", "id"]) {
    await page.goto(`${baseUrl}/aduan/sp4n?lang=${lang}`);
    await task.waitFor();
    await sound(page, `/aduan/sp4n ${lang}`);
  }
  const text = await task.locator("textarea").inputValue();
  assert.match(text, /perkaranya sedang di pengadilan.*Tunggu putusan pengadilan\./);
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await task.getByRole("button", { name: "Salin teks" }).click();
  await page.getByText("Teks tersalin.").waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), text, "what is pasted is what stands there");
  /** Presses a button by keyboard and waits for the page to say that it was recorded. */
  const press = async (place, name) => {
    await place.getByRole("button", { name }).focus();
    await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
    await page.getByText("Sudah dicatat.").waitFor();
  };
  // Pasted is not told: it waits until somebody has seen it there.
  const waiting = page.locator(".lapor-part", { hasText: "Sudah ditempel" }).locator(".rule", { hasText: `#${tracking}` });
  await press(task, "Sudah ditempel di LAPOR!");
  assert.equal(await task.count(), 0);
  await differs.getByText("belum dipastikan tampak di LAPOR!").waitFor();
  await sound(page, "/aduan/sp4n waiting");
  await press(waiting, "Tidak tampak, salin lagi");
  await task.waitFor();
  await press(task, "Sudah ditempel di LAPOR!");
  await press(waiting, "Tampak di LAPOR!");
  assert.equal((await task.count()) + (await waiting.count()), 0);
});

test("one report of LAPOR! is typed in by keyboard, also without JavaScript", async () => {
  provoke(/400/);
  const tracking = String(Date.now()).slice(-9);
  const page = await officer("aduan.koordinator", "/aduan/sp4n", { screen: SCREENS.phone, javaScriptEnabled: false });
  await page.locator("#ketik summary").focus();
  await page.keyboard.press("Enter");
  await page.getByLabel("Judul", { exact: false }).fill("Lampu jalan");
  await page.getByLabel("Isi laporan").fill("Lampu jalan mati tiga malam");
  await page.getByLabel("Tahap di LAPOR!").fill("Baru");
  await page.getByRole("button", { name: "Masukkan laporan" }).focus();
  await page.keyboard.press("Enter");
  // What is wrong is said and led to, and what was typed is still there.
  await page.locator("#galat").getByRole("link", { name: "Nomor laporan (tracking ID)" }).click();
  assert.equal(await page.getByLabel("Isi laporan").inputValue(), "Lampu jalan mati tiga malam");
  for (const outcome of ["Aduan baru", "Sudah ada, tidak berubah"]) {
    await page.getByLabel("Nomor laporan (tracking ID)").fill(tracking);
    await page.getByRole("button", { name: "Masukkan laporan" }).click();
    await page.getByText(`LAPOR! #${tracking}: ${outcome}`).waitFor();
    await page.locator("#ketik summary").click();
    await page.getByLabel("Judul", { exact: false }).fill("Lampu jalan");
    await page.getByLabel("Isi laporan").fill("Lampu jalan mati tiga malam");
    await page.getByLabel("Tahap di LAPOR!").fill("Baru");
  }
});

test("who does not coordinate has no way to LAPOR!", async () => {
  provoke(/403/);
  const page = await officer("pupr.aduan", "/aduan");
  await page.getByRole("link", { name: "Peta", exact: false }).first().waitFor();
  assert.equal(await page.getByRole("link", { name: "SP4N-LAPOR!" }).count(), 0);
  assert.equal((await page.goto(`${baseUrl}/aduan/sp4n`)).status(), 403);
});

for (const [lang, screen] of [["id", "phone"], ["en", "tablet"]]) {
  test(`the pages of officers pass axe and fit the screen (${lang}, ${screen})`, async () => {
    const { page: phone } = await citizen({ javaScriptEnabled: false });
    const { number } = await fileReport(phone);
    const page = await officer("aduan.koordinator", "/aduan", { screen: SCREENS[screen] });
    const parts = ["kategori?ubah=baru", "instansi", "tenggat?ubah=baru", "kalender?ubah=baru", "pejabat", "plt", "jawaban?ubah=baru", "bahasa", "bahasa?ubah=en"].map((part) => `/pengaturan-aduan/${part}`);
    for (const path of ["/aduan", "/aduan?tab=semua", `/aduan?nomor=${number}`, "/kendali/aduan", "/kendali/aduan/laporan", "/aduan/sp4n", ...parts]) {
      await page.goto(`${baseUrl}${path}${path.includes("?") ? "&" : "?"}lang=${lang}`);
      await sound(page, path);
    }
    // Whom the board is made for: each agency, also one with nothing to tell.
    const regent = await officer("bupati", "/mulai", { screen: SCREENS[screen] });
    for (const path of ["/kendali/aduan", "/kendali/aduan/laporan?periode=2026-Q3"]) {
      await regent.goto(`${baseUrl}${path}${path.includes("?") ? "&" : "?"}lang=${lang}`);
      await sound(regent, `${path} of the regent`);
    }
  });
}
