// What the tests of complaints share: a report that is filled in, and its page.
import { baseUrl } from "./suite.js";

/** What is reported. */
export const REPORT = "Lampu jalan di depan puskesmas padam sejak tiga malam lalu.";

/** Fills in the report that the page asks for. Works without the page's scripts. */
export async function fillReport(page) {
  await page.locator("#uraian").fill(REPORT);
  // The first category that asks nothing of its own.
  const keys = await page.locator("#kategori option").evaluateAll((options) => options.map((option) => option.value).filter(Boolean));
  const asking = await page.locator("[data-only-name=kategori]").evaluateAll((fields) => fields.map((field) => field.dataset.onlyEquals));
  const key = keys.find((one) => !asking.includes(one));
  await page.locator("#kategori").selectOption(key ?? keys[0]);
  await page.locator("#alamat").fill("Depan puskesmas");
}

/** Files a report on the page of a citizen or the desk; answers its number and PIN. Works without the page's scripts. */
export async function fileReport(page, path = "/lapor") {
  await page.goto(baseUrl + path);
  await fillReport(page);
  await page.locator(".send-part button").click();
  await page.locator("#pin").waitFor();
  const [number, pin] = await Promise.all(["#kode", "#pin"].map(async (place) => (await page.locator(place).textContent()).trim()));
  return { number, pin };
}

/** Opens the page of a report with number and PIN. */
export async function track(page, number, pin) {
  await page.goto(`${baseUrl}/lacak`);
  await page.locator("#nomor").fill(number);
  await page.locator("#pin").fill(pin);
  await page.locator("form[action='/lacak'] button").click();
  await page.locator("#keadaan").waitFor();
}
