// Bukti Ombudsman: a paper is entered and withdrawn without a script and by keyboard, and the pages are legible everywhere.
import assert from "node:assert/strict";
import { test } from "node:test";
import { account, baseUrl, person, provoke, SCREENS, useBrowser } from "./suite.js";
import { sound } from "./surat-bantu.js";

useBrowser();

/** A file that is a PDF by its content: each time another. */
const paper = () => Buffer.from(`%PDF-1.4\n% ${crypto.randomUUID()}\n%%EOF\n`);

/** The page of somebody. */
async function officer(username, path, options = {}) {
  const page = await (await person(account(username), options)).newPage();
  await page.goto(baseUrl + path);
  return page;
}

/** The article of the paper with this title. */
const entry = (page, title) => page.locator(".evidence-paper").filter({ has: page.getByRole("heading", { name: title, exact: true }) });

test("C-45 the coordinator enters a paper without a script, sees it, downloads it and withdraws it", async () => {
  provoke(/400/);
  const page = await officer("aduan.koordinator", "/meja/eviden", { javaScriptEnabled: false });
  // The demo begins with a decree and a procedure.
  await page.getByRole("heading", { name: "Tim pengelola pengaduan kabupaten" }).waitFor();
  const training = page.getByRole("region", { name: /PG-09/ });
  await training.getByText("Tidak ada daftar hadir dalam periode ini.").waitFor();
  await training.getByRole("link", { name: "daftar hadir" }).click();
  const title = `Pelatihan petugas ${Date.now()}`;
  await page.getByRole("button", { name: "Simpan dokumen" }).click();
  await page.getByRole("alert").getByText("Pilih berkas dokumennya.").waitFor();
  const today = new Date(Date.now() + 7 * 3_600_000).toISOString().slice(0, 10);
  await page.locator("#judul").fill(title);
  await page.locator("#tanggal").fill(today);
  await page.locator("#peserta").fill("24");
  await page.locator("input[type=file]").setInputFiles({ name: "hadir.pdf", mimeType: "application/pdf", buffer: paper() });
  await page.getByRole("button", { name: "Simpan dokumen" }).click();
  await page.getByText("Dokumen tersimpan.").waitFor();
  assert.equal(await training.getByText("Tidak ada daftar hadir dalam periode ini.").count(), 0, "nothing of that kind is missing any more");
  const one = entry(page, title);
  assert.match(await one.textContent(), /daftar hadir[\s\S]*24[\s\S]*[0-9a-f]{64}/);
  const [file] = await Promise.all([page.waitForEvent("download"), one.getByRole("link", { name: /Unduh/ }).click()]);
  assert.match(file.suggestedFilename(), /^PG-09_\d{4}-\d{2}-\d{2}_daftar-hadir_evd_\w+\.pdf$/);
  // By keyboard alone.
  await one.locator("summary").focus();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await page.keyboard.type("Hanya untuk uji halaman ini.");
  await page.keyboard.press("Tab");
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  await page.getByText("Dokumen dicabut.").waitFor();
  assert.match(await one.textContent(), /Dicabut[\s\S]*Hanya untuk uji halaman ini\./);
  assert.equal(await one.locator("summary").count(), 0, "it is withdrawn once");
});

test("C-45 the regent reads the papers and enters none", async () => {
  const page = await officer("bupati", "/meja/eviden");
  await page.getByRole("heading", { name: "Tim pengelola pengaduan kabupaten" }).waitFor();
  assert.equal(await page.locator(".evidence-add, .evidence-paper summary").count(), 0);
  assert.equal(await page.getByRole("navigation").getByRole("link", { name: "Bukti Ombudsman" }).count(), 1);
});

for (const [lang, screen] of [["id", "phone"], ["en", "tablet"]]) {
  test(`the pages of papers pass axe and fit the screen (${lang}, ${screen})`, async () => {
    provoke(/400/);
    const page = await officer("aduan.koordinator", "/meja/eviden", { screen: SCREENS[screen] });
    for (const path of ["/meja/eviden", "/meja/eviden?dari=2020-02-01&sampai=2020-01-01", ...["sk-tim", "notulen-evaluasi", "daftar-hadir", "surat&indikator=PG-08"].map((kind) => `/meja/eviden/tambah?jenis=${kind}`)]) {
      const answer = await page.goto(`${baseUrl}${path}${path.includes("?") ? "&" : "?"}lang=${lang}`);
      assert.ok([200, 400].includes(answer.status()), `${path}: ${answer.status()}`);
      await sound(page, path);
    }
  });
}
