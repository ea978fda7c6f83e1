// Whether a document is genuine, asked by anybody.
import assert from "node:assert/strict";
import { test } from "node:test";
import { baseUrl, provoke, SCREENS, useBrowser } from "./suite.js";
import { citizen, sound } from "./surat-bantu.js";

useBrowser();

test("unknown and malformed codes look alike", async () => {
  provoke(/404/);
  const { page } = await citizen();
  const texts = [];
  for (const code of ["0000-0000-0000-0000", "ZZZZ-ZZZZ-ZZZZ-ZZZZ", "bukan-kode", "%3Cb%3E"]) {
    const answer = await page.goto(`${baseUrl}/s/${code}`);
    assert.equal(answer.status(), 404, code);
    texts.push(await page.locator("main").textContent());
  }
  assert.equal(new Set(texts).size, 1);
  assert.match(texts[0], /Tidak ada surat dengan kode ini/);
});

test("a code is typed in without JavaScript and goes by POST", async () => {
  const { page, addresses } = await citizen({ javaScriptEnabled: false });
  provoke(/404/);
  await page.goto(`${baseUrl}/periksa`);
  await page.getByLabel("Kode verifikasi").fill("0000 0000 0000 0000");
  await page.getByRole("button", { name: "Periksa kode" }).click();
  await page.getByText("Tidak ada surat dengan kode ini").waitFor();
  assert.ok(addresses.every((address) => !address.includes("?")));
});

test("a PDF of somebody else is not ours, and what is no PDF is told in words", async () => {
  provoke(/400/);
  const { page } = await citizen({ javaScriptEnabled: false });
  await page.goto(`${baseUrl}/periksa`);
  await page.getByRole("button", { name: "Periksa berkas" }).click();
  await page.getByText("Pilih berkas lebih dahulu.").waitFor();
  await page.locator("#berkas").setInputFiles({ name: "asing.pdf", mimeType: "application/pdf", buffer: foreign() });
  await page.getByRole("button", { name: "Periksa berkas" }).click();
  await page.getByRole("heading", { name: "BUKAN DARI KAMI" }).waitFor();
});

/** The smallest PDF that a reader opens. */
function foreign() {
  const objects = ["<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>", "<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>"];
  let text = "%PDF-1.4\n";
  const places = objects.map((object, at) => {
    const place = text.length;
    text += `${at + 1} 0 obj${object}endobj\n`;
    return place;
  });
  const start = text.length;
  text += `xref\n0 4\n0000000000 65535 f \n${places.map((place) => `${String(place).padStart(10, "0")} 00000 n \n`).join("")}trailer<</Size 4/Root 1 0 R>>\nstartxref\n${start}\n%%EOF\n`;
  return Buffer.from(text);
}

for (const [lang, screen] of [["id", "phone"], ["en", "tablet"]]) {
  test(`the verification pages pass axe and fit the screen (${lang}, ${screen})`, async () => {
    provoke(/404/);
    const { page } = await citizen({ screen: SCREENS[screen] });
    for (const path of ["/periksa", "/s/0000-0000-0000-0000"]) {
      await page.goto(`${baseUrl}${path}?lang=${lang}`);
      assert.equal(await page.locator("html").getAttribute("lang"), lang);
      await sound(page, path);
    }
    await page.locator("#berkas").setInputFiles({ name: "asing.pdf", mimeType: "application/pdf", buffer: foreign() });
    await page.locator("#formulir button[type=submit]").click();
    await page.locator(".verdict").waitFor();
    await sound(page, "verdict");
  });
}
