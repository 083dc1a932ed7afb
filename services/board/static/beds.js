// The page of the bed map.
import { map, tick } from "./bed-map.js";
import { BedPlaces } from "./bed-places.js";
import { LiveStream } from "./live.js";
import { Answer, byId, call, learnTime, loadNames, nameOf, serverNow, setCsrfToken, signedOut } from "./page.js";
import { inLanguage, loadTexts, say, timeOfDay, toggleLanguage } from "./texts.js";
import { Wards } from "./wards.js";

// Tries until the server answers, as the alert board does: only who is signed out is sent away.
async function whoAmI() {
  for (;;) {
    try {
      return await call("GET", "/api/me");
    } catch (error) {
      if (!(error instanceof Answer)) throw error;
      if (error.status === 401) return signedOut();
      byId("beds-away").hidden = false;
      await new Promise((resume) => setTimeout(resume, 2000));
    }
  }
}

async function start() {
  await loadTexts();
  const me = await whoAmI();
  if (!me) return;
  setCsrfToken(me.csrf_token);
  learnTime(me.now);
  const places = new BedPlaces(me.facility, (facility) => {
    wards.choose(facility);
    listen(facility);
    showTitle();
  });
  const wards = new Wards(map, places.facility);
  let stream = null;
  const listen = (facility) => {
    stream?.stop();
    stream = facility ? new LiveStream({ beds: wards.told }, me.heartbeat_s, { facility }) : null;
  };
  listen(places.facility);
  const showTitle = () => {
    byId("facility").textContent = inLanguage(nameOf(places.facility)) || say("app.beds");
  };
  const show = () => {
    showTitle();
    places.render();
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
    // In the list of facilities letters look for a name.
    if (event.target.closest("select") || event.ctrlKey || event.altKey || event.metaKey) return;
    const key = event.key.toLowerCase();
    if (key === "l") changeLanguage();
    if (key === "f") {
      // The list itself would take the letter for a name's first.
      event.preventDefault();
      byId("place").focus();
    }
    if (key === "b" || event.key === "Escape") window.location.assign("/");
  });
  const tell = () => {
    byId("clock").textContent = timeOfDay(serverNow());
    tick();
  };
  tell();
  // Countdowns of holds go on between two answers.
  setInterval(tell, 1000);
}

start();
