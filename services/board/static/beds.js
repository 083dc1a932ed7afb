// The bed map.
import { byId, call, learnTime, loadNames, nameOf, serverNow, setCsrfToken, signedOut } from "./page.js";
import { inLanguage, loadTexts, timeOfDay, toggleLanguage } from "./texts.js";
import { map, Wards } from "./wards.js";

async function start() {
  await loadTexts();
  const me = await call("GET", "/api/me").catch(() => signedOut());
  setCsrfToken(me.csrf_token);
  learnTime(me.now);
  const wards = new Wards(map, me.heartbeat_s);
  const show = () => {
    byId("facility").textContent = inLanguage(nameOf(me.facility)) || me.name;
    wards.render();
  };
  const changeLanguage = () => {
    toggleLanguage();
    show();
  };
  show();
  loadNames(show);
  byId("language").addEventListener("click", changeLanguage);
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() === "l") changeLanguage();
    if (event.key.toLowerCase() === "b" || event.key === "Escape") window.location.assign("/");
  });
  // Countdowns of holds go on between two answers.
  setInterval(() => {
    byId("clock").textContent = timeOfDay(serverNow());
    wards.render();
  }, 1000);
}

start();
