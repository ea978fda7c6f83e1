// @ts-check
/** Lapor works without this. Here the point of the place can be filled in by the phone, if its owner presses the button. */
import { byId, put } from "./dom.js";
import "./formulir.js";
import { t } from "./i18n.js";

const button = /** @type {HTMLButtonElement} */ (byId("lokasi"));
const told = byId("lokasi-kata");
const point = /** @type {HTMLInputElement} */ (byId("titik"));

// Only where the page came over https, or from this machine.
button.hidden = !("geolocation" in navigator) || !isSecureContext;
button.addEventListener("click", () => {
  put(told, t("report.locating"));
  button.disabled = true;
  navigator.geolocation.getCurrentPosition(
    ({ coords }) => {
      point.value = `${coords.latitude.toFixed(5)}, ${coords.longitude.toFixed(5)}`;
      put(told, t("report.located"));
      button.disabled = false;
    },
    () => {
      put(told, t("report.not_located"));
      button.disabled = false;
    },
    { enableHighAccuracy: true, timeout: 15_000, maximumAge: 60_000 },
  );
});
