// @ts-check
/** The receipt: printing on either paper, and copying the code. */
import { byId, toast } from "./dom.js";
import { speak, t } from "./i18n.js";

await speak();
const isRoll = document.body.classList.contains("roll");

/** @param {string} id @param {boolean} roll */
function prints(id, roll) {
  const button = byId(id);
  button.hidden = false;
  button.addEventListener("click", () => {
    document.body.classList.toggle("roll", roll);
    print();
  });
}
prints("cetak-a4", false);
prints("cetak-80", true);
addEventListener("afterprint", () => document.body.classList.toggle("roll", isRoll));

const copy = byId("salin");
// Only where the page came over https, or from this machine.
copy.hidden = !navigator.clipboard;
copy.addEventListener("click", async () => {
  // With the PIN, where a receipt has one.
  const pin = document.querySelector("#pin")?.textContent;
  await navigator.clipboard.writeText(byId("kode").textContent + (pin ? ` PIN ${pin}` : ""));
  toast(t("receipt.copied"));
});
