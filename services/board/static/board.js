// The alert board.
import { Alerts } from "./alerts.js";
import { Centre } from "./centre.js";
import { Episode } from "./episode.js";
import { LiveStream, State } from "./live.js";
import { Answer, byId, call, learnTime, loadNames, nameOf, onSignedOut, serverNow, setCsrfToken, signIn, signedOut } from "./page.js";
import { Presence } from "./presence.js";
import { Referrals } from "./referrals.js";
import { Sound } from "./sound.js";
import { duration, inLanguage, loadTexts, say, timeOfDay, toggleLanguage } from "./texts.js";
import { strip, Wards } from "./wards.js";

const episode = new Episode();
let me, alerts, centre, referrals, wards, sound, stream;

async function start() {
  await loadTexts();
  me = await whoAmI();
  setCsrfToken(me.csrf_token);
  learnTime(me.now);
  sound = new Sound(showSound);
  alerts = new Alerts({ chosen, changed: choose });
  referrals = new Referrals({
    facility: me.facility,
    chosen,
    changed: (referral) => referral.episode === episode.name && episode.refresh(),
  });
  wards = new Wards(strip, me.facility);
  const parts = {
    alerts: {
      restart: () => alerts.restart(),
      change: (alert) => alerts.change(alert),
      state: (state, sinceMs) => {
        showConnection(state, sinceMs);
        if (state === State.LIVE) presence.tell();
      },
    },
    // Their own silence is not announced: the alerts come the same way, and are what counts.
    referrals: { restart: () => referrals.restart(), change: (referral) => referrals.change(referral) },
  };
  if (me.facility) parts.beds = wards.told;
  stream = new LiveStream(parts, me.heartbeat_s, me.facility ? { facility: me.facility } : {});
  centre = new Centre(() => {
    showPlace();
    presence.tell();
  });
  const presence = new Presence(() => stream.state === State.LIVE, () => centre.told);
  listen();
  showAll();
  loadNames(showAll);
  setInterval(tick, 1000);
  tick();
}

// Tries until the server answers: a board that is switched on before it must come up by itself.
async function whoAmI() {
  for (;;) {
    try {
      return await call("GET", "/api/me");
    } catch (error) {
      if (!(error instanceof Answer)) throw error;
      if (error.status === 401) return signedOut();
      showConnection(State.LOST, Date.now());
      await new Promise((resume) => setTimeout(resume, 2000));
    }
  }
}

// Without a choice of a person's, or a while after it, the most pressing alert's episode is shown.
const CHOICE_MS = 60_000;
let chosenAtMs = -Infinity;

function choose() {
  hear();
  if (performance.now() - chosenAtMs < CHOICE_MS) return;
  const first = alerts.ordered().find((alert) => alert.episode);
  if (first && first.episode !== episode.name) episode.show(first.episode);
}

function chosen(thing) {
  chosenAtMs = performance.now();
  episode.show(thing.episode);
}

function hear() {
  const isCutOff = stream && stream.state !== State.LIVE && stream.state !== State.CONNECTING;
  sound.play(isCutOff ? "lost" : alerts.sound);
}

function showConnection(state, sinceMs) {
  const banner = byId("connection-lost");
  const isCutOff = state === State.LOST || state === State.OUTAGE || state === State.REFUSED;
  document.body.dataset.connection = state;
  banner.hidden = !isCutOff;
  banner.dataset.since = String(sinceMs);
  byId("connection-title").textContent = say(`connection.${state}`);
  byId("connection").textContent = say(`connection.${state}`);
  if (sound) hear();
  // It stays and sounds: a wall that went to the page to sign in would be silent.
  byId("sign-in-again").hidden = state !== State.REFUSED;
}

function showSound() {
  const button = byId("sound");
  const muted = sound.mutedS;
  document.body.dataset.sound = sound.isBlocked ? "blocked" : muted ? "muted" : "on";
  byId("start").hidden = !sound.isBlocked;
  button.textContent = sound.isBlocked
    ? say("sound.blocked")
    : muted
      ? say("sound.muted", { time: duration(muted) })
      : say("sound.mute");
}

// Long before it ends, so that somebody is there to sign in anew.
const SESSION_WARNED_MS = 30 * 60_000;

function showSession() {
  const end = new Date(me.signed_in_until);
  const isNear = end - serverNow() < SESSION_WARNED_MS && stream.state === State.LIVE;
  byId("session-ends").hidden = !isNear;
  byId("session-ends").textContent = isNear ? say("session.ends", { time: timeOfDay(end) }) : "";
}

function tick() {
  byId("clock").textContent = timeOfDay(serverNow());
  showSession();
  alerts.tick();
  episode.tick();
  showSound();
  const banner = byId("connection-lost");
  if (!banner.hidden) {
    byId("connection-since").textContent = say("connection.since", {
      time: duration((Date.now() - Number(banner.dataset.since)) / 1000),
    });
  }
}

// Where this screen stands: people take it for that centre's.
function showPlace() {
  const facility = inLanguage(nameOf(me.facility)) || me.name;
  byId("facility").textContent = [facility, centre.name].filter(Boolean).join(" · ");
}

function showAll() {
  showPlace();
  centre.render();
  byId("connection").textContent = say(`connection.${stream.state}`);
  byId("connection-title").textContent = say(`connection.${stream.state}`);
  alerts.render();
  referrals.render();
  episode.render();
  wards.render();
  showSound();
}

function changeLanguage() {
  toggleLanguage();
  showAll();
}

function pressSound() {
  if (sound.isBlocked) sound.allow();
  else if (sound.mutedS) sound.unmute();
  else sound.mute();
}

function listen() {
  byId("language").addEventListener("click", changeLanguage);
  byId("sound").addEventListener("click", pressSound);
  byId("start").addEventListener("click", () => sound.allow());
  byId("sign-out").addEventListener("click", () => call("DELETE", "/api/session").finally(signIn));
  byId("sign-in-again").addEventListener("click", signIn);
  onSignedOut(() => stream.refuse());
  const keys = {
    ArrowDown: () => alerts.step(1),
    ArrowUp: () => alerts.step(-1),
    a: () => alerts.acknowledgePicked(),
    Enter: () => alerts.acknowledgePicked(),
    m: pressSound,
    l: changeLanguage,
    b: () => window.location.assign("/beds"),
  };
  document.addEventListener("keydown", (event) => {
    const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    // A button that has the focus is pressed by Enter already.
    const isElsewhere = event.key === "Enter" && event.target.closest("button, a, .referral");
    if (!act || isElsewhere || event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
    if (sound.isBlocked) sound.allow();
    event.preventDefault();
    act();
  });
}

start();
