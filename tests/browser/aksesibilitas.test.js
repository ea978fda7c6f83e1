// Every page, in both languages: WCAG 2.2 AA as far as axe can tell, and no sideways scrolling on a small phone.
import assert from "node:assert/strict";
import { test } from "node:test";
import { account, api, atCounter, baseUrl, device, forget, hallId, issue, narrow, passesAxe, person, provoke, SCREENS, settled, useBrowser } from "./suite.js";

useBrowser();

const check = passesAxe;

// Each language on one screen: together they cover both of both.
for (const [lang, screen] of [["id", "phone"], ["en", "tablet"]]) {
  const size = SCREENS[screen];
  test(`public pages pass axe and fit the screen (${lang}, ${screen})`, async () => {
    provoke(/40[34]/);
    const ticket = await issue("DUKCAPIL-KK", { priority: "PRIORITY_DISABILITY" });
    const { code } = await (await api(device("board"))).get(`/v1/halls/${hallId}/siteCode`);
    const page = await (await person(undefined, { screen: size })).newPage();
    for (const path of ["/", "/antrean", "/masuk", "/kiosk", "/papan", `/t/${ticket.token}`, `/h/${hallId}?kode=${encodeURIComponent(code)}`, "/t/tidak-ada", "/tidak-ada", "/docs"]) {
      await page.goto(`${baseUrl}${path}${path.includes("?") ? "&" : "?"}lang=${lang}`);
      // The documentation is written in one language, for programmers at a desk: one look at its thousands of lines will do.
      if (path !== "/docs") assert.equal(await page.locator("html").getAttribute("lang"), lang, path);
      if (path !== "/docs" || screen !== "phone") await check(page, path);
      await narrow(page, path);
    }
  });

  test(`the counter console passes axe in every state (${lang}, ${screen})`, async () => {
    await issue("DPMPTSP-NIB", { priority: "PRIORITY_PREGNANT", assistance: ["ASSISTANCE_ESCORT"], partySize: 4 });
    const { desk } = await atCounter("dpmptsp.1", { screen: size });
    const context = desk.context();
    const page = await context.newPage();
    await page.goto(`${baseUrl}/loket?lang=${lang}`);
    await page.locator(".choose-card").first().waitFor();
    await check(page, "choose");
    await narrow(page, "choose");
    // A page behind another one is drawn once a second, and each press waits for it.
    await page.close();
    await desk.reload();
    await desk.locator("[data-act=callNext]").waitFor();
    await desk.waitForTimeout(500);
    await check(desk, "idle");
    await narrow(desk, "idle");
    await desk.locator("#pause").click();
    await check(desk, "pause dialog");
    await narrow(desk, "pause dialog");
    await desk.locator("#dlg-pause button[value=ok]").click();
    await desk.locator("[data-act=resume]").waitFor();
    await check(desk, "break");
    await settled(desk);
    await desk.locator("[data-act=resume]").click();
    await desk.locator("[data-act=callNext]").waitFor();
    await settled(desk);
    await desk.locator("[data-act=callNext]").click();
    await desk.locator("[data-act=start]").waitFor();
    await check(desk, "called");
    await narrow(desk, "called");
    await settled(desk);
    await desk.locator("[data-act=start]").click();
    await desk.locator("[data-act=finish]").waitFor();
    await settled(desk);
    for (const [open, dialog] of [["finish", "#dlg-finish"], ["transfer", "#dlg-transfer"], ["park", "#dlg-note"]]) {
      await desk.locator(`[data-act=${open}]`).click();
      await desk.locator(`${dialog}[open]`).waitFor();
      await check(desk, `${open} dialog`);
      await narrow(desk, `${open} dialog`);
      await desk.keyboard.press("Escape");
    }
    await desk.locator("[data-act=finish]").click();
    await desk.locator("#finish-ok").click();
    await desk.locator("[data-act=callNext]").waitFor();
  });

  test(`the control room passes axe (${lang}, ${screen})`, async () => {
    const page = await (await person(account("manajer"), { screen: size })).newPage();
    await page.goto(`${baseUrl}/kendali?lang=${lang}`);
    await page.locator(".counter-card").first().waitFor();
    await page.locator("#stats tr").first().waitFor();
    await check(page, "control room");
    await narrow(page, "control room");
    await page.locator("#stop-hall").click();
    await check(page, "stop dialog");
    await narrow(page, "stop dialog");
    await page.keyboard.press("Escape");
    await page.locator("#close-day").click();
    await check(page, "close dialog");
  });

  test(`the reception desk passes axe in every step (${lang}, ${screen})`, async () => {
    const ticket = await issue("DPMPTSP-SIP");
    const page = await (await person(account("resepsi"), { screen: size })).newPage();
    await page.goto(`${baseUrl}/resepsi?lang=${lang}`);
    await page.locator(".row-ticket", { hasText: ticket.number }).waitFor();
    await check(page, "services");
    await narrow(page, "services");
    await page.locator(".row-ticket", { hasText: ticket.number }).getByRole("button").first().click();
    await check(page, "cancel dialog");
    await narrow(page, "cancel dialog");
    await page.locator("#dlg-reason .chips button").first().click();
    await page.locator("#reason-ok").click();
    await page.locator(".row-ticket", { hasText: ticket.number }).waitFor({ state: "detached" });
    await page.locator("#find").fill("IMIGRASI-BARU");
    await page.locator(".offer").first().click();
    await page.locator("summary").click();
    await check(page, "form");
    await narrow(page, "form");
    const [answer] = await Promise.all([page.waitForResponse((one) => one.request().method() === "POST" && one.url().endsWith("/tickets")), page.locator("#take").click()]);
    await page.locator("#given-number").waitFor();
    await check(page, "number");
    await narrow(page, "number");
    await forget([(await answer.json()).ticket]);
  });

  test(`every step of the kiosk passes axe and fits (${lang})`, async () => {
    for (const size of [SCREENS.kiosk, SCREENS.phone]) {
      const page = await (await person(device("kiosk"), { screen: size })).newPage();
      await page.addInitScript(() => { window.print = () => {}; });
      await page.goto(`${baseUrl}/kiosk?lang=${lang}`);
      await page.locator("button.kiosk-card").first().waitFor();
      await check(page, "agencies");
      await narrow(page, "agencies");
      await page.locator("button.kiosk-card").first().click();
      await check(page, "services");
      await narrow(page, "services");
      await page.locator("button.kiosk-card").first().click();
      await page.locator("summary").click();
      await check(page, "confirm");
      await narrow(page, "confirm");
      await page.locator("#take").click();
      await page.locator(".result-number").waitFor();
      await check(page, "result");
      await narrow(page, "result");
      // Its print is a stub that begins nothing: as a printer that is not there.
      await page.locator(".kiosk-result[data-paper=out]").waitFor();
      await page.locator("#void").click();
      await check(page, "giving back");
      await narrow(page, "giving back");
      await page.locator("[data-reason]").first().click();
      await page.locator("#void").waitFor({ state: "detached" });
      await check(page, "given back");
      await narrow(page, "given back");
      await page.locator("#done").click();
      await page.locator("#no-paper").waitFor();
      await check(page, "no paper");
      await narrow(page, "no paper");
      await page.locator("button.kiosk-card", { hasText: "Kantor Imigrasi" }).click();
      await page.locator("button.kiosk-card").first().click();
      await page.locator(".keypad").waitFor();
      await check(page, "phone number");
      await narrow(page, "phone number");
    }
  });

  test(`the board passes axe, light and dark, and fits a phone (${lang})`, async () => {
    await someCalls();
    for (const [size, query] of [[SCREENS.board, "tema=gelap"], [SCREENS.board, "tema=terang"], [SCREENS.phone, "zona=A"]]) {
      const page = await (await person(device("board"), { screen: size })).newPage();
      await page.goto(`${baseUrl}/papan?${query}&lang=${lang}`);
      await page.locator("#board[data-live=live]").waitFor();
      await check(page, query);
      await narrow(page, query);
    }
  });
}

/** Two counters with a ticket each, so that the board has something to show. */
async function someCalls() {
  for (const username of ["dukcapil.1", "dukcapil.2"]) {
    const staff = await api(account(username));
    const [counter] = account(username).counters;
    const { desk } = await staff.get(`/v1/counters/${counter}`);
    if (desk.current) continue;
    await issue(username === "dukcapil.1" ? "DUKCAPIL-KTP-REKAM" : "DUKCAPIL-KTP-CETAK");
    if (desk.counter.state === "COUNTER_STATE_CLOSED") await staff.post(`/v1/counters/${counter}:open`);
    await staff.post(`/v1/counters/${counter}:callNext`);
  }
}

test("the check finds faults that are put in on purpose", async () => {
  const page = await (await person()).newPage();
  await page.goto(`${baseUrl}/masuk`);
  await page.evaluate(() => {
    const button = document.querySelector("#submit");
    button.replaceChildren();
    document.querySelector("h1").style.color = "#eee";
    document.body.append(Object.assign(document.createElement("div"), { id: "wide" }));
    Object.assign(document.querySelector("#wide").style, { width: "500px", height: "10px" });
    document.body.append(Object.assign(document.createElement("p"), { textContent: "Di luar semua bagian halaman." }));
  });
  await assert.rejects(check(page, "planted"), (error) => [/button-name/, /color-contrast/, /region/].every((rule) => rule.test(error.message)));
  await assert.rejects(narrow(page, "planted"), /500 px wide on a screen of 360/);
  // What fits a phone may be too wide for a tablet.
  await page.evaluate(() => {
    document.querySelector("#wide").style.width = "";
    // By the object model: a style element would be against the policy of the pages.
    const rules = new CSSStyleSheet();
    rules.replaceSync("#wide { width: 100px } @media (min-width: 961px) { #wide { width: 1100px } }");
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, rules];
  });
  await assert.rejects(narrow(page, "planted"), /1100 px wide on a screen of 1024/);
});

test("targets that are pressed are at least 44 pixels high", async () => {
  const { desk } = await atCounter("dpmptsp.2", { screen: SCREENS.phone });
  const kiosk = await (await person(device("kiosk"), { screen: SCREENS.phone })).newPage();
  await kiosk.goto(`${baseUrl}/kiosk`);
  await kiosk.locator("button.kiosk-card").first().waitFor();
  for (const page of [desk, kiosk]) {
    const small = await page.locator("button:visible, a.button:visible, select:visible").evaluateAll((nodes) => nodes
      .map((node) => [node.textContent.trim(), node.getBoundingClientRect().height]).filter(([, height]) => height < 44));
    assert.deepEqual(small, []);
  }
});
