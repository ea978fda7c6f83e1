// What the tests of letters share: a resident, a form that is filled in by the kinds of its inputs, and the check of a page.
import { account, baseUrl, narrow, passesAxe, person, SCREENS } from "./suite.js";

/** The smallest photo: one pixel, so that what is judged by its content is a PNG. */
export const PHOTO = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
/** A letter of the village that every resident can apply for. */
export const LETTER = "sktm";

/** Asserts that axe finds nothing and that the page fits the narrowest phone. */
export async function sound(page, name) {
  await passesAxe(page, name);
  await narrow(page, name);
}

/** So many letters or digits, by chance. */
const some = (alphabet, length) => Array.from(crypto.getRandomValues(new Uint8Array(length)), (byte) => alphabet[byte % alphabet.length]).join("");

/** Somebody who lives where the demo's officials work: each time another, in each run of the tests. */
export function resident() {
  const region = account("desa.kades").area;
  const nik = `${region.replaceAll(".", "").slice(0, 6)}1${some("0123456789", 1)}0790${some("123456789", 4)}`;
  return { name: `Warga ${some("BDGKLMNPRST", 1)}${some("aeiou", 1)}${some("dklmnrst", 1)}${some("aeiou", 1)}${some("dklmnrst", 1)}${some("aeiou", 1)}`, nik, region };
}

/** A browser that remembers every address it asked for. */
export async function citizen(options = {}) {
  const context = await person(undefined, { screen: SCREENS.phone, ...options });
  const addresses = [];
  context.on("request", (request) => addresses.push(decodeURIComponent(request.url())));
  return { page: await context.newPage(), context, addresses };
}

/** Fills in the form that the page shows. Works without the page's scripts. */
export async function fillIn(page, who) {
  await page.locator("#nama").fill(who.name);
  await page.locator("#nik").fill(who.nik);
  await page.locator("#kk").fill(`${who.nik.slice(0, 12)}0001`);
  // As people write it.
  await page.locator("#telepon").fill("0812-3456.7890");
  await page.locator("#desa").selectOption(who.region);
  await page.locator("#rt").fill("2");
  await page.locator("#rw").fill("1");
  await page.locator("#alamat").fill("Dusun II Nomor 7");
  await fillFields(page, who);
}

/** Fills in what the letter itself asks, and chooses a photo for every paper. */
export async function fillFields(page, who) {
  const part = page.locator("[aria-labelledby=bagian-isi]");
  for (const select of await part.locator("select:visible").all()) {
    await select.selectOption(await select.locator("option").nth(1).getAttribute("value"));
  }
  for (const group of await part.locator("fieldset.choices:visible").all()) await group.locator(".choice").last().click();
  for (const input of await part.locator("input:visible:not([type=radio]), textarea:visible").all()) {
    await input.fill(await fitting(input, who));
  }
  for (const file of await page.locator("#formulir input[type=file]").all()) {
    await file.setInputFiles({ name: "foto.png", mimeType: "image/png", buffer: PHOTO });
  }
}

/** A value that an input takes, by its kind. */
async function fitting(input, who) {
  const [type, mode, list, id] = await Promise.all(["type", "inputmode", "list", "id"].map((name) => input.getAttribute(name)));
  if (type === "date") return "1990-07-01";
  if (type === "time") return "09:00";
  if (type === "email") return "warga@example.org";
  if (type === "tel") return "081234567890";
  if (list) return who.region;
  if (/nik|kk/.test(id)) return who.nik;
  return mode === "numeric" ? "4" : "Keperluan sekolah anak";
}

/** Applies for a letter on the page of a citizen; answers the code. */
export async function apply(page, who, letter = LETTER) {
  await page.goto(`${baseUrl}/surat/${letter}/ajukan`);
  await fillIn(page, who);
  await page.getByRole("button", { name: "Kirim permohonan" }).last().click();
  await page.waitForURL(/\/tanda-terima$/);
  return (await page.locator("#kode").textContent()).trim();
}
