// What a citizen does with letters: find, apply, keep the code, follow, correct, withdraw. Without JavaScript where it matters.
import assert from "node:assert/strict";
import { test } from "node:test";
import { baseUrl, person, provoke, SCREENS, useBrowser } from "./suite.js";
import { apply, citizen, fillIn, LETTER, PHOTO, resident, sound } from "./surat-bantu.js";

useBrowser();

test("two choices lead from what happened to the letters it needs", async () => {
  const { page } = await citizen({ javaScriptEnabled: false });
  await page.goto(`${baseUrl}/surat`);
  await page.getByRole("heading", { name: "Apa yang sedang Anda urus?" }).waitFor();
  await page.getByRole("link", { name: /Anak saya lahir/ }).click();
  await page.locator(".pick").last().click();
  await page.locator(".letter-list .letter").first().waitFor();
  assert.ok(await page.locator(".elsewhere li").count() > 0, "what other agencies handle is told too");
});

test("a letter is found by its name, with and without a script", async () => {
  for (const javaScriptEnabled of [true, false]) {
    const { page } = await citizen({ javaScriptEnabled });
    await page.goto(`${baseUrl}/surat`);
    await page.getByLabel("Cari menurut nama surat").fill("tidak mampu");
    if (!javaScriptEnabled) await page.getByRole("button", { name: "Cari" }).click();
    const found = page.locator(".letter-list li:visible");
    await found.first().waitFor();
    assert.match(await found.first().textContent(), /tidak mampu/i);
    assert.ok((await found.count()) < 5);
  }
});

test("the page of a type says everything that the service standard promises", async () => {
  const { page } = await citizen();
  await page.goto(`${baseUrl}/surat/${LETTER}`);
  await page.getByText(/Standar pelayanan/).click();
  assert.equal(await page.locator(".standard > div").count(), 14);
  assert.ok(await page.locator(".way-step").count() > 1);
  await page.getByRole("link", { name: "Ajukan" }).click();
  await page.locator("#nama").waitFor();
});

test("a letter is applied for without JavaScript, and nothing personal is in any address", async () => {
  const { page, addresses } = await citizen({ javaScriptEnabled: false });
  const who = resident();
  const code = await apply(page, who);
  assert.match(code, /^[0-9A-Z]{4}(-[0-9A-Z]{4})+$/);
  await page.getByText("Simpan kode ini", { exact: true }).waitFor();
  assert.ok(await page.locator(".qr").evaluate((image) => image.complete && image.naturalWidth > 0), "the QR is drawn");
  await page.getByRole("link", { name: "Lihat permohonan" }).click();
  await page.getByRole("heading", { name: "Sedang diperiksa" }).waitFor();
  assert.ok(!(await page.content()).includes(who.name), "the page of a code names nobody");
  // Typed in as people type: lower case, without dashes.
  await page.goto(`${baseUrl}/permohonan`);
  await page.getByLabel("Kode permohonan").fill(code.toLowerCase().replaceAll("-", " "));
  await page.getByRole("button", { name: "Lihat permohonan" }).click();
  await page.getByRole("heading", { name: "Sedang diperiksa" }).waitFor();
  for (const address of addresses) {
    assert.ok(!address.includes(who.nik) && !address.includes("Warga") && !/[?&]kode=/.test(address), address);
  }
});

test("what is wrong is marked, the summary has the focus, and what was typed and uploaded is kept", async () => {
  provoke(/400/);
  const { page } = await citizen();
  await page.goto(`${baseUrl}/surat/${LETTER}/ajukan`);
  await page.locator("#nama").fill("Warga Uji");
  await page.locator("#nik").fill("123");
  const file = page.locator("#formulir input[type=file]").first();
  const id = await file.getAttribute("id");
  await file.setInputFiles({ name: "foto.png", mimeType: "image/png", buffer: PHOTO });
  await page.getByRole("button", { name: "Kirim permohonan" }).last().click();
  await page.locator("#galat").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement?.id), "galat");
  assert.equal(await page.locator("#nama").inputValue(), "Warga Uji");
  assert.equal(await page.locator("#nik").inputValue(), "123");
  assert.equal(await page.locator("#nik").getAttribute("aria-invalid"), "true");
  await page.locator(".paper", { has: page.locator(`#${id}`) }).getByText("Sudah diterima:").waitFor();
  await page.locator("#galat a", { hasText: "NIK" }).click();
  assert.equal(await page.evaluate(() => document.activeElement?.id), "nik");
  await sound(page, "form with faults");
  // And it can be finished from there.
  await fillIn(page, resident());
  await page.getByRole("button", { name: "Kirim permohonan" }).last().click();
  await page.waitForURL(/\/tanda-terima$/);
});

test("a form that is sent twice is one application", async () => {
  const { page, context } = await citizen();
  const who = resident();
  await page.goto(`${baseUrl}/surat/${LETTER}/ajukan`);
  await fillIn(page, who);
  let sent;
  await page.route("**/ajukan", async (route) => {
    if (route.request().method() === "POST") sent = { body: route.request().postDataBuffer(), type: route.request().headers()["content-type"] };
    await route.continue();
  });
  await page.getByRole("button", { name: "Kirim permohonan" }).last().dblclick();
  await page.waitForURL(/\/tanda-terima$/);
  const again = await context.request.fetch(`${baseUrl}/surat/${LETTER}/ajukan`, {
    method: "POST", data: sent.body, headers: { "content-type": sent.type, origin: baseUrl }, maxRedirects: 0,
  });
  assert.equal(again.status(), 303);
  assert.equal(new URL(again.headers().location, baseUrl).pathname, new URL(page.url()).pathname);
});

test("a field is asked only when it applies, and a row is added to a list", async () => {
  const { page } = await citizen();
  await page.goto(`${baseUrl}/surat/${LETTER}/ajukan`);
  const hidden = page.locator("[data-only-name]").first();
  const [name, value] = await Promise.all(["data-only-name", "data-only-equals"].map((attribute) => hidden.getAttribute(attribute)));
  assert.ok(!(await hidden.isVisible()));
  await page.locator(`.choice:has([name="${name}"][value="${value}"])`).click();
  await hidden.waitFor();
  await page.goto(`${baseUrl}/surat/ahli_waris/ajukan`);
  const list = page.locator("fieldset.rows").first();
  const before = await list.locator(".one-row").count();
  await list.locator("input:visible").first().fill("Siti Aminah");
  await list.getByRole("button", { name: "Tambah baris" }).click();
  assert.equal(await list.locator(".one-row").count(), before + 1);
  assert.equal(await list.locator(".one-row").last().locator("input").first().inputValue(), "");
  // The same without a script: the server adds the row and keeps the rest.
  const plain = (await citizen({ javaScriptEnabled: false })).page;
  await plain.goto(`${baseUrl}/surat/ahli_waris/ajukan`);
  await plain.locator("#nama").fill("Warga Uji");
  await plain.locator("fieldset.rows").first().getByRole("button", { name: "Tambah baris" }).click();
  await plain.locator("fieldset.rows").first().locator(".one-row").nth(before).waitFor();
  assert.equal(await plain.locator("#nama").inputValue(), "Warga Uji");
});

test("a file that is too large is told before it is sent", async () => {
  const { page } = await citizen();
  await page.goto(`${baseUrl}/surat/${LETTER}/ajukan`);
  await page.locator("#formulir input[type=file]").first().setInputFiles({ name: "besar.png", mimeType: "image/png", buffer: Buffer.alloc((3 << 20) + 1) });
  await page.getByText("lebih besar dari 3 MB").waitFor();
});

test("an old code with its NIK fills the form; a wrong NIK is told nothing", async () => {
  provoke(/40[034]/);
  const { page, addresses } = await citizen({ javaScriptEnabled: false });
  const who = resident();
  const code = await apply(page, who);
  for (const [nik, name] of [[`${who.nik.slice(0, 15)}${(Number(who.nik[15]) + 1) % 10}`, ""], [who.nik, who.name]]) {
    await page.goto(`${baseUrl}/surat/domisili/ajukan`);
    await page.getByText(/Pernah mengajukan/).click();
    await page.getByLabel("Kode lama").fill(code);
    await page.locator("#isi-nik").fill(nik);
    await page.getByRole("button", { name: "Isi otomatis" }).click();
    assert.equal(await page.locator("#nama").inputValue(), name);
  }
  await page.getByText("Terisi dari permohonan lama").waitFor();
  assert.ok(addresses.every((address) => !address.includes(who.nik) && !address.includes(`kode=${code}`)));
});

test("an application is withdrawn after a question", async () => {
  const { page } = await citizen({ javaScriptEnabled: false });
  await apply(page, resident());
  await page.getByRole("link", { name: "Lihat permohonan" }).click();
  await page.getByRole("link", { name: "Tarik permohonan" }).click();
  await page.getByRole("heading", { name: "Tarik permohonan ini?" }).waitFor();
  await page.getByRole("button", { name: "Ya, tarik permohonan" }).click();
  await page.getByRole("heading", { name: "Ditarik" }).waitFor();
});

test("an unknown code is told in words", async () => {
  provoke(/404/);
  const { page } = await citizen();
  const answer = await page.goto(`${baseUrl}/permohonan/AAAA-BBBB-CCCC-DDDD`);
  assert.equal(answer.status(), 404);
  await page.getByText("Kode ini tidak ditemukan").waitFor();
});

for (const [lang, screen] of [["id", "phone"], ["en", "tablet"]]) {
  test(`citizens' pages of letters pass axe and fit the screen (${lang}, ${screen})`, async () => {
    const page = await (await person(undefined, { screen: SCREENS[screen] })).newPage();
    const code = await apply(page, resident());
    const event = new URL(await page.goto(`${baseUrl}/surat`).then(() => page.locator(".event").first().getAttribute("href")), baseUrl).search;
    const paths = ["/", "/surat", `/surat${event}`, "/surat?cari=tidak", "/surat?cari=tidakada", `/surat/${LETTER}`, `/surat/${LETTER}/ajukan`, "/surat/ahli_waris/ajukan",
      "/permohonan", `/permohonan/${code}`, `/permohonan/${code}/tanda-terima`, `/permohonan/${code}/tanda-terima?kertas=80`, `/permohonan/${code}/tarik`];
    for (const path of paths) {
      await page.goto(`${baseUrl}${path}${path.includes("?") ? "&" : "?"}lang=${lang}`);
      assert.equal(await page.locator("html").getAttribute("lang"), lang, path);
      await page.evaluate(() => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
      await sound(page, path);
      const small = await page.locator("main button:not(.sr):visible, main a.button:visible, main select:visible").evaluateAll((nodes) => nodes
        .map((node) => [node.textContent.trim(), node.getBoundingClientRect().height]).filter(([, height]) => height < 44));
      assert.deepEqual(small, [], path);
    }
  });
}
