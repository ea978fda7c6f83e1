// Pesan untuk saya, Kontak saya, Kontak pejabat and Aturan pengiriman: without a script, by keyboard, legible everywhere.
import assert from "node:assert/strict";
import { test } from "node:test";
import { account, api, baseUrl, eventually, person, phoneNumber, provoke, SCREENS, useBrowser } from "./suite.js";
import { citizen, sound } from "./surat-bantu.js";
import { fileReport } from "./aduan-bantu.js";

useBrowser();

/** The page of somebody. */
async function officer(username, path, options = {}) {
  const page = await (await person(account(username), options)).newPage();
  await page.goto(baseUrl + path);
  return page;
}

/** The account of somebody. */
const idOf = async (username) => (await (await api(account(username))).get("/v1/sessions/current")).account.id;

/** Takes back how somebody is reached: an earlier run against the same suite may have said so. */
const unreached = async (username) => (await api(account(username))).post("/v1/contacts:apply", { contact: { accountId: await idOf(username), language: "id" } });

/** Tells somebody of something by the list alone, and waits until it stands there. @returns what the message is about */
async function tell(username, reference = `uji-${crypto.randomUUID()}`) {
  const admin = await api(account("admin"));
  const rujukan = `perkara ${crypto.randomUUID().slice(0, 8)}`;
  await admin.post("/v1/notifications", { reference, messageType: "kontak_tidak_sampai", recipient: { accountId: await idOf(username) }, placeholders: { rujukan, kanal: "WhatsApp" } });
  const reader = await api(account(username));
  await eventually(async () => {
    const { items } = await reader.get("/v1/inbox?pageSize=200");
    assert.ok(items.some((one) => one.body.includes(rujukan)));
  }, { what: "the message stands in the list" });
  return rujukan;
}

/** The message on the page that says this. */
const message = (page, words) => page.locator(".message").filter({ hasText: words });

test("N-04 what was told stands in the list, newest first, and is marked as read without a script", async () => {
  const [first, second] = [await tell("aduan.koordinator"), await tell("aduan.koordinator")];
  const page = await officer("aduan.koordinator", "/pesan", { javaScriptEnabled: false });
  await page.getByRole("heading", { name: "Pesan untuk saya" }).waitFor();
  const texts = await page.locator(".message").allTextContents();
  assert.ok(texts.findIndex((text) => text.includes(second)) < texts.findIndex((text) => text.includes(first)), "newest first");
  const one = message(page, second);
  assert.match(await one.getAttribute("class"), /unread/);
  await Promise.all([page.waitForNavigation(), one.getByRole("button", { name: "Tandai sudah dibaca" }).click()]);
  await page.getByText("Sudah ditandai dibaca.").waitFor();
  assert.doesNotMatch(await one.getAttribute("class"), /unread/);
  await page.getByRole("navigation", { name: "Pesan yang ditampilkan" }).getByRole("link", { name: /Belum dibaca/ }).click();
  await message(page, first).waitFor();
  assert.equal(await message(page, second).count(), 0, "what was read is not among the unread ones");
  // All of them; what comes meanwhile stays.
  const third = await tell("aduan.koordinator");
  await Promise.all([page.waitForNavigation(), page.getByRole("button", { name: "Tandai semua sudah dibaca" }).click()]);
  await message(page, third).waitFor();
  assert.equal(await message(page, first).count(), 0, "what the page knew of was read");
});

test("N-04 the header counts what is unread, and a message leads to its case by keyboard", async () => {
  const { page: phone } = await citizen({ javaScriptEnabled: false });
  const { number } = await fileReport(phone);
  const found = await officer("aduan.koordinator", `/aduan?nomor=${number}`);
  await found.waitForURL(/\/aduan\/cmp_/);
  const words = await tell("aduan.koordinator", new URL(found.url()).pathname.split("/").at(-1));
  const bell = found.getByRole("banner").getByRole("link", { name: /Pesan/ });
  await eventually(async () => {
    await found.reload();
    assert.match(await bell.textContent(), /Pesan \d+\+? belum dibaca/);
  }, { within: 15_000, what: "the number is shown" });
  await bell.focus();
  await Promise.all([found.waitForNavigation(), found.keyboard.press("Enter")]);
  const open = message(found, words).getByRole("button", { name: "Buka" });
  await open.focus();
  await Promise.all([found.waitForURL(/\/aduan\/cmp_/), found.keyboard.press("Enter")]);
  await found.getByText(number).first().waitFor();
  await found.goto(`${baseUrl}/pesan`);
  assert.doesNotMatch(await message(found, words).getAttribute("class"), /unread/, "who opened it has read it");
});

test("N-04 nobody sees another's list", async () => {
  const words = await tell("aduan.koordinator");
  const page = await officer("pupr.aduan", "/pesan");
  await page.getByRole("heading", { name: "Pesan untuk saya" }).waitFor();
  assert.equal(await message(page, words).count(), 0);
});

/** The line of an office or a channel. */
const line = (page, title) => page.locator(".rule").filter({ has: page.getByText(title, { exact: true }) });

/** Presses a button and waits for the page to come back. */
async function pressed(page, button) {
  await Promise.all([page.waitForNavigation(), button.click()]);
  await page.getByText("Tersimpan.").waitFor();
}

test("N-13 an official enters the own number without a script, sees source and time, and ends it at once", async () => {
  provoke(/400/);
  await unreached("inspektur");
  const context = await person(account("inspektur"), { javaScriptEnabled: false, screen: SCREENS.phone });
  const addresses = [];
  context.on("request", (request) => addresses.push(decodeURIComponent(request.url())));
  const page = await context.newPage();
  await page.goto(`${baseUrl}/kontak`);
  const typed = phoneNumber();
  const number = `62${typed.slice(1)}`;
  await page.locator("input[name=setuju][value=whatsapp]").check({ force: true });
  await Promise.all([page.waitForNavigation(), page.getByRole("button", { name: "Simpan" }).click()]);
  await page.getByRole("alert").getByText("Isi dulu nomor atau alamatnya").waitFor();
  await page.locator("#nomor_wa").fill(typed);
  await pressed(page, page.getByRole("button", { name: "Simpan" }));
  const whatsapp = line(page, "WhatsApp");
  assert.match(await whatsapp.textContent(), new RegExp(`${number}[\\s\\S]*Disetujui sejak[\\s\\S]*Sumber: Halaman Kontak saya\\.[\\s\\S]*Dapat dihubungi`));
  await pressed(page, whatsapp.getByRole("button", { name: "Hentikan" }));
  assert.match(await whatsapp.textContent(), /Tidak disetujui/);
  await pressed(page, whatsapp.getByRole("button", { name: "Setujui" }));
  assert.match(await whatsapp.textContent(), /Dapat dihubungi/);
  assert.ok(!addresses.some((address) => [typed, number].some((one) => address.includes(one))), "a number stands in no address");
});

test("N-11 the administrator enters an official's contact by keyboard, and the list says who can be reached", async () => {
  await unreached("pupr.kepala");
  const page = await officer("admin", "/pengaturan-aduan/kontak");
  const office = line(page, "Kepala Dinas PUPR");
  assert.match(await office.textContent(), /WhatsApp: Belum diisi/);
  await page.getByText(/\d+ pejabat belum dapat dihubungi/).waitFor();
  await office.getByRole("link", { name: /Ubah/ }).focus();
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  const typed = phoneNumber();
  await page.locator("#nomor_wa").focus();
  await page.keyboard.type(typed);
  // The address, then the boxes of consent.
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Space");
  await page.locator("#sumber_setuju").focus();
  await page.keyboard.type("SK 800/12/2026");
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  await page.getByText("Tersimpan.").waitFor();
  const text = await office.textContent();
  assert.match(text, /WhatsApp: Dapat dihubungi/);
  assert.match(text, /Sumber: SK 800\/12\/2026\./);
  assert.ok(!(await page.content()).includes(typed.slice(1)), "the list shows no number");
  // Who may not set up is not offered it.
  const coordinator = await officer("aduan.koordinator", "/pengaturan-aduan");
  assert.equal(await coordinator.getByRole("link", { name: "Kontak pejabat" }).count(), 0);
});

test("N-20 the rules of delivery say when nobody is told of trouble, and keep what was typed", async () => {
  provoke(/400/);
  const page = await officer("admin", "/pengaturan-aduan/pengiriman", { javaScriptEnabled: false });
  const nobody = page.getByText("Aturan ini tidak menyebut siapa pun");
  await nobody.waitFor();
  await page.locator("#jam_tenang").fill("malam hari");
  await Promise.all([page.waitForNavigation(), page.getByRole("button", { name: "Simpan" }).click()]);
  await page.getByRole("link", { name: "Jam istirahat" }).waitFor();
  assert.equal(await page.locator("#jam_tenang").inputValue(), "malam hari");
  await page.locator("#jam_tenang").fill("KEPALA_OPD 21:00-06:00");
  await page.locator("#akun_gangguan").fill(await idOf("admin"));
  await pressed(page, page.getByRole("button", { name: "Simpan" }));
  assert.equal(await nobody.count(), 0);
  await line(page, "Administrator").getByText("diberi tahu bila ada gangguan").waitFor();
  assert.equal(await page.locator("#jam_tenang").inputValue(), "KEPALA_OPD 21:00-06:00");
  // As it was, for whatever is tested next.
  await page.locator("#jam_tenang").fill("");
  await page.locator("#akun_gangguan").fill("");
  await pressed(page, page.getByRole("button", { name: "Simpan" }));
  await nobody.waitFor();
});

for (const [lang, screen] of [["id", "phone"], ["en", "phone"], ["id", "small"], ["en", "small"], ["id", "kiosk"], ["en", "kiosk"]]) {
  test(`the pages of messages pass axe and fit the screen (${lang}, ${screen})`, async () => {
    await tell("admin");
    const page = await officer("admin", "/pesan", { screen: SCREENS[screen] });
    for (const path of ["/pesan", "/pesan?tab=belum", "/kontak", "/pengaturan-aduan/kontak", `/pengaturan-aduan/kontak?ubah=${await idOf("bupati")}`, "/pengaturan-aduan/kontak?ubah=baru", "/pengaturan-aduan/pengiriman"]) {
      const answer = await page.goto(`${baseUrl}${path}${path.includes("?") ? "&" : "?"}lang=${lang}`);
      assert.equal(answer.status(), 200, path);
      await sound(page, path);
    }
  });
}
