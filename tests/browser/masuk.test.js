// Signing in: each begins where the own work is.
import assert from "node:assert/strict";
import { test } from "node:test";
import { account, baseUrl, device, person, SCREENS, someone, useBrowser } from "./suite.js";

useBrowser();

/** Where each role of the demo begins. */
const FIRST = {
  admin: "/", analyst: "/", auditor: "/",
  hall_manager: "/kendali", agency_supervisor: "/kendali", counter: "/loket", reception: "/resepsi",
  rt_head: "/meja", rw_head: "/meja", village_officer: "/meja", village_secretary: "/meja", village_head: "/meja",
  sub_district_officer: "/meja", sub_district_head: "/meja", agency_officer: "/meja", agency_head: "/meja",
  letter_editor: "/jenis-surat", integrator: "/meja/dokumen",
  complaint_desk: "/meja-pengaduan", complaint_coordinator: "/aduan", complaint_admin: "/aduan", inspector: "/aduan",
  regional_secretary: "/kendali/aduan", regional_head: "/kendali/aduan",
};

test("each role of the demo begins on its own first page, and may see it", async () => {
  const roles = someone();
  assert.deepEqual([...roles.keys()].filter((role) => !(role in FIRST)), [], "roles without a first page");
  for (const role of ["hall_manager", "counter", "reception", "village_head", "complaint_desk", "regional_head"]) assert.ok(roles.has(role), `the demo has no ${role}`);
  for (const [role, who] of roles) {
    const { request } = await person(who);
    const answer = await request.get(`${baseUrl}/mulai`, { maxRedirects: 0 });
    assert.deepEqual([answer.status(), answer.headers().location], [303, FIRST[role]], role);
    assert.equal((await request.get(`${baseUrl}/mulai`)).status(), 200, role);
  }
  for (const [kind, page] of [["kiosk", "/kiosk"], ["board", "/papan"]]) {
    const { request } = await person(device(kind));
    assert.equal((await request.get(`${baseUrl}/mulai`, { maxRedirects: 0 })).headers().location, page);
  }
  const { request } = await person();
  assert.equal((await request.get(`${baseUrl}/mulai`, { maxRedirects: 0 })).headers().location, "/masuk");
});

test("the reception signs in and stands at its desk", async () => {
  const page = await (await person(undefined, { screen: SCREENS.tablet })).newPage();
  await page.goto(`${baseUrl}/masuk`);
  const { username, password } = account("resepsi");
  await page.getByLabel("Nama pengguna").fill(username);
  await page.getByLabel("Kata sandi").fill(password);
  await page.keyboard.press("Enter");
  await page.waitForURL(`${baseUrl}/resepsi`);
  await page.locator(".offer").first().waitFor();
});
