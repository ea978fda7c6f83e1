// Pesan untuk saya: what the suite told the person who looks, read without a script and by keyboard, legible everywhere.
import assert from "node:assert/strict";
import { test } from "node:test";
import { account, api, baseUrl, eventually, person, SCREENS, useBrowser } from "./suite.js";
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

for (const [lang, screen] of [["id", "phone"], ["en", "phone"], ["id", "small"], ["en", "small"], ["id", "kiosk"], ["en", "kiosk"]]) {
  test(`the pages of messages pass axe and fit the screen (${lang}, ${screen})`, async () => {
    await tell("admin");
    const page = await officer("admin", "/pesan", { screen: SCREENS[screen] });
    for (const path of ["/pesan", "/pesan?tab=belum"]) {
      const answer = await page.goto(`${baseUrl}${path}${path.includes("?") ? "&" : "?"}lang=${lang}`);
      assert.equal(answer.status(), 200, path);
      await sound(page, path);
    }
  });
}
