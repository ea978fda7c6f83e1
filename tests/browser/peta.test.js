// The map: a picture and a table of the same numbers, each the length of the list it opens, by keyboard and without a script.
import assert from "node:assert/strict";
import { test } from "node:test";
import { account, api, baseUrl, person, SCREENS, useBrowser } from "./suite.js";
import { citizen, sound } from "./surat-bantu.js";

useBrowser();

/** Points around the demo's village, with a tail of their own; the second and the last are of reporters who are not shown. */
const POINTS = [[-3.79311, 102.26517], [-3.79644, 102.26173], [-3.79188, 102.26629], [-3.84577, 102.31233], [-3.71355, 102.20777]];
const SECRETS = [POINTS[1], POINTS[4]];

/** Reports at these points, published. Filed once, when the first test asks for them. */
let filed;
const published = () => (filed ??= publish());
async function publish() {
  const nobody = await api();
  const coordinator = await api(account("aduan.koordinator"));
  const { categories } = await nobody.get("/v1/complaintCategories?pageSize=200");
  const category = categories.find((one) => one.active && !(one.questions ?? []).some((question) => question.required) && !categories.some((other) => other.parent === one.key));
  const village = account("desa.kades").area;
  for (const [index, [latitude, longitude]] of POINTS.entries()) {
    const secrecy = SECRETS.some((one) => one[0] === latitude) ? "SECRECY_ANONYMOUS" : "SECRECY_OPEN";
    const place = { villageCode: index < 3 ? village : "", latitude, longitude };
    const { number } = await nobody.post("/v1/complaints", { complaintClass: "COMPLAINT_CLASS_COMPLAINT", category: category.key, text: `Lampu jalan padam di titik nomor ${index}.`, secrecy, channel: "CHANNEL_WEB", place });
    const { complaints } = await coordinator.get(`/v1/complaints?number=${number}`);
    await coordinator.post(`/v1/complaints/${complaints[0].id}:verify`);
    await coordinator.post(`/v1/complaints/${complaints[0].id}:setPublication`, { publication: "PUBLICATION_PUBLIC" });
  }
}

/** How many rows the list of the page has. */
const rows = (page) => page.locator(".published > li, .worklist > li").count();

/** The numbers of the picture and of the table, by the square they lead to. */
async function numbers(page) {
  const of = (selector) => page.locator(selector).evaluateAll((links) => Object.fromEntries(links.map((link) => [link.getAttribute("href"), Number((link.querySelector("text") ?? link).textContent)])));
  return [await of(".map .dot"), await of(".plain-table td a")];
}

for (const [who, path] of [[undefined, "/peta"], ["bupati", "/aduan/peta?tab=semua"], ["aduan.koordinator", "/aduan/peta?tab=koordinasi"]]) {
  test(`c_57 each number of ${path} is the length of the list it opens (${who ?? "everybody"})`, async () => {
    await published();
    const context = await person(who && account(who), { javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(baseUrl + path);
    const [picture, table] = await numbers(page);
    assert.deepEqual(picture, table);
    assert.ok(Object.keys(picture).length >= 3, JSON.stringify(picture));
    const beside = await page.locator(".map-total a").evaluateAll((links) => links.map((link) => [link.getAttribute("href"), Number(link.textContent.match(/\d+/)[0])]));
    for (const [address, number] of [...Object.entries(picture), ...beside]) {
      await page.goto(baseUrl + address);
      let found = await rows(page);
      while (await page.locator(".pager a", { hasText: "Berikutnya" }).count()) {
        await page.locator(".pager a", { hasText: "Berikutnya" }).click();
        found += await rows(page);
      }
      assert.equal(found, number, address);
    }
    const total = Number((await (await page.goto(baseUrl + path), page.locator(".map-total strong")).textContent()).match(/\d+/)[0]);
    assert.equal(beside.reduce((sum, [, number]) => sum + number, 0), total);
  });
}

test("c_57 nothing that a citizen's browser gets holds the exact point of who is not shown", async () => {
  await published();
  const { page } = await citizen();
  const got = [];
  page.on("response", (response) => got.push(response.text().catch(() => "")));
  const waiting = ["/peta", "/peta?tab=semua"];
  const opened = new Set();
  while (waiting.length && opened.size < 60) {
    const path = waiting.shift();
    if (opened.has(path)) continue;
    opened.add(path);
    await page.goto(baseUrl + path);
    waiting.push(...(await page.locator("main a[href^='/peta']").evaluateAll((links) => links.map((link) => link.getAttribute("href")))));
  }
  const all = (await Promise.all(got)).join("\n");
  assert.ok(all.includes("Lampu jalan padam di titik nomor 4."), "the reports were read");
  for (const degrees of SECRETS.flat()) assert.ok(!all.includes(String(degrees).replace("-", "")) && !all.includes(String(degrees).replace(".", ",").replace("-", "")), String(degrees));
  assert.ok(await page.locator("body").count());
});

test("c_57 the map is walked by keyboard, down to one report", async () => {
  await published();
  const { page } = await citizen({ screen: SCREENS.tablet, javaScriptEnabled: false });
  await page.goto(`${baseUrl}/peta`);
  for (let depth = 0; depth < 4; depth += 1) {
    const dot = page.locator(".map .dot").first();
    await page.locator(".map-filter button").focus();
    // From the filter through what stands between it and the picture.
    for (let presses = 0; presses < 8 && !(await page.evaluate(() => document.activeElement?.matches(".map .dot"))); presses += 1) await page.keyboard.press("Tab");
    assert.ok(await page.evaluate(() => document.activeElement?.matches(".map .dot")), "the keyboard reaches the picture");
    const to = await dot.getAttribute("href");
    await page.keyboard.press("Enter");
    if (to.startsWith("#")) {
      assert.equal(new URL(page.url()).hash, to);
      await page.locator(`[id="${to.slice(1)}"]`).waitFor();
      return;
    }
    await page.locator("#daftar").waitFor();
  }
  assert.fail("no report was reached");
});

for (const [lang, screen] of [["id", "phone"], ["en", "tablet"], ["id", "kiosk"]]) {
  test(`c_57 the pages of the map pass axe and fit the screen (${lang}, ${screen})`, async () => {
    await published();
    for (const [who, base] of [[undefined, "/peta?"], ["bupati", "/aduan/peta?tab=semua&"]]) {
      const page = await (await person(who && account(who), { screen: SCREENS[screen] })).newPage();
      await page.goto(`${baseUrl}${base}lang=${lang}`);
      await sound(page, base);
      const square = await page.locator(".plain-table td a").first().getAttribute("href");
      for (const path of [square, `${base}petak=tanpa-titik`]) {
        await page.goto(baseUrl + path);
        assert.equal(await page.locator("html").getAttribute("lang"), lang);
        await sound(page, path);
      }
      // The finest square, where each report stands for itself.
      await page.goto(`${baseUrl}${base}petak=-379,10227,1`);
      await page.locator(".map .dot").first().waitFor();
      await sound(page, "the finest square");
      for (const dot of await page.locator(".map .dot circle").all()) {
        const box = await dot.boundingBox();
        assert.ok(box.width >= 24 && box.height >= 24, `a finger needs 24 pixels, not ${box.width} (WCAG 2.5.8)`);
      }
    }
  });
}
