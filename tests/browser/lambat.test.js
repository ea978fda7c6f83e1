// A citizen on the slowest line and without scripts: from the report with a photo to the word whether it is done. And what
// every page of the citizen weighs, which docs/pages.md promises.
import assert from "node:assert/strict";
import { test } from "node:test";
import { account, api, baseUrl, eventually, person, provoke, SCREENS, useBrowser } from "./suite.js";
import { citizen, sound } from "./surat-bantu.js";
import { REPORT, fillReport, track } from "./aduan-bantu.js";

useBrowser();

/** What Chromium's developer tools called "GPRS": 50 kbit/s down, 20 kbit/s up, 500 ms there and back. The Network Information API calls a line of at most 50 kbit/s "slow-2g". */
const GPRS = { offline: false, latency: 500, downloadThroughput: (50 * 1024) / 8, uploadThroughput: (20 * 1024) / 8 };
/** How long a person waits for a page on that line, in milliseconds: the limit of attention without a sign of progress is ten seconds. */
const PATIENCE = 10_000;
/** Bytes that a page may cost when nothing of it is known yet, without and with scripts; the answer to a form, whose scripts may be new; and a page when the browser knows what all pages share. */
const BUDGET = { plain: 32 << 10, scripted: 40 << 10, answer: 20 << 10, known: 12 << 10 };
/** Requests that a first visit may make: each costs half a second. */
const REQUESTS = 10;

/** What crosses the line for a page, by the browser's own count: heads and bodies as they were sent. */
async function scale(page) {
  const line = await page.context().newCDPSession(page);
  await line.send("Network.enable");
  let [bytes, requests, changed] = [0, 0, 0];
  const under = new Set();
  line.on("Network.requestWillBeSent", ({ request, requestId }) => {
    requests += request.url.startsWith("http") ? 1 : 0;
    changed = Date.now();
    under.add(requestId);
  });
  line.on("Network.loadingFinished", ({ encodedDataLength, requestId }) => {
    bytes += encodedDataLength;
    changed = Date.now();
    under.delete(requestId);
  });
  line.on("Network.loadingFailed", ({ requestId }) => under.delete(requestId));
  return {
    line,
    /** What a step costs. */
    async weigh(step) {
      [bytes, requests] = [0, 0];
      await step();
      // All that the page names, and the scripts that its scripts name, have come when it says that it has loaded; what they
      // ask for by themselves begins at once.
      await page.waitForLoadState("load");
      await eventually(() => assert.ok(under.size === 0 && Date.now() - changed > 500, `${under.size} are under way`));
      return { bytes, requests };
    },
  };
}

/** A photo with nothing in it that could be packed tighter, of about so many bytes. */
async function photo(width, height, quality) {
  const page = await (await person()).newPage();
  await page.goto(`${baseUrl}/lacak`);
  const base64 = await page.evaluate(([width, height, quality]) => {
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const pen = canvas.getContext("2d");
    const picture = pen.createImageData(width, height);
    for (let at = 0; at < picture.data.length; at += 65_536) crypto.getRandomValues(picture.data.subarray(at, Math.min(at + 65_536, picture.data.length)));
    for (let at = 3; at < picture.data.length; at += 4) picture.data[at] = 255;
    pen.putImageData(picture, 0, 0);
    return canvas.toDataURL("image/jpeg", quality).split(",")[1];
  }, [width, height, quality]);
  await page.close();
  return Buffer.from(base64, "base64");
}

/** What officers do to a report meanwhile. @param {string} number */
async function officers(number) {
  const [coordinator, agency] = [await api(account("aduan.koordinator")), await api(account("pupr.aduan"))];
  const { complaints } = await coordinator.get(`/v1/complaints?number=${number}`);
  const path = `/v1/complaints/${complaints[0].id}`;
  const answer = (text) => agency.post(`${path}:answer`, { text, who: "Regu penerangan jalan", what: "Mengganti lampu", when: "hari ini", reasonWithoutProof: "INFORMATION_GIVEN" });
  return {
    async take() {
      await coordinator.post(`${path}:verify`);
      await coordinator.post(`${path}:dispose`, { agencyId: "17.07/pupr" });
      await agency.post(`${path}:accept`);
    },
    answer,
  };
}

test("c_66 the whole way of a report over GPRS without scripts: photo, number and PIN, objection, confirmation", { timeout: 600_000 }, async () => {
  const { page, context } = await citizen({ javaScriptEnabled: false });
  context.setDefaultTimeout(240_000);
  const { line } = await scale(page);
  await line.send("Network.emulateNetworkConditions", GPRS);
  const shown = async (what, step) => {
    const began = Date.now();
    await step();
    const took = Date.now() - began;
    console.log(`GPRS: ${what} ${(took / 1000).toFixed(1)} s`);
    return took;
  };
  const empty = await shown("lapor, first visit", () => page.goto(`${baseUrl}/lapor`));
  assert.ok(empty < PATIENCE, `the empty form took ${empty} ms`);
  const picture = await photo(460, 340, 0.9);
  assert.ok(picture.length > 100 << 10, `${picture.length} bytes take longer over GPRS than a request may`);
  await fillReport(page);
  await page.locator("#formulir input[type=file]").first().setInputFiles({ name: "foto.jpg", mimeType: "image/jpeg", buffer: picture });
  const sent = await shown(`lapor, sent with a photo of ${picture.length >> 10} KB`, async () => {
    await page.locator(".send-part button").click();
    await page.locator("#pin").waitFor();
  });
  assert.ok(sent > 30_000, "the line was not slow");
  const [number, pin] = await Promise.all(["#kode", "#pin"].map(async (place) => (await page.locator(place).textContent()).trim()));
  const others = await officers(number);
  await others.take();
  await others.answer("Lampu jalan sudah diganti oleh regu penerangan jalan.");

  const opened = await shown("lacak, two pages", () => track(page, number, pin));
  assert.ok(opened < 2 * PATIENCE, `following took ${opened} ms`);
  await page.getByText(REPORT).waitFor();
  await page.locator("#selesai input[value=belum]").check({ force: true });
  await page.locator("#pesan-selesai").fill("Masih padam.");
  await page.locator("#selesai button[type=submit]").click();
  await page.getByText("Laporan dibuka kembali.").waitFor();
  await page.locator("#pesan").fill("Tiang nomor 14.");
  await page.locator("#formulir button[type=submit]").click();
  await page.getByText("Keterangan terkirim.").waitFor();

  await others.answer("Lampu pada tiang nomor 14 sudah diganti juga.");
  await track(page, number, pin);
  await page.locator("#selesai input[value=ya]").check({ force: true });
  await page.locator("#selesai input[name=nilai][value='5']").check({ force: true });
  await page.locator("#selesai button[type=submit]").click();
  await page.getByRole("heading", { name: "Selesai", exact: true }).waitFor();
  await page.getByText("5/5").waitFor();
});

test("c_66 no page of the citizen is heavier than its budget", async () => {
  const found = [];
  const plain = await citizen({ javaScriptEnabled: false });
  const { number, pin } = await (async () => {
    await plain.page.goto(`${baseUrl}/lapor`);
    await fillReport(plain.page);
    await plain.page.locator(".send-part button").click();
    await plain.page.locator("#pin").waitFor();
    const [number, pin] = await Promise.all(["#kode", "#pin"].map(async (place) => (await plain.page.locator(place).textContent()).trim()));
    return { number, pin };
  })();
  const pages = {
    "/": (page) => page.goto(`${baseUrl}/`),
    "/lapor": (page) => page.goto(`${baseUrl}/lapor`),
    "/lapor, receipt": async (page) => {
      await page.goto(`${baseUrl}/lapor`);
      await fillReport(page);
      return () => page.locator(".send-part button").click().then(() => page.locator("#pin").waitFor());
    },
    "/lacak": (page) => page.goto(`${baseUrl}/lacak`),
    "/lacak, one report": async (page) => {
      await page.goto(`${baseUrl}/lacak`);
      await page.locator("#nomor").fill(number);
      await page.locator("#pin").fill(pin);
      return () => page.locator("form[action='/lacak'] button").click().then(() => page.locator("#keadaan").waitFor());
    },
    "/peta": (page) => page.goto(`${baseUrl}/peta`),
  };
  for (const scripts of [false, true]) {
    for (const [name, open] of Object.entries(pages)) {
      // A browser that knows nothing yet.
      const { page } = await citizen({ javaScriptEnabled: scripts });
      const { weigh } = await scale(page);
      let [first, step] = [undefined, undefined];
      first = await weigh(async () => { step = await open(page); });
      const isAnswer = typeof step === "function";
      const known = await weigh(isAnswer ? step : () => open(page));
      // What is the answer to a form costs what it costs, whatever the browser knows.
      found.push({ page: name, scripts, first: isAnswer ? 0 : first.bytes, requests: isAnswer ? known.requests : first.requests, known: known.bytes });
      await page.context().close();
    }
  }
  console.table(found);
  for (const { page, scripts, first, requests, known } of found) {
    const name = `${page}, ${scripts ? "with" : "without"} scripts`;
    assert.ok(first <= (scripts ? BUDGET.scripted : BUDGET.plain), `${name}: ${first} bytes`);
    assert.ok(requests <= REQUESTS, `${name}: ${requests} requests`);
    assert.ok(known <= (first === 0 ? BUDGET.answer : BUDGET.known), `${name}: ${known} bytes when the rest is known`);
    assert.ok(known > 500 && (first === 0 || first > known), `${name}: what was weighed?`);
  }
});

test("c_66 a photo is made smaller on the phone, also one that is larger than the form takes", async () => {
  const { page } = await citizen();
  await page.goto(`${baseUrl}/lapor`);
  const picture = await photo(2_400, 1_800, 0.95);
  assert.ok(picture.length > 3 << 20, "larger than the form takes");
  const input = page.locator("#formulir input[type=file]").first();
  await input.setInputFiles({ name: "foto.jpg", mimeType: "image/jpeg", buffer: picture });
  await page.getByText("Foto diperkecil dari").waitFor();
  const [name, type, size, width, height] = await input.evaluate(async (node) => {
    const [file] = node.files;
    const picture = await createImageBitmap(file);
    return [file.name, file.type, file.size, picture.width, picture.height];
  });
  assert.deepEqual([name, type, width, height], ["foto.jpg", "image/jpeg", 1_600, 1_200]);
  assert.ok(size < picture.length / 2, `${size} of ${picture.length} bytes`);
  assert.equal(await page.locator(".paper.wrong").count(), 0);
  // What is no picture is left as it is.
  const second = page.locator("#formulir input[type=file]").nth(1);
  await second.setInputFiles({ name: "surat.pdf", mimeType: "application/pdf", buffer: Buffer.alloc(300 << 10, "%PDF") });
  assert.equal(await second.evaluate((node) => node.files[0].size), 300 << 10);
});

/** Asserts that a page can be read at 320 pixels, as at 400 % on a screen of 1280 (WCAG 1.4.10), and with wider letters, words, lines and paragraphs (1.4.12). */
async function reflows(page, name) {
  const size = page.viewportSize();
  await page.setViewportSize({ width: 320, height: 740 });
  const wide = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok((await wide()) <= 0, `${name} is wider than 320 pixels`);
  // Text that is cut or covered cannot be read.
  const cut = await page.evaluate(() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync("* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important; } p { margin-bottom: 2em !important; }");
    document.adoptedStyleSheets = [sheet];
    const cut = [...document.querySelectorAll("main *")].filter((node) => {
      const style = getComputedStyle(node);
      return !node.closest(".sr, input, textarea, select, svg") && ["hidden", "clip"].includes(style.overflowX) && node.scrollWidth > node.clientWidth + 1;
    });
    document.adoptedStyleSheets = [];
    return cut.map((node) => node.outerHTML.slice(0, 120));
  });
  assert.deepEqual(cut, [], `${name}: text is cut when it is spaced`);
  await page.setViewportSize(size);
}

for (const [lang, screen] of [["id", "phone"], ["en", "tablet"], ["id", "kiosk"]]) {
  test(`c_66 every state of report, track and answer passes axe of WCAG 2.2 AA and reflows (${lang}, ${screen})`, async () => {
    provoke(/40[04]/);
    const { page } = await citizen({ screen: SCREENS[screen] });
    const check = async (name) => {
      assert.equal(await page.locator("html").getAttribute("lang"), lang, name);
      await sound(page, name);
      await reflows(page, name);
    };
    await page.goto(`${baseUrl}/lapor?lang=${lang}`);
    await check("the empty report");
    await page.locator(".send-part button").click();
    await page.locator("#galat").waitFor();
    await check("the report with faults");
    await page.goto(`${baseUrl}/lapor`);
    await fillReport(page);
    await page.locator(".send-part button").click();
    await page.locator("#pin").waitFor();
    await check("the receipt");
    const [number, pin] = await Promise.all(["#kode", "#pin"].map(async (place) => (await page.locator(place).textContent()).trim()));
    await page.goto(`${baseUrl}/lacak`);
    await check("following");
    await page.locator("#nomor").fill(number);
    await page.locator("#pin").fill("000000");
    await page.locator("form[action='/lacak'] button").click();
    await page.locator("#galat").waitFor();
    await check("following with a wrong PIN");
    await track(page, number, pin);
    for (const details of await page.locator("details.more").all()) await details.evaluate((node) => { node.open = true; });
    await check("a new report");
    const others = await officers(number);
    await others.take();
    await others.answer("Lampu jalan sudah diganti oleh regu penerangan jalan.");
    await track(page, number, pin);
    await check("the question whether it is done");
    await page.locator("#selesai button[type=submit]").click();
    await page.locator("#selesai .field-error").waitFor();
    await check("the question without an answer");
    await page.locator("#selesai input[value=ya]").check({ force: true });
    await page.locator("#selesai button[type=submit]").click();
    await page.locator(".standing.good").waitFor();
    await check("a settled report");
  });
}
