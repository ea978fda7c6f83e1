// What citizens see of a hall before they set out.
import assert from "node:assert/strict";
import { test } from "node:test";
import { account, api, baseUrl, callOut, device, forget, hallId, issue, person, SCREENS, useBrowser } from "./suite.js";

useBrowser();

test("who thinks of coming sees what is open, how many wait and what is called, without JavaScript", async () => {
  const [ticket, called] = [await issue("BPN-CEK"), await issue("BPN-CEK")];
  const end = await callOut("bpn.1", called);
  const page = await (await person(undefined, { screen: SCREENS.phone, javaScriptEnabled: false })).newPage();
  // What was read is shown for some seconds.
  await page.waitForTimeout(5_500);
  await page.goto(`${baseUrl}/`);
  const { hall } = await (await api(account("manajer"))).get(`/v1/halls/${hallId}`);
  const row = page.locator(".hall", { hasText: hall.name });
  await row.getByText("Buka", { exact: true }).waitFor();
  assert.match(await row.textContent(), /\d+ orang menunggu · \d+ dari \d+ layanan memberi nomor/);
  await row.getByRole("link").click();
  await page.getByRole("heading", { level: 1, name: hall.name }).waitFor();
  await page.locator(".today-calls li", { hasText: called.number }).getByText("loket 20").waitFor();
  const { services } = await (await api(device("kiosk"))).get(`/v1/halls/${hallId}/services`);
  const service = services.find((one) => one.code === "BPN-CEK");
  await page.locator(".today-service", { hasText: service.name }).getByText(`${service.waiting} orang menunggu`).waitFor();
  const text = await page.content();
  assert.ok(!text.includes("acc_") && !text.includes("tkt_") && !text.includes(ticket.token), "numbers only");
  assert.equal(await page.locator("meta[http-equiv=refresh]").count(), 1);
  await end();
  await forget([ticket]);
});
