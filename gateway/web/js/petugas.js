// @ts-check
/** What every page of officials has: the way out. */
import { request } from "./api.js";
import { byId } from "./dom.js";
import { speak } from "./i18n.js";

await speak();
byId("signout").addEventListener("click", async () => {
  // Without an answer too: whoever leaves must not stay on the page.
  await request("DELETE", "/v1/sessions/current").catch(() => undefined);
  location.assign("/masuk");
});
