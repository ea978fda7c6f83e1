// What visitors meet: the kiosk, the form on the own phone, the ticket page.
import assert from "node:assert/strict";
import { test } from "node:test";
import { account, api, baseUrl, callOut, device, eventually, hallId, issue, person, phoneNumber, provoke, SCREENS, useBrowser } from "./suite.js";

useBrowser();

async function kiosk(setup = async () => {}) {
  const context = await person(device("kiosk"), { screen: SCREENS.kiosk });
  const page = await context.newPage();
  await page.addInitScript(() => {
    window.print = () => {
      if (window.broken) return;
      window.dispatchEvent(new Event("beforeprint"));
      window.printed = (window.printed ?? 0) + 1;
    };
  });
  await setup(page, context);
  await page.goto(`${baseUrl}/kiosk`);
  await page.locator("button.kiosk-card").first().waitFor();
  return { page, context };
}

const toConfirm = async (page, agency) => {
  await page.getByRole("button", { name: agency }).click();
  await page.locator(".kiosk-grid.wide button").first().click();
  await page.getByRole("button", { name: "Ambil nomor" }).waitFor();
};

test("a double tap and a lost answer at the kiosk give one ticket", async () => {
  provoke(/ERR_FAILED/);
  const keys = [];
  const { page } = await kiosk((page) => page.route("**/tickets", async (route) => {
    keys.push(route.request().headers()["idempotency-key"]);
    if (keys.length === 1) {
      await route.fetch();
      await route.abort();
    } else await route.continue();
  }));
  await toConfirm(page, /Kejaksaan Negeri/);
  const before = await waiting("KEJARI-");
  await page.getByRole("button", { name: "Ambil nomor" }).dblclick();
  await page.getByText(/Terkirim, menunggu konfirmasi/).waitFor();
  await page.locator(".result-number").waitFor();
  assert.equal(new Set(keys).size, 1, "one key for one intention");
  assert.equal(await waiting("KEJARI-"), before + 1);
});

/** The kiosk with other times than its own: they are data attributes of the page, in seconds. */
const withTimes = (page, times) => page.route("**/kiosk", async (route) => {
  const answer = await route.fetch();
  const body = Object.entries(times).reduce((text, [name, value]) => text.replace(new RegExp(`data-${name}="\\d+"`), `data-${name}="${value}"`), await answer.text());
  await route.fulfill({ response: answer, body });
});

test("a press whose answer is long in coming is kept, shown when it comes, and named when nobody is there", async () => {
  provoke(/ERR_FAILED/);
  const keys = [];
  let reachable = false;
  const { page } = await kiosk(async (page) => {
    await withTimes(page, { idle: 3, warn: 1, result: 3, patience: 2 });
    await page.route("**/tickets", async (route) => {
      keys.push(route.request().headers()["idempotency-key"]);
      if (reachable) return route.continue();
      // The first try is done, and its answer lost.
      if (keys.length === 1) await route.fetch();
      await route.abort();
    });
  });
  const before = await waiting("KEJARI-");
  await toConfirm(page, /Kejaksaan Negeri/);
  await page.getByRole("button", { name: "Ambil nomor" }).click();
  await page.getByText(/Belum ada jawaban dari server/).waitFor();
  await page.waitForTimeout(5_000);
  assert.ok(await page.getByText(/Belum ada jawaban dari server/).isVisible(), "the idle time-out does not drop the press");
  reachable = true;
  const number = await page.locator(".result-number").textContent();
  assert.ok(keys.length > 2);
  assert.equal(new Set(keys).size, 1, "one key for one intention");
  assert.equal(await waiting("KEJARI-"), before + 1);
  // Nobody touches it: who comes back, or an officer, finds the number.
  await page.getByRole("heading", { name: "Selamat datang" }).waitFor();
  await page.locator("#untaken", { hasText: number }).waitFor();
});

/** What the kiosk would find after a crash of its browser. */
const remembered = (page) => page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }));

test("a reload in the middle of a press gives the ticket of that press, once", async () => {
  provoke(/ERR_FAILED|ERR_ABORTED/);
  const keys = [];
  let sees;
  const seen = new Promise((resolve) => { sees = resolve; });
  const { page } = await kiosk((page) => page.route("**/tickets", async (route) => {
    keys.push(route.request().headers()["idempotency-key"]);
    if (keys.length > 1) return route.continue();
    // It is done, and the browser goes down before the answer comes.
    await route.fetch();
    sees();
  }));
  const before = await waiting("KEJARI-");
  await toConfirm(page, /Kejaksaan Negeri/);
  await page.getByRole("button", { name: "Ambil nomor" }).click();
  await seen;
  await page.reload();
  const number = await page.locator(".result-number").textContent();
  await page.getByText("Struk dikirim ke printer. Ambil struk Anda.").waitFor();
  assert.equal(await page.evaluate(() => window.printed), 1);
  assert.deepEqual([keys.length, new Set(keys).size], [2, 1], "the same key again");
  assert.equal(await waiting("KEJARI-"), before + 1);

  // Once more while the number is shown: the same number, and no second receipt.
  await page.reload();
  await page.locator(".result-number", { hasText: number }).waitFor();
  await page.getByRole("button", { name: "Struk tidak keluar" }).waitFor();
  assert.equal(await page.evaluate(() => window.printed), undefined);
  await page.getByRole("button", { name: "Selesai" }).click();
  await page.getByRole("heading", { name: "Selamat datang" }).waitFor();
  assert.equal(await page.locator("#untaken").count(), 0, "it was taken");
  // Settled: the next visitor finds the start, whatever happens to the browser.
  await page.reload();
  await page.locator("button.kiosk-card").first().waitFor();
  assert.equal(new Set(keys).size, 1);
  assert.equal(await waiting("KEJARI-"), before + 1);
});

test("a press that is kept over a reload holds no phone number, and is settled without it", async () => {
  provoke(/ERR_FAILED|ERR_ABORTED|400/);
  const { page } = await kiosk();
  for (const arrives of [true, false]) {
    const digits = phoneNumber();
    let sees;
    const seen = new Promise((resolve) => { sees = resolve; });
    let first = "";
    await page.route("**/tickets", async (route) => {
      if (first) return route.continue();
      first = "?";
      if (arrives) first = (await (await route.fetch()).json()).ticket.number;
      sees();
    });
    await toConfirm(page, /Kantor Imigrasi/);
    for (const digit of digits) await page.locator(".keypad").getByRole("button", { name: digit, exact: true }).click();
    await page.getByRole("button", { name: "Ambil nomor" }).click();
    await seen;
    const kept = await remembered(page);
    assert.match(kept, /serviceId/, "the press is kept");
    assert.ok(!kept.includes(digits.slice(1)), "and not whose it is");
    await page.reload();
    if (arrives) {
      assert.equal(await page.locator(".result-number").textContent(), first);
      await page.getByRole("button", { name: "Selesai" }).click();
    } else {
      // It never arrived: no ticket for nobody, and the visitor is asked again.
      await page.getByText("Isi nomor telepon Anda untuk mengambil nomor antrean.").waitFor();
      assert.ok(await page.locator("#phone").isVisible());
    }
    await page.unroute("**/tickets");
  }
});

test("a number that was taken by mistake is given back at the kiosk at once, and counts for no limit", async () => {
  provoke(/ERR_FAILED/);
  const { page } = await kiosk();
  const digits = phoneNumber();
  const take = async () => {
    await toConfirm(page, /Kantor Imigrasi/);
    for (const digit of digits) await page.locator(".keypad").getByRole("button", { name: digit, exact: true }).click();
    const [answer] = await Promise.all([page.waitForResponse((one) => one.url().endsWith("/tickets")), page.getByRole("button", { name: "Ambil nomor" }).click()]);
    await page.locator(".result-number").waitFor();
    return (await answer.json()).ticket;
  };
  const manager = await api(account("manajer"));
  const state = async ({ id }) => (await manager.get(`/v1/tickets/${id}`)).ticket.state;

  const mistaken = await take();
  await page.getByRole("button", { name: "Batalkan tiket ini" }).click();
  const dialog = page.getByRole("dialog", { name: `Batalkan nomor ${mistaken.number}?` });
  await dialog.getByRole("button", { name: "Tidak, simpan nomor ini" }).click();
  assert.equal(await state(mistaken), "TICKET_STATE_WAITING", "asked first");
  await page.getByRole("button", { name: "Batalkan tiket ini" }).click();
  // The answer is lost once: the same press again.
  const keys = [];
  await page.route("**/*:void", async (route) => {
    keys.push(route.request().headers()["idempotency-key"]);
    if (keys.length > 1) return route.continue();
    await route.fetch();
    await route.abort();
  });
  await dialog.getByRole("button", { name: "Salah pilih layanan" }).dblclick();
  await page.getByRole("heading", { name: `Nomor ${mistaken.number} dibatalkan` }).waitFor();
  assert.deepEqual([keys.length, new Set(keys).size], [2, 1]);
  assert.equal(await state(mistaken), "TICKET_STATE_CANCELLED");
  assert.equal(await page.locator("#print").textContent(), "", "its receipt cannot be printed any more");
  await page.reload();
  await page.getByRole("heading", { name: "Selamat datang" }).waitFor();

  // The same person, once a day at this agency: as if the first had not been taken.
  const right = await take();
  assert.notEqual(right.number, mistaken.number);
  // A reload between the press and its answer: the number is given back, not shown as good.
  await page.unroute("**/*:void");
  let sees;
  const seen = new Promise((resolve) => { sees = resolve; });
  await page.route("**/*:void", async (route) => {
    await route.fetch();
    sees();
  }, { times: 1 });
  await page.getByRole("button", { name: "Batalkan tiket ini" }).click();
  await page.getByRole("button", { name: "Tidak jadi mengantre" }).click();
  await seen;
  await page.reload();
  await page.getByRole("heading", { name: `Nomor ${right.number} dibatalkan` }).waitFor();
  await page.getByRole("button", { name: "Selesai" }).click();
  await page.getByRole("heading", { name: "Selamat datang" }).waitFor();
});

test("who keeps the number after all while the answer is missing sees what became of it, also after a reload", async () => {
  provoke(/ERR_FAILED/);
  for (const arrives of [false, true]) {
    const { page, context } = await kiosk((page) => withTimes(page, { idle: 60, warn: 45, result: 60, patience: 1 }));
    await toConfirm(page, /Pengadilan Agama/);
    const [answer] = await Promise.all([page.waitForResponse((one) => one.url().endsWith("/tickets")), page.getByRole("button", { name: "Ambil nomor" }).click()]);
    const { ticket } = await answer.json();
    let tries = 0;
    await page.route("**/*:void", async (route) => {
      tries += 1;
      if (arrives && tries === 1) await route.fetch();
      await route.abort();
    });
    await page.getByRole("button", { name: "Batalkan tiket ini" }).click();
    await page.getByRole("button", { name: "Salah pilih layanan" }).click();
    await page.getByText(/Belum ada jawaban dari server: nomor ini mungkin masih dalam antrean/).waitFor();
    assert.match(await remembered(page), /takenBack/);
    await page.getByRole("button", { name: "Tidak, simpan nomor ini" }).click();
    if (arrives) await page.getByRole("heading", { name: `Nomor ${ticket.number} dibatalkan` }).waitFor();
    else {
      await eventually(async () => assert.doesNotMatch(await remembered(page), /takenBack|doubted/));
      await page.unroute("**/*:void");
      await page.reload();
      await page.locator(".result-number", { hasText: ticket.number }).waitFor();
      await page.waitForTimeout(1_000);
      assert.ok(await page.locator(".result-number").isVisible());
    }
    const { ticket: now } = await (await api(account("manajer"))).get(`/v1/tickets/${ticket.id}`);
    assert.equal(now.state, arrives ? "TICKET_STATE_CANCELLED" : "TICKET_STATE_WAITING");
    await context.close();
  }
});

test("a press that the server failed at is offered again as it was, and becomes one ticket", async () => {
  provoke(/500|ERR_ABORTED/);
  const sent = [];
  let fails = true;
  const { page } = await kiosk((page) => page.route("**/tickets", async (route) => {
    sent.push([route.request().headers()["idempotency-key"], route.request().postData()]);
    if (!fails) return route.continue();
    // It is done, and the server fails while it answers.
    if (sent.length === 1) await route.fetch();
    await route.fulfill({ status: 500, contentType: "application/problem+json", body: JSON.stringify({ reason: "INTERNAL", detail: "Kesalahan pada server." }) });
  }));
  const before = await waiting("KEJARI-");
  await toConfirm(page, /Kejaksaan Negeri/);
  await page.getByRole("button", { name: "Ambil nomor" }).click();
  const again = page.getByRole("button", { name: "Coba lagi" });
  await again.waitFor();
  await page.getByText("Kesalahan pada server.").waitFor();
  assert.equal(await page.locator("#take, .back").count(), 0, "nothing else can be chosen before its fate is known");
  await again.click();
  await again.and(page.locator(":enabled")).waitFor();
  // Also over a reload, and in another language.
  await page.reload();
  await again.waitFor();
  await page.getByRole("button", { name: "English" }).click();
  await page.getByRole("button", { name: "Try again" }).waitFor();
  fails = false;
  await page.getByRole("button", { name: "Try again" }).click();
  await page.locator(".result-number").waitFor();
  assert.equal(sent.length, 4);
  assert.equal(new Set(sent.map(String)).size, 1, "the same press under the same key");
  assert.equal(await waiting("KEJARI-"), before + 1);
});

test("a kiosk whose storage takes nothing gives numbers all the same", async () => {
  for (const method of ["setItem", "getItem"]) {
    const { page, context } = await kiosk((page) => page.addInitScript((name) => {
      Storage.prototype[name] = () => { throw new DOMException("full", "QuotaExceededError"); };
    }, method));
    await toConfirm(page, /Pengadilan Agama/);
    await page.getByRole("button", { name: "Ambil nomor" }).click();
    await page.locator(".result-number").waitFor();
    await page.getByRole("button", { name: "Struk tidak keluar" }).click();
    await page.getByRole("alert").getByText(/Foto atau catat nomor ini/).waitFor();
    await page.getByRole("button", { name: "Selesai" }).click();
    await page.getByRole("heading", { name: "Selamat datang" }).waitFor();
    await context.close();
  }
});

test("what is kept of a press is gone after ten minutes, also if nobody loads the page again", async () => {
  provoke(/ERR_FAILED/);
  const { page } = await kiosk(async (page) => {
    await page.clock.install();
    await page.route("**/tickets", (route) => route.abort());
  });
  await toConfirm(page, /Kejaksaan Negeri/);
  await page.getByRole("button", { name: "Ambil nomor" }).click();
  await eventually(async () => assert.match(await remembered(page), /serviceId/));
  await page.clock.fastForward("09:30");
  assert.match(await remembered(page), /serviceId/);
  await page.clock.fastForward("00:40");
  assert.doesNotMatch(await remembered(page), /serviceId/);
});

test("a number that was called meanwhile is not given back at the kiosk", async () => {
  provoke(/409/);
  const { page } = await kiosk();
  await toConfirm(page, /Pengadilan Agama/);
  const [answer] = await Promise.all([page.waitForResponse((one) => one.url().endsWith("/tickets")), page.getByRole("button", { name: "Ambil nomor" }).click()]);
  const { ticket } = await answer.json();
  await page.getByRole("button", { name: "Batalkan tiket ini" }).click();
  const end = await callOut("pa.1", ticket);
  await page.getByRole("button", { name: "Sudah punya nomor" }).click();
  await page.getByText("Nomor ini tidak dapat dibatalkan lagi di sini").waitFor();
  await page.getByRole("button", { name: "Tidak, simpan nomor ini" }).click();
  await page.locator(".result-number", { hasText: ticket.number }).waitFor();
  await end();
});

test("a receipt that does not come out leaves a number to photograph, and the next visitor is told", async () => {
  const { page } = await kiosk();
  await toConfirm(page, /Pengadilan Agama/);
  await page.getByRole("button", { name: "Ambil nomor" }).click();
  await page.getByText("Struk dikirim ke printer. Ambil struk Anda.").waitFor();
  const height = () => page.locator(".result-number").evaluate((node) => node.getBoundingClientRect().height);
  const before = await height();
  await page.getByRole("button", { name: "Struk tidak keluar" }).click();
  await page.getByRole("alert").getByText(/Foto atau catat nomor ini/).waitFor();
  assert.ok((await height()) > before * 1.2, "larger than usual");
  await page.getByRole("button", { name: "Selesai" }).click();
  await page.locator("#no-paper").waitFor();

  // The next one is not printed for nothing; printed on request, and confirmed, the notice goes.
  await toConfirm(page, /Pengadilan Agama/);
  const printed = await page.evaluate(() => window.printed);
  await page.getByRole("button", { name: "Ambil nomor" }).click();
  await page.getByRole("alert").getByText(/Foto atau catat nomor ini/).waitFor();
  assert.equal(await page.evaluate(() => window.printed), printed);
  await page.getByRole("button", { name: "Cetak ulang" }).click();
  await page.getByRole("button", { name: "Struk sudah keluar" }).click();
  await page.getByRole("heading", { name: "Selamat datang" }).waitFor();
  assert.equal(await page.locator("#no-paper").count(), 0);

  // A browser that does not print at all is known without anybody's word.
  await page.evaluate(() => { window.broken = true; });
  await toConfirm(page, /Pengadilan Agama/);
  await page.getByRole("button", { name: "Ambil nomor" }).click();
  await page.getByRole("alert").getByText(/Foto atau catat nomor ini/).waitFor();
});

test("where numbers are limited per person the kiosk asks for a phone number, and only there", async () => {
  provoke(/40[09]|412/);
  const { page } = await kiosk();
  await toConfirm(page, /Pengadilan Agama/);
  assert.equal(await page.locator("#phone").count(), 0);
  await page.getByRole("button", { name: "Kembali" }).click();
  await page.getByRole("button", { name: "Kembali" }).click();
  const digits = phoneNumber();
  const type = async () => {
    for (const digit of digits) await page.locator(".keypad").getByRole("button", { name: digit, exact: true }).click();
  };
  await toConfirm(page, /Kantor Imigrasi/);
  await page.getByRole("button", { name: "Ambil nomor" }).click();
  await page.getByText(/Isi nomor ponsel Anda lebih dulu/).waitFor();
  await type();
  await page.getByRole("button", { name: "Hapus satu angka" }).click();
  assert.equal(await page.getByLabel("Nomor ponsel Anda").inputValue(), digits.slice(0, -1));
  await page.locator(".keypad").getByRole("button", { name: digits.at(-1), exact: true }).click();
  const [request] = await Promise.all([page.waitForRequest((one) => one.url().endsWith("/tickets")), page.getByRole("button", { name: "Ambil nomor" }).click()]);
  assert.equal(request.postDataJSON().phone, digits);
  await page.locator(".result-number").waitFor();
  assert.ok(!(await page.content()).includes(digits), "not on the screen any more");
  await page.getByRole("button", { name: "Selesai" }).click();

  // The same person a second time is refused, and the number is gone from the screen.
  await toConfirm(page, /Kantor Imigrasi/);
  await type();
  await page.getByRole("button", { name: "Ambil nomor" }).click();
  await page.locator("#sending.bad").waitFor();
  assert.equal(await page.getByLabel("Nomor ponsel Anda").inputValue(), "");
});

/** People waiting for the services whose codes begin so. */
async function waiting(prefix) {
  const { services } = await (await api(device("kiosk"))).get(`/v1/halls/${hallId}/services`);
  return services.filter((one) => one.code.startsWith(prefix)).reduce((sum, one) => sum + one.waiting, 0);
}

test("priority, help and group are asked discreetly and reach the ticket", async () => {
  const { page } = await kiosk();
  await toConfirm(page, /Pengadilan Agama/);
  assert.ok(!(await page.getByText("Lanjut usia").isVisible()), "nobody is asked who does not ask");
  await page.getByText("Saya memerlukan prioritas atau bantuan").click();
  await page.getByText("Lanjut usia").click();
  await page.getByText("Jalur kursi roda").click();
  await page.getByRole("button", { name: "Tambah jumlah orang" }).click();
  const [request] = await Promise.all([page.waitForRequest((one) => one.url().endsWith("/tickets")), page.getByRole("button", { name: "Ambil nomor" }).click()]);
  const { priority, assistance, partySize, channel } = request.postDataJSON();
  assert.deepEqual({ priority, assistance, partySize, channel }, { priority: "PRIORITY_ELDERLY", assistance: ["ASSISTANCE_WHEELCHAIR"], partySize: 2, channel: "CHANNEL_KIOSK" });
  await page.locator(".result-number").waitFor();
});

test("a closed service shows why and cannot be touched, and an agency with one service saves a step", async () => {
  const { page } = await kiosk((page) => page.route("**/services", async (route) => {
    const answer = await route.fetch();
    const body = await answer.json();
    const [first] = body.services;
    const others = body.services.filter((one) => one.agencyId !== first.agencyId);
    const closed = { ...others[0], id: "svc_tutup", agencyId: "agc_tutup", agencyName: "Instansi Tutup", state: "SERVICE_STATE_OUTSIDE_HOURS", reason: "Buka lagi pukul 13.00." };
    await route.fulfill({ response: answer, json: { ...body, services: [first, closed] } });
  }));
  const closed = page.locator(".kiosk-card", { hasText: "Instansi Tutup" });
  await closed.getByText("Buka lagi pukul 13.00.").waitFor();
  assert.equal(await closed.evaluate((node) => node.tagName), "DIV");
  await page.locator("button.kiosk-card").first().click();
  await page.getByRole("button", { name: "Ambil nomor" }).waitFor();
});

test("the kiosk speaks English on request and returns to the start, in Indonesian, after its time-out", async () => {
  const { page } = await kiosk((page) => withTimes(page, { idle: 5, warn: 2 }));
  await page.getByRole("button", { name: "English" }).click();
  await page.getByRole("heading", { name: "Welcome" }).waitFor();
  await page.locator("button.kiosk-card").first().click();
  const dialog = page.getByRole("dialog", { name: "Still here?" });
  await dialog.waitFor();
  await page.getByRole("button", { name: "Yes, go on" }).click();
  await page.getByText("Step 2 of 3").waitFor();
  await dialog.waitFor();
  await page.getByRole("heading", { name: "Selamat datang" }).waitFor();
  assert.ok(!(await dialog.isVisible()));
});

test("the receipt can be printed again and the screen clears by itself", async () => {
  const { page } = await kiosk((page) => withTimes(page, { result: 6 }));
  await toConfirm(page, /Pengadilan Agama/);
  await page.getByRole("button", { name: "Ambil nomor" }).click();
  await page.locator(".result-number").waitFor();
  await page.getByRole("button", { name: "Struk tidak keluar" }).click();
  await page.getByRole("button", { name: "Cetak ulang" }).click();
  await eventually(async () => assert.equal(await page.evaluate(() => window.printed), 2));
  await page.getByRole("heading", { name: "Selamat datang" }).waitFor();
  assert.equal(await page.locator("#print").textContent(), "", "nothing of the last visitor is left");
});

test("a kiosk signs in with its key and keeps its session", async () => {
  provoke(/401/);
  const page = await (await person(undefined, { screen: SCREENS.kiosk })).newPage();
  await page.goto(`${baseUrl}/kiosk`);
  await page.getByLabel("Kunci perangkat").fill("kunci-yang-salah");
  await page.getByRole("button", { name: "Hubungkan perangkat" }).click();
  await page.locator("#error:visible").waitFor();
  await page.getByLabel("Kunci perangkat").fill(device("kiosk").key);
  await page.getByRole("button", { name: "Hubungkan perangkat" }).click();
  await page.getByRole("heading", { name: "Selamat datang" }).waitFor();
});

test("a number is taken on the own phone in the hall, without JavaScript", async () => {
  const { code } = await (await api(device("board"))).get(`/v1/halls/${hallId}/siteCode`);
  const page = await (await person(undefined, { screen: SCREENS.phone, javaScriptEnabled: false })).newPage();
  await page.goto(`${baseUrl}/h/${hallId}?kode=${encodeURIComponent(code)}`);
  const service = await page.locator("optgroup[label='Kantor Pelayanan Pajak Pratama'] option").first().getAttribute("value");
  await page.getByLabel("Layanan").selectOption(service);
  await page.getByLabel("Nomor ponsel").fill("0812 3456 7890");
  await page.getByRole("button", { name: "Ambil nomor" }).click();
  await page.waitForURL(/\/t\//);
  assert.match(await page.locator(".pass-number").textContent(), /^H\d{3}$/);
  await page.getByText("Menunggu panggilan").waitFor();
});

test("an old code of the hall is refused in words", async () => {
  provoke(/40[034]/);
  const page = await (await person(undefined, { screen: SCREENS.phone })).newPage();
  const answer = await page.goto(`${baseUrl}/h/${hallId}?kode=basi`);
  assert.equal(answer.status(), 403);
  await page.getByRole("heading", { name: "Kode QR sudah tidak berlaku" }).waitFor();
});

test("the ticket page is readable without JavaScript and an unknown ticket is a friendly page", async () => {
  provoke(/404/);
  const ticket = await issue("PAJAK-SPT");
  const context = await person(undefined, { screen: SCREENS.phone, javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`${baseUrl}/t/${ticket.token}`);
  assert.equal(await page.locator(".pass-number").textContent(), ticket.number);
  assert.equal(await page.locator("meta[http-equiv=refresh]").count(), 1);
  const answer = await page.goto(`${baseUrl}/t/tidak-ada`);
  assert.equal(answer.status(), 404);
  await page.getByRole("heading", { name: "Tiket tidak ditemukan" }).waitFor();
});
