// A report: from the form of a citizen to the page that follows it, without a script too.
import assert from "node:assert/strict";
import { test } from "node:test";
import { account, baseUrl, person, provoke, SCREENS, useBrowser } from "./suite.js";
import { citizen, PHOTO, sound } from "./surat-bantu.js";
import { fileReport, REPORT, track } from "./aduan-bantu.js";

useBrowser();

test("a report is filed without a script, followed with number and PIN, and neither stands in an address", async () => {
  const { page, addresses } = await citizen({ javaScriptEnabled: false });
  const { number, pin } = await fileReport(page);
  await page.getByText("PIN hanya tampil sekali ini").waitFor();
  await track(page, number, pin);
  await page.getByRole("heading", { name: "Baru diterima" }).waitFor();
  await page.getByText(REPORT).waitFor();
  await page.locator("#pesan").fill("Sekarang tergenang air.");
  await page.locator("#formulir input[type=file]").first().setInputFiles({ name: "foto.png", mimeType: "image/png", buffer: PHOTO });
  await page.locator("#formulir button[type=submit]").click();
  await page.getByText("Keterangan terkirim.").waitFor();
  for (const address of addresses) assert.ok(!address.includes(pin) && !address.includes(number), address);
});

test("a wrong PIN and an unknown number get the same page", async () => {
  provoke(/404/);
  const { page } = await citizen({ javaScriptEnabled: false });
  const { number } = await fileReport(page);
  const shown = [];
  for (const [nomor, pin] of [[number, "000000"], ["ADU-2020-000001-1", "000000"]]) {
    await page.goto(`${baseUrl}/lacak`);
    await page.locator("#nomor").fill(nomor);
    await page.locator("#pin").fill(pin);
    await page.getByRole("button", { name: "Lihat laporan" }).click();
    await page.locator("#galat").waitFor();
    shown.push((await page.locator("main").innerHTML()).replaceAll(nomor, ""));
  }
  assert.equal(shown[0], shown[1]);
});

test("what is wrong is named first, and the keyboard alone is enough", async () => {
  provoke(/400/);
  const { page } = await citizen({ screen: SCREENS.tablet });
  await page.goto(`${baseUrl}/lapor`);
  await page.locator("#uraian").fill("pendek");
  await page.locator("#uraian").press("Tab");
  await page.locator(".send-part button").focus();
  await page.keyboard.press("Enter");
  await page.locator("#galat").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement?.id), "galat", "the summary has the focus");
  await page.locator("#galat a").first().focus();
  await page.keyboard.press("Enter");
  assert.notEqual(await page.evaluate(() => location.hash), "");
  assert.equal(await page.locator("#uraian").inputValue(), "pendek");
});

test("the complaint desk files for somebody and has the slip at once", async () => {
  const page = await (await person(account("aduan.meja"))).newPage();
  const { number, pin } = await fileReport(page, "/meja-pengaduan");
  assert.match(number, /^ADU-\d{4}-\d{6}-/);
  assert.ok(pin.length >= 4);
  assert.ok(await page.locator("body.roll").count(), "laid out for 80 mm");
  await page.getByRole("link", { name: "Laporan berikutnya" }).click();
  await page.locator("#uraian").waitFor();
});

for (const [lang, screen] of [["id", "phone"], ["en", "tablet"]]) {
  test(`the pages of reports pass axe and fit the screen (${lang}, ${screen})`, async () => {
    const { page } = await citizen({ screen: SCREENS[screen] });
    const { number, pin } = await fileReport(page);
    await sound(page, "receipt");
    for (const path of ["/", "/lapor", "/lacak"]) {
      await page.goto(`${baseUrl}${path}?lang=${lang}`);
      assert.equal(await page.locator("html").getAttribute("lang"), lang);
      await sound(page, path);
    }
    await track(page, number, pin);
    await sound(page, "track");
  });
}
