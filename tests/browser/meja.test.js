// The desk: a letter on its way from a citizen's form through RT, RW and village to a signature that anybody can verify.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { account, api, baseUrl, eventually, ossToken, person, provoke, SCREENS, useBrowser } from "./suite.js";
import { apply, citizen, PHOTO, resident, sound } from "./surat-bantu.js";

useBrowser();

const kades = () => account("desa.kades");

/** The page of somebody's desk. */
async function desk(username, path = "/meja", options = {}) {
  const page = await (await person(account(username), options)).newPage();
  await page.goto(baseUrl + path);
  return page;
}

/** Opens an application from the worklist of somebody, however many lie before it. */
async function open(page, who) {
  await eventually(async () => {
    await page.goto(`${baseUrl}/meja`);
    for (;;) {
      const row = page.getByRole("link", { name: new RegExp(who.name) });
      if (await row.count()) return row.first().click();
      const next = page.getByRole("link", { name: "Berikutnya" });
      assert.ok(await next.count(), `${who.name} is not on the list`);
      await next.click();
    }
  }, { within: 15_000 });
  await page.locator("#permohonan").waitFor();
}

/** Everybody before the signature approves. */
async function approved(who, officials = ["rt.002", "rw.001", "desa.staf"]) {
  for (const username of officials) {
    const page = await desk(username);
    await open(page, who);
    await page.getByRole("button", { name: "Setujui" }).click();
    await page.getByText("Disetujui.").waitFor();
    await page.context().close();
  }
}

/** The same past the pages, for tests that begin where it waits for its signature. */
async function approvedAlready(who, officials = ["rt.002", "rw.001", "desa.staf"]) {
  for (const username of officials) {
    const official = await api(account(username));
    let [found, token] = [undefined, ""];
    do {
      const { items, nextPageToken } = await official.get(`/v1/work?pageSize=200&pageToken=${encodeURIComponent(token)}`);
      [found, token] = [items.find((one) => one.subjectName === who.name), nextPageToken];
    } while (!found && token);
    assert.ok(found, `${who.name} is not on the list of ${username}`);
    const { application } = await official.get(`/v1/applications/${found.applicationId}`);
    await official.post(`/v1/applications/${application.id}:approve`, { version: application.version, contentHash: application.contentHash });
  }
}

/** An application that waits for the signature of the village head; answers its code. */
async function toSign(who, approve = approvedAlready) {
  const { page, context } = await citizen();
  const code = await apply(page, who);
  await context.close();
  await approve(who);
  return code;
}

test("a letter goes from the form to a signature that anybody can verify", async () => {
  provoke(/40[03]/);
  const who = resident();
  const code = await toSign(who, approved);
  const page = await desk("desa.kades");
  await open(page, who);
  const draft = await page.request.get(`${page.url()}/draf.pdf`);
  assert.equal(draft.headers()["content-type"], "application/pdf");
  // The deep link of a notice opens the signing box.
  await page.goto(`${page.url().split("#")[0]}#tanda-tangan`);
  await page.reload();
  const box = page.locator("#dlg-sign[open]");
  await box.waitFor();
  await box.getByLabel("Frasa sandi sertifikat Anda").fill("bukan frasa saya");
  await box.getByRole("button", { name: "Tanda tangani" }).click();
  await box.locator("#frasa-error:visible").waitFor();
  assert.equal(await page.locator("#frasa").inputValue(), "", "the passphrase is cleared at once");
  await box.getByLabel("Frasa sandi sertifikat Anda").fill(kades().passphrase);
  await box.getByRole("button", { name: "Tanda tangani" }).click();
  await page.getByText("Ditandatangani dan terbit").waitFor();

  const { page: phone, context, addresses } = await citizen({ javaScriptEnabled: false });
  await phone.goto(`${baseUrl}/permohonan/${code}`);
  await phone.getByRole("heading", { name: "Surat sudah terbit" }).waitFor();
  await phone.getByLabel("Empat angka terakhir NIK").fill("0000");
  await phone.getByRole("button", { name: "Unduh PDF" }).click();
  await phone.locator("#nik4-error").waitFor();
  await phone.getByLabel("Empat angka terakhir NIK").fill(who.nik.slice(12));
  const [download] = await Promise.all([phone.waitForEvent("download"), phone.getByRole("button", { name: "Unduh PDF" }).click()]);
  assert.match(download.suggestedFilename(), /\.pdf$/);
  const path = await download.path();
  await phone.goto(`${baseUrl}/permohonan/${code}`);
  await phone.getByRole("link", { name: "Halaman keaslian surat" }).click();
  await phone.getByRole("heading", { name: "BERLAKU" }).waitFor();
  const verification = new URL(phone.url()).pathname;
  const text = await phone.locator("main").textContent();
  assert.ok(!text.includes(who.nik) && !text.includes(who.name), "the holder is masked");
  await phone.goto(`${baseUrl}/periksa`);
  await phone.locator("#berkas").setInputFiles(path);
  await phone.getByRole("button", { name: "Periksa berkas" }).click();
  await phone.getByRole("heading", { name: "SAH", exact: true }).waitFor();
  assert.ok(addresses.every((address) => !address.includes(who.nik)));
  // axe needs scripts.
  const { page: reader } = await citizen();
  for (const one of [`/permohonan/${code}`, verification]) {
    await reader.goto(baseUrl + one);
    await sound(reader, one);
  }
  await context.close();
});

test("several letters are signed with one passphrase, each with its own result", async () => {
  const people = [resident(), resident()];
  for (const who of people) await toSign(who);
  const page = await desk("desa.kades", "/meja/tanda-tangan");
  for (const who of people) await page.locator(".sign-row", { hasText: who.name }).locator(".choice").click();
  await page.getByText("2 dipilih").waitFor();
  await page.getByLabel("Frasa sandi sertifikat Anda").fill(kades().passphrase);
  await page.getByRole("button", { name: "Tanda tangani 2 surat" }).click();
  await page.getByText("2 dari 2 surat ditandatangani.").waitFor({ timeout: 30_000 });
  for (const who of people) await page.locator(".sign-row[data-result=signed]", { hasText: who.name }).waitFor();
  assert.equal(await page.locator("#frasa").inputValue(), "");
});

/** The one-time code that the stand-in for the signing service sent last to the village head: its file is his inbox. */
function sentCode() {
  const inbox = readFileSync(join(dirname(process.env.MPP_ACCOUNTS), "bsre-simulator/kode-sekali-pakai.txt"), "utf8");
  return inbox.trim().split("\n").at(-1).split(" ")[1];
}

test("should 37: several letters are signed with one one-time code", async () => {
  const people = [resident(), resident(), resident()];
  for (const who of people) await toSign(who);
  const page = await desk("desa.kades", "/meja/tanda-tangan");
  const calls = [];
  page.on("request", (request) => { if (request.url().endsWith("/v1/applications:sign")) calls.push(request.postDataJSON()); });
  // By keyboard: from one way to the other.
  await page.getByRole("radio", { name: "Frasa sandi" }).focus();
  await page.keyboard.press("ArrowDown");
  const code = page.getByRole("textbox", { name: "Kode sekali pakai" });
  await code.waitFor();
  assert.ok(!(await page.locator("#frasa").isVisible()), "one way at a time");
  await page.getByRole("button", { name: "Minta kode" }).click();
  await page.getByText("Pilih dulu surat yang akan ditandatangani.").waitFor();
  const choose = (who) => page.locator(".sign-row", { hasText: who.name }).locator(".choice").click();
  for (const who of people.slice(0, 2)) await choose(who);
  await page.getByText("2 dipilih").waitFor();
  await page.getByRole("button", { name: "Minta kode" }).press("Enter");
  await page.getByText("Kode untuk 2 surat dikirim oleh layanan TTE.").waitFor();
  await sound(page, "one-time code");
  assert.ok(!(await page.content()).includes(sentCode()), "the code comes by another way");
  // More than it was asked for: it would be used up for nothing.
  await choose(people[2]);
  await code.fill(sentCode());
  await page.getByRole("button", { name: "Tanda tangani 3 surat" }).click();
  await page.getByText("Kode diminta untuk 2 surat saja.").waitFor();
  assert.equal(await code.inputValue(), "", "nothing stays on the page");
  assert.deepEqual(calls, []);
  await choose(people[2]);
  await code.fill("000000x");
  await code.press("Enter");
  await page.locator("#frasa-error", { hasText: "Kode sekali pakai salah" }).waitFor();
  await code.fill(sentCode());
  await code.press("Enter");
  await page.getByText("2 dari 2 surat ditandatangani.").waitFor({ timeout: 30_000 });
  for (const who of people.slice(0, 2)) await page.locator(".sign-row[data-result=signed]", { hasText: who.name }).waitFor();
  assert.deepEqual(calls.map(({ applications, passphrase }) => [applications.length, passphrase]), [[2, ""], [2, ""]], "one call for all");
  // It was good for that: the third waits.
  await choose(people[2]);
  await code.fill(sentCode());
  await code.press("Enter");
  await page.locator("#frasa-error", { hasText: "minta kode baru" }).waitFor();
});

test("should 37: the box on one letter takes a one-time code too", async () => {
  const who = resident();
  await toSign(who);
  const page = await desk("desa.kades", "/meja", { screen: SCREENS.phone });
  await open(page, who);
  await page.getByRole("link", { name: "Tanda tangani" }).click();
  const box = page.locator("#dlg-sign[open]");
  await box.getByText("Kode sekali pakai", { exact: true }).first().click();
  await box.getByRole("button", { name: "Minta kode" }).click();
  await box.getByText("Kode untuk 1 surat dikirim").waitFor();
  await sound(page, "code in the box");
  await box.getByRole("textbox", { name: "Kode sekali pakai" }).fill(sentCode());
  await box.getByRole("button", { name: "Tanda tangani" }).click();
  await page.getByText("Ditandatangani dan terbit").waitFor();
});

const FEE_TYPE = "penghasilan";

/** Sets what a shipped type costs as an administrator does, on its page; a second person publishes it. */
async function costs(amount, { look = false } = {}) {
  const editor = await desk("surat.editor", `/jenis-surat/${FEE_TYPE}`);
  await editor.getByText("Biaya (retribusi)").click();
  // The form comes disabled until its script has read the definition.
  await editor.locator("#biaya-tulis:enabled").waitFor({ state: "attached" });
  await editor.getByLabel("Biaya dalam rupiah").fill(String(amount));
  const write = editor.getByRole("button", { name: "Tulis ke definisi" });
  if (amount > 0) {
    // What an earlier run of this test has left behind.
    await editor.getByLabel("Dasar hukum").fill("");
    await write.click();
    await editor.getByText("tanpa dasar hukum tidak boleh dipungut biaya").waitFor();
    await editor.getByLabel("Dasar hukum").fill('Perda "CONTOH" Nomor 1 Tahun 2024 Pasal 5');
    await editor.getByLabel("Batas waktu membayar (hari)").fill("14");
    await editor.getByLabel(/Cara dan tempat membayar, bahasa Indonesia/).fill("Bayar di loket kas desa.");
    await editor.getByLabel(/Cara dan tempat membayar, bahasa Inggris/).fill("Pay at the cash desk.");
    if (look) await sound(editor, "fee of a type");
  }
  await write.press("Enter");
  await editor.getByText("Ditulis ke definisi.").waitFor();
  await editor.getByRole("button", { name: "Simpan draf" }).click();
  await editor.locator(".note.info[role=status]").first().waitFor();
  // What was written is read again.
  await editor.locator("#biaya-tulis:enabled").waitFor({ state: "attached" });
  assert.equal(await editor.locator("#biaya-jumlah").inputValue(), String(amount));
  if (amount > 0) assert.equal(await editor.locator("#biaya-dasar").inputValue(), 'Perda "CONTOH" Nomor 1 Tahun 2024 Pasal 5');
  const publisher = await desk("surat.penerbit", `/jenis-surat/${FEE_TYPE}`);
  await publisher.getByRole("button", { name: "Terbitkan" }).click();
  await publisher.locator(".note.info[role=status]").first().waitFor();
}

/** An application that waits for its fee. */
async function unpaid() {
  const who = resident();
  const { page, context } = await citizen();
  const code = await apply(page, who, FEE_TYPE);
  await context.close();
  await approvedAlready(who, ["rt.002", "desa.staf"]);
  return { who, code };
}

test("should 47: a fee is set from the pages, paid with a receipt, or waived with a reason", async () => {
  provoke(/400/);
  await costs(25_000, { look: true });
  try {
    const { who, code } = await unpaid();
    const page = await desk("desa.staf");
    await open(page, who);
    await page.getByText("Rp25.000").first().waitFor();
    assert.equal(await page.getByRole("button", { name: "Bebaskan" }).count(), 0, "only the head waives");
    // By keyboard alone.
    await page.locator("[data-verb=recordPayment]:enabled").focus();
    await page.keyboard.press("Enter");
    const dialog = page.locator("#dlg-payment[open]");
    await dialog.waitFor();
    await sound(page, "payment");
    await page.keyboard.press("Escape");
    await page.locator("#dlg-payment").waitFor({ state: "hidden" });
    await page.keyboard.press("Enter");
    await dialog.waitFor();
    await page.locator("#pay-amount").focus();
    await page.keyboard.type("20000");
    await page.keyboard.press("Tab");
    await page.keyboard.type("Tunai");
    await page.locator("#pay-time").fill(new Date(Date.now() + 7 * 3_600_000).toISOString().slice(0, 16));
    const sent = [];
    page.on("request", (request) => { if (request.url().endsWith(":recordPayment")) sent.push(request.postDataJSON()); });
    await page.locator("#dlg-payment button[value=ok]").press("Enter");
    assert.equal(await page.locator(":focus").getAttribute("id"), "pay-amount", "another amount is no payment");
    await page.locator("#pay-amount").fill("25000");
    await page.locator("#pay-amount").press("Enter");
    assert.equal(await page.locator(":focus").getAttribute("id"), "pay-reference", "no payment without its receipt");
    assert.deepEqual(sent, []);
    const id = await page.locator("#permohonan").getAttribute("data-id");
    const bare = { amount: "25000", method: "PAYMENT_METHOD_CASH", payTime: new Date().toISOString() };
    const told = await (await api(account("desa.staf"))).post(`/v1/applications/${id}:recordPayment`, bare, 400);
    assert.deepEqual(told.violations.map((one) => one.field), ["reference"]);
    await page.locator("#pay-reference").focus();
    await page.keyboard.type(`KW-${who.nik.slice(8)}`);
    await page.keyboard.press("Enter");
    await page.getByText("Tersimpan.").waitFor();
    assert.equal(sent.length, 1);
    await page.getByText("Menunggu tanda tangan").first().waitFor();
    const head = await desk("desa.kades");
    await open(head, who);
    await head.getByRole("link", { name: "Tanda tangani" }).click();
    await head.locator("#frasa").fill(kades().passphrase);
    await head.locator("#sign-ok").click();
    await head.getByText("Ditandatangani dan terbit").waitFor();
    const { page: phone } = await citizen();
    await phone.goto(`${baseUrl}/permohonan/${code}`);
    await phone.getByText(/Sudah dibayar pada/).first().waitFor();

    const poor = await unpaid();
    const boss = await desk("desa.kades");
    await open(boss, poor.who);
    await boss.locator("[data-verb=waivePayment]:enabled").focus();
    await boss.keyboard.press("Enter");
    const why = boss.locator("#dlg-reason[open]");
    await why.waitFor();
    await sound(boss, "waiver");
    await boss.getByLabel("Alasan").fill("miskin");
    await boss.locator("#reason-ok").press("Enter");
    assert.ok(await why.isVisible(), "a reason is more than a word");
    await boss.getByLabel("Alasan").fill("Keluarga miskin dibebaskan menurut Perda CONTOH.");
    await boss.locator("#reason-ok").press("Enter");
    await boss.getByText("Tersimpan.").waitFor();
    await boss.getByText("Menunggu tanda tangan").first().waitFor();
    await phone.goto(`${baseUrl}/permohonan/${poor.code}`);
    await phone.getByText("Keluarga miskin dibebaskan menurut Perda CONTOH.").first().waitFor();
    await sound(phone, "a waived fee");
  } finally {
    await costs(0);
  }
});

test("a passphrase goes out once, though the line breaks, and the page asks what became of it", async () => {
  provoke(/ERR_FAILED/);
  const who = resident();
  await toSign(who);
  const page = await desk("desa.kades", "/meja/tanda-tangan");
  const asked = [];
  let sent = 0;
  await page.route("**/v1/applications:sign", async (route) => {
    sent += 1;
    // It arrives and is worked on; the answer is lost.
    await route.fetch();
    await route.abort();
  });
  page.on("request", (one) => { if (one.url().includes("/v1/signings/")) asked.push(one); });
  await page.locator(".sign-row", { hasText: who.name }).locator(".choice").click();
  await page.getByLabel("Frasa sandi sertifikat Anda").fill(kades().passphrase);
  await page.getByRole("button", { name: "Tanda tangani 1 surat" }).click();
  await page.locator(".sign-row[data-result=signed]", { hasText: who.name }).waitFor({ timeout: 30_000 });
  assert.equal(sent, 1);
  assert.ok(asked.length >= 1 && asked.every((one) => one.method() === "GET"));
});

test("should 45: a letter is signed by hand by keyboard, and every page says that it is no TTE", async () => {
  provoke(/400/);
  const who = resident();
  const code = await toSign(who);
  const page = await desk("desa.kades");
  await open(page, who);
  const id = await page.locator("#permohonan").getAttribute("data-id");
  await page.getByRole("link", { name: "Tanda tangan basah" }).click();
  await page.getByRole("heading", { name: "Tanda tangan basah", exact: true }).waitFor();
  await sound(page, "basah: pilih");
  await page.getByLabel("Mengapa tidak secara elektronik?").focus();
  await page.keyboard.press("Control+A");
  await page.keyboard.type("Sertifikat kepala desa belum terbit");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByText("Lembar cetak siap.").waitFor();
  await sound(page, "basah: lembar");
  const sheet = await page.request.get(baseUrl + (await page.getByRole("link", { name: "Buka lembar cetak" }).getAttribute("href")));
  assert.equal(sheet.headers()["content-type"], "application/pdf");

  // Somebody else of the office scans it, on a phone and without a script; what is no scan is told where it was chosen.
  const staff = await desk("desa.staf", `/meja/${id}/basah`, { screen: SCREENS.phone, javaScriptEnabled: false });
  const choose = (content, name = "pindaian.png") => staff.locator("#berkas").setInputFiles({ name, mimeType: "image/png", buffer: content });
  await choose(Buffer.from("bukan gambar"), "catatan.png");
  await staff.getByRole("button", { name: "Unggah" }).press("Enter");
  await staff.locator("#berkas-error").waitFor();
  const scan = Buffer.concat([PHOTO, crypto.getRandomValues(new Uint8Array(16))]);
  await choose(scan);
  await staff.getByRole("button", { name: "Unggah" }).press("Enter");
  await staff.getByText("Hasil pindai tersimpan.").waitFor();
  await staff.getByText("Menunggu disahkan oleh pejabat yang berwenang").waitFor();
  assert.equal(await staff.getByRole("button", { name: "Sahkan hasil pindai" }).count(), 0);

  // The second look: the number is read from the scan, not from the page.
  const { application } = await (await api(kades())).get(`/v1/applications/${id}`);
  const number = application.numbers.find((one) => !one.void).text;
  await page.goto(`${baseUrl}/meja/${id}`);
  await page.getByText("BUKAN TANDA TANGAN ELEKTRONIK (TTE)").waitFor();
  await page.getByRole("link", { name: "Lanjutkan tanda tangan basah" }).click();
  await page.getByRole("img", { name: "Hasil pindai surat yang ditandatangani" }).waitFor();
  assert.ok(!(await page.locator("main").textContent()).includes(number));
  await sound(page, "basah: sahkan");
  await page.getByLabel("Nomor pada hasil pindai").fill("1/2026");
  await page.keyboard.press("Enter");
  await page.locator("#nomor-error").waitFor();
  await sound(page, "basah: nomor lain");
  await page.getByLabel("Nomor pada hasil pindai").fill(number);
  await page.keyboard.press("Enter");
  await page.getByText("Hasil pindai disahkan.").waitFor();
  await sound(page, "basah: terbit");
  await page.goto(`${baseUrl}/meja/${id}`);
  await sound(page, "meja: ditandatangani basah");

  // What everybody reads: in force, and no electronic signature.
  const { page: phone } = await citizen();
  await phone.goto(`${baseUrl}/permohonan/${code}`);
  await phone.getByText("BUKAN TANDA TANGAN ELEKTRONIK (TTE)").waitFor();
  await sound(phone, "lacak: ditandatangani basah");
  await phone.getByRole("link", { name: "Halaman keaslian surat" }).click();
  await phone.getByRole("heading", { name: "BERLAKU" }).waitFor();
  await phone.getByText("Surat ini ditandatangani basah; hasil pindainya diunggah oleh").waitFor();
  await sound(phone, "keaslian: ditandatangani basah");
  const check = async (content) => {
    await phone.goto(`${baseUrl}/periksa`);
    await phone.locator("#berkas").setInputFiles({ name: "pindaian.png", mimeType: "image/png", buffer: content });
    await phone.getByRole("button", { name: "Periksa berkas" }).click();
  };
  await check(scan);
  await phone.getByRole("heading", { name: "SAMA DENGAN YANG TERCATAT" }).waitFor();
  await sound(phone, "periksa: hasil pindai");
  assert.ok(!/\bSAH\b/.test(await phone.locator("main").textContent()), "it is not called signed");
  await check(Buffer.concat([scan, Buffer.from([0])]));
  await phone.getByRole("heading", { name: "BUKAN DARI KAMI" }).waitFor();
});

test("should 46: the report counts by office and type, and comes as a table for spreadsheets", async () => {
  const who = resident();
  await toSign(who);
  // Without a script.
  const { page } = await (async () => {
    const context = await person(account("desa.kades"), { javaScriptEnabled: false });
    return { page: await context.newPage() };
  })();
  await page.goto(`${baseUrl}/meja/dokumen`);
  await page.getByRole("link", { name: "Laporan surat" }).click();
  const row = page.getByRole("row", { name: /Surat Keterangan Tidak Mampu/ });
  await row.first().waitFor();
  assert.ok(Number(await row.first().locator("td").nth(1).textContent()) > 0, "something came");
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: /Unduh untuk lembar kerja/ }).click()]);
  assert.match(file.suggestedFilename(), /^laporan-surat-\d{4}-\d\d-01-.*\.csv$/);
  const text = readFileSync(await file.path(), "utf8");
  assert.match(text, /^\ufeff"Kantor";"Jenis surat";"Masuk"/);
  assert.ok(text.includes('"Surat Keterangan Tidak Mampu"') && !text.includes(who.name) && !text.includes(who.nik));
  await page.getByLabel("Sampai tanggal").fill("2020-01-01");
  provoke(/400/);
  await page.getByRole("button", { name: "Tampilkan" }).click();
  await page.getByText("paling lama 366 hari").waitFor();
  const seen = await desk("desa.kades", "/meja/laporan");
  await sound(seen, "report");
  // Every number is on the screen: nothing hides beside it.
  for (const screen of [SCREENS.phone, SCREENS.small]) {
    await seen.setViewportSize(screen);
    const [wide, shown] = await seen.locator(".scroll").evaluate((node) => [node.scrollWidth, node.clientWidth]);
    assert.ok(wide <= shown, `the table is ${wide} px wide and ${shown} px are shown`);
  }
  assert.equal(await seen.locator("tr.total td").first().evaluate((node) => getComputedStyle(node, "::before").content), "none", "on a tablet the heads stand above");
  await seen.setViewportSize(SCREENS.phone);
  assert.equal(await seen.locator("tr.total td").first().evaluate((node) => getComputedStyle(node, "::before").content), '"Masuk"', "on a phone each number has its word");
});

for (const [lang, screen] of [["id", "phone"], ["en", "small"]]) {
  test(`what OSS was told of a licence stands at the desk, passes axe and fits the screen (${lang}, ${screen})`, async () => {
    const integrator = await api(account("sistem.perizinan"));
    // At most 25 characters.
    const idIzin = `I-${Date.now()}`;
    const nib = "1234567890123";
    const dataNIB = {
      nib,
      oss_id: `OSS-${idIzin}`,
      nama_perseroan: "PT Contoh Kopi Lebong",
      alamat_perseroan: "Jalan Lintas Curup Nomor 8",
      penanggung_jwb: [{ nama_penanggung_jwb: "Siti Aminah Contoh", no_identitas_penanggung_jwb: resident().nik }],
      data_proyek: [{ id_proyek: `R-${idIzin}`, kbli: "10761" }],
      data_checklist: [{ id_proyek: `R-${idIzin}`, id_izin: idIzin, jenis_izin: "04", kd_izin: "033000000001", kd_daerah: "1707000000", kewenangan: "02", nama_izin: "Sertifikat standar industri pengolahan kopi" }],
    };
    const { request } = await person();
    const taken = await request.post(`${baseUrl}/oss/v1/receiveNIB`, { data: { dataNIB }, headers: { token: ossToken(nib) } });
    assert.match(await taken.text(), /"status":"1"/);
    const licences = [];
    for (let pageToken = ""; ;) {
      const one = await integrator.get(`/v1/licences?pageSize=200&pageToken=${encodeURIComponent(pageToken)}`);
      licences.push(...one.licences);
      pageToken = one.nextPageToken;
      if (!pageToken) break;
    }
    const licence = licences.find((one) => one.idIzin === idIzin);
    const verifier = await api(account("dpmptsp.verifikator"));
    await verifier.post(`/v1/licences/${licence.id}:updateStatus`, { statusCode: "20", officialName: "Rizky Pratama, S.T." });
    const page = await desk("dpmptsp.verifikator", `/meja/${licence.applicationId}?lang=${lang}`, { screen: SCREENS[screen] });
    const panel = page.getByRole("region", { name: "OSS" });
    await panel.locator("li").first().waitFor();
    await sound(page, "licence of OSS");
  });
}

test("a press is sent with one key until it is answered, and says so meanwhile", async () => {
  provoke(/ERR_FAILED/);
  const { page: form } = await citizen();
  const who = resident();
  await apply(form, who);
  const page = await desk("rt.002");
  await open(page, who);
  const keys = [];
  await page.route("**/v1/applications/*:approve", async (route) => {
    keys.push(route.request().headers()["idempotency-key"]);
    if (keys.length === 1) {
      await route.fetch();
      await route.abort();
    } else await route.continue();
  });
  await page.getByRole("button", { name: "Setujui" }).dblclick();
  await page.getByText(/Terkirim, menunggu konfirmasi/).waitFor();
  await page.getByText("Disetujui.").waitFor();
  assert.ok(keys.length > 1 && new Set(keys).size === 1, "one key for one press");
});

test("what is returned is corrected by the citizen without JavaScript", async () => {
  const { page: form, context } = await citizen({ javaScriptEnabled: false });
  const who = resident();
  const code = await apply(form, who);
  const page = await desk("rt.002");
  await open(page, who);
  await page.getByRole("button", { name: "Kembalikan" }).click();
  await page.getByLabel("Alasan").fill("Foto tidak terbaca, unggah yang lebih terang.");
  await page.locator("#reason-ok").click();
  await page.getByText("Tersimpan.").waitFor();
  await form.goto(`${baseUrl}/permohonan/${code}`);
  await form.locator(".reason", { hasText: "Foto tidak terbaca" }).waitFor();
  await form.getByRole("link", { name: "Perbaiki dan kirim lagi" }).click();
  const empty = form.locator("[aria-labelledby=bagian-isi] input:visible:not([type=radio])").first();
  assert.equal(await empty.inputValue(), "", "nothing is told to who has the code alone");
  await form.locator("#isi-nik").fill(who.nik);
  await form.getByRole("button", { name: "Isi otomatis" }).click();
  await form.getByText("Terisi dengan yang Anda kirim sebelumnya").waitFor();
  // Everything is there again: one photo is exchanged, nothing is typed.
  const papers = form.locator(".paper:has(input[type=hidden])");
  assert.ok(await papers.count() > 1 && await papers.count() === await form.locator(".paper").count(), "every file is kept");
  assert.notEqual(await empty.inputValue(), "");
  await papers.first().locator("input[type=file]").setInputFiles({ name: "terang.png", mimeType: "image/png", buffer: PHOTO });
  await form.getByRole("button", { name: "Kirim perbaikan" }).click();
  await form.getByRole("heading", { name: "Sedang diperiksa" }).waitFor();
  await context.close();
  // Colleagues read who did what by name, never by id.
  await page.reload();
  await page.getByText("Riwayat", { exact: true }).click();
  const history = await page.locator(".history").textContent();
  assert.ok(history.includes(await page.locator(".who").textContent().then((name) => name.trim())), history);
  assert.ok(!history.includes("acc_"), history);
});

test("an issued letter is found, corrected and revoked, without JavaScript", async () => {
  provoke(/400/);
  const who = resident();
  const code = await toSign(who);
  const page = await desk("desa.kades");
  await open(page, who);
  await page.goto(`${page.url().split("#")[0]}#tanda-tangan`);
  await page.reload();
  await page.getByLabel("Frasa sandi sertifikat Anda").fill(kades().passphrase);
  await page.locator("#sign-ok").click();
  await page.getByText("Ditandatangani dan terbit").waitFor();
  await page.getByRole("link", { name: "Buka surat terbit" }).click();
  const number = await page.locator(".doc-facts dd").first().textContent();
  const address = page.url();

  const plain = await desk("desa.kades", "/meja/dokumen", { javaScriptEnabled: false });
  await plain.getByLabel("Nomor surat atau kode verifikasi").fill(number);
  await plain.getByRole("button", { name: "Cari" }).click();
  assert.equal(await plain.locator(".worklist .work").count(), 1);
  await plain.locator(".work-link").click();
  assert.equal(plain.url(), address);
  await plain.getByRole("link", { name: "Perbaiki" }).click();
  assert.equal(await plain.locator("#nama").inputValue(), who.name);
  await plain.locator("#nama").fill(`${who.name}h`);
  await plain.getByRole("button", { name: "Mulai perbaikan" }).last().click();
  await plain.locator("#galat").waitFor();
  assert.equal(await plain.locator("#nama").inputValue(), `${who.name}h`, "what was typed is kept");
  await plain.getByLabel("Yang keliru").fill("Nama keliru ditulis petugas.");
  await plain.getByRole("button", { name: "Mulai perbaikan" }).last().click();
  await plain.locator("#permohonan").waitFor();
  assert.match(await plain.locator("#permohonan").textContent(), new RegExp(`${who.name}h`));

  await plain.goto(address);
  await plain.locator("summary", { hasText: "Cabut" }).click();
  await plain.getByLabel("Alasan").fill("Terbit atas data yang keliru.");
  await plain.getByRole("button", { name: "Cabut" }).click();
  await plain.getByText("DICABUT").first().waitFor();
  assert.equal(await plain.getByRole("button", { name: "Cabut" }).count(), 0);
  const { page: reader } = await citizen();
  await reader.goto(`${baseUrl}/permohonan/${code}`);
  await reader.getByRole("link", { name: "Halaman keaslian surat" }).click();
  await reader.getByRole("heading", { name: "DICABUT" }).waitFor();
});

test("the desk is for officials, and the editor for editors", async () => {
  provoke(/403/);
  const nobody = await (await person()).newPage();
  await nobody.goto(`${baseUrl}/meja`);
  await nobody.waitForURL(/\/masuk\?ke=/);
  const page = await desk("desa.staf", "/jenis-surat");
  await page.getByRole("heading", { name: "Akun ini tidak berhak" }).waitFor();
});

test("a type is edited, shown, and refused with its defects", async () => {
  const page = await desk("surat.editor", "/jenis-surat/belum_menikah");
  const template = page.getByLabel("Templat (Typst)");
  // What an earlier run of this test has left behind.
  await template.fill((await template.inputValue()).replace(/\n.*tidak_ada.*/g, ""));
  const [preview] = await Promise.all([page.waitForEvent("popup"), page.getByRole("button", { name: "Pratinjau" }).click()]);
  await preview.waitForLoadState().catch(() => undefined);
  await preview.close();
  await template.fill(`${await template.inputValue()}\n#data.fields.tidak_ada_isian_ini\n`);
  await page.getByText("Ada perubahan yang belum disimpan.").waitFor();
  await page.getByRole("button", { name: "Simpan draf" }).click();
  await page.getByText(/Belum dapat diterbitkan|Tidak tersimpan/).first().waitFor();
  await page.getByText(/tidak_ada_isian_ini/).first().waitFor();
});

for (const [lang, screen] of [["id", "phone"], ["en", "tablet"]]) {
  test(`the desk passes axe and fits the screen (${lang}, ${screen})`, async () => {
    const who = resident();
    await toSign(who);
    const page = await desk("desa.kades", `/meja?lang=${lang}`, { screen: SCREENS[screen] });
    for (const path of ["/meja", "/meja?tab=tanda-tangan", "/meja?tab=terlambat", "/meja/tanda-tangan"]) {
      await page.goto(baseUrl + path);
      await sound(page, path);
    }
    await open(page, who);
    await sound(page, "application");
    await page.goto(`${page.url().split("#")[0]}#tanda-tangan`);
    await page.reload();
    await page.locator("#dlg-sign[open]").waitFor();
    await sound(page, "signing box");
    await page.locator("#frasa").fill(kades().passphrase);
    await page.locator("#sign-ok").click();
    await page.locator("a[href^='/meja/dokumen/']").waitFor();
    const address = await page.locator("a[href^='/meja/dokumen/']").last().getAttribute("href");
    for (const path of ["/meja/dokumen", "/meja/dokumen?cari=tidakada", address, `${address}/perbaiki`]) {
      await page.goto(baseUrl + path);
      await page.evaluate(() => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
      await sound(page, path);
    }
    const editor = await desk("surat.editor", `/jenis-surat?lang=${lang}`, { screen: SCREENS[screen] });
    await sound(editor, "types");
    await editor.goto(`${baseUrl}/jenis-surat/sktm`);
    await sound(editor, "editor");
    const admin = await desk("admin", `/kantor?lang=${lang}`, { screen: SCREENS[screen] });
    await sound(admin, "offices");
    for (const area of ["17.07", "17.07/dinkes"]) {
      await admin.goto(`${baseUrl}/kantor/lambang?wilayah=${encodeURIComponent(area)}`);
      await admin.evaluate(() => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
      await sound(admin, `letterhead of ${area}`);
    }
  });
}
