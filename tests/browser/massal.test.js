// Letters by table: nothing is handed in before each row is right, then each row is one application, however often it is sent.
import assert from "node:assert/strict";
import { test } from "node:test";
import { account, baseUrl, person, provoke, SCREENS, useBrowser } from "./suite.js";
import { resident, sound } from "./surat-bantu.js";

useBrowser();

const TYPE = "sktm";
const PAGE = `/meja/massal/${TYPE}`;

/** The page of the village's officer. */
async function officer(path, options = {}) {
  const page = await (await person(account("desa.staf"), options)).newPage();
  await page.goto(baseUrl + path);
  return page;
}

/** The headings of the empty table, as a spreadsheet opens it, and what the page says of each column. */
async function headings(page) {
  const csv = await (await page.request.get(`${baseUrl}${PAGE}/tabel.csv`)).text();
  assert.ok(csv.startsWith("\ufeff"), "spreadsheets take it for UTF-8");
  const said = await page.locator("[aria-labelledby=kolom-judul] tbody tr").evaluateAll((rows) => rows.map((row) => row.lastElementChild.textContent));
  const heads = csv.slice(1).trim().split(";").map((head) => head.replaceAll('"', ""));
  assert.equal(heads.length, said.length);
  return heads.map((head, at) => ({ head, said: said[at] }));
}

/** A cell that its column takes. */
function cell({ head, said }, who) {
  if (/^NIK/i.test(head)) return who.nik;
  if (/kartu keluarga/i.test(head)) return `${who.nik.slice(0, 12)}0001`;
  if (/^Nama/i.test(head)) return who.name;
  if (/^RW/.test(head)) return "1";
  if (/^RT/.test(head)) return "2";
  if (/ponsel|telepon/i.test(head)) return "0812-3456.7890";
  if (/surel|e-mail/i.test(head)) return "";
  if (said.startsWith("Tanggal")) return "31/12/1990";
  if (said === "Ya / Tidak") return "Tidak";
  if (said.includes(" / ")) return said.split(" / ")[0].toUpperCase();
  return /penghasilan|jumlah/i.test(head) ? "4" : "Dusun II Nomor 7";
}

/** A table of these people. */
const table = (columns, people) => [columns.map((one) => one.head), ...people.map((who) => columns.map((one) => cell(one, who)))].map((row) => row.join(";")).join("\r\n");

/** Chooses the village, says that the papers were seen, and sends a table. */
async function send(page, content) {
  await page.locator("#desa").selectOption(account("desa.kades").area);
  await page.locator("#berkas").check();
  await page.locator("#tabel").setInputFiles({ name: "bantuan.csv", mimeType: "text/csv", buffer: Buffer.from(content) });
  await Promise.all([page.waitForNavigation(), page.getByRole("button", { name: "Periksa tabel" }).press("Enter")]);
}

for (const javaScriptEnabled of [true, false]) {
  test(`a table is checked as a whole and handed in once (${javaScriptEnabled ? "with" : "without"} JavaScript)`, async () => {
    provoke(/400/);
    const page = await officer("/meja", { javaScriptEnabled, screen: SCREENS.phone });
    // axe is a script.
    const looked = (name) => (javaScriptEnabled ? sound(page, name) : undefined);
    await page.getByRole("link", { name: "Surat massal" }).press("Enter");
    await looked("/meja/massal");
    await page.locator(`a[href="${PAGE}"]`).click();
    await looked(PAGE);
    const columns = await headings(page);
    const people = Array.from({ length: 3 }, () => resident());

    await send(page, table([...columns, { head: "Hobi", said: "" }], people));
    await page.getByText("Kolom “Hobi” tidak dikenal.").waitFor();
    await looked(`${PAGE} with a fault`);

    await send(page, table(columns, [people[0], { ...people[1], nik: "3.2E+15" }, people[2]]));
    await page.getByText("Baris berikut perlu diperbaiki.").waitFor();
    const wrong = page.locator(".summary li");
    assert.equal(await wrong.count(), 1);
    assert.match(await wrong.textContent(), /Baris 3\s*NIK[^:]*: Periksa 16 angka NIK/);
    assert.equal(await page.getByRole("button", { name: "Ajukan semua" }).count(), 0);
    await looked(`${PAGE} with rows that are wrong`);

    await send(page, table(columns, people));
    await page.getByRole("heading", { name: "3 surat siap diajukan" }).waitFor();
    await looked(`${PAGE} that is sound`);
    const hand = page.getByRole("button", { name: "Ajukan semua" });
    // A second window, for whoever presses twice: the same form, the same key.
    const form = await page.locator("form:has(textarea[name=isi])").evaluate((node) => Object.fromEntries(new FormData(node)));
    await Promise.all([page.waitForNavigation(), hand.press("Enter")]);
    await page.getByRole("heading", { name: "3 surat sudah diajukan" }).waitFor();
    await looked(`${PAGE} handed in`);
    const codes = await page.locator("td.mono").allTextContents();
    assert.equal(new Set(codes).size, 3);
    const again = await page.request.post(baseUrl + PAGE, { headers: { origin: baseUrl }, multipart: { ...form, ajukan: "1" } });
    assert.equal(again.status(), 200);
    const repeated = await again.text();
    for (const code of codes) assert.ok(repeated.includes(code), "the same applications");

    // Each waits like any other, and whoever decides reads who saw the papers.
    const desk = await (await person(account("rt.002"))).newPage();
    await desk.goto(`${baseUrl}/meja`);
    await desk.getByRole("link", { name: new RegExp(people[0].name) }).first().click();
    await desk.getByText(/Berkas persyaratan diperiksa di kantor oleh \S+/).waitFor();
  });
}

test("papers are seen first, and a table is not for everybody", async () => {
  provoke(/400|403/);
  const page = await officer(PAGE);
  await page.getByRole("button", { name: "Periksa tabel" }).click();
  await page.getByText("Periksa dahulu persyaratan setiap orang").waitFor();
  const clerk = await (await person(account("dukcapil.1"))).newPage();
  assert.equal((await clerk.goto(baseUrl + PAGE)).status(), 403);
});

test("the pages of tables pass axe and fit the screen (en, tablet)", async () => {
  const page = await officer(`${PAGE}?lang=en`, { screen: SCREENS.tablet });
  await sound(page, `${PAGE} en`);
  await page.goto(`${baseUrl}/meja/massal?lang=en`);
  await sound(page, "/meja/massal en");
});
