// Beds of a facility as they change, and the strip of them beside the alerts.
import { State } from "./live.js";
import { Answer, byId, call, element, serverNow, signedOut } from "./page.js";
import { say } from "./texts.js";

// Changes are told by a stream; what moves no count, and what a stream missed, is seen by asking.
const EVERY_MS = { live: 10_000, other: 3000 };
// In this order, always: eyes look for a tile where it was.
const KINDS = ["ICU", "CCU", "STROKE_UNIT", "MATERNITY", "NICU", "ISOLATION", "GENERAL", "REHABILITATION", "DIALYSIS_STATION"];
// Of several changes at once one answer tells.
const SOON_MS = 150;

export const plain = (value, prefix) => (value ?? "").replace(prefix, "");

export class Wards {
  // `draw(wards, staleAfterS)` shows them; it is called again when they changed.
  // Without a facility there is nothing to show until one is chosen.
  constructor(draw, facility) {
    this.draw = draw;
    // What a live stream tells of this facility's beds.
    this.told = {
      restart: () => this.askSoon(),
      change: () => this.askSoon(),
      state: (state) => (this.isTold = state === State.LIVE),
    };
    this.choose(facility);
  }

  choose(facility) {
    clearTimeout(this.asking);
    this.asking = null;
    this.facility = facility;
    this.wards = [];
    this.staleAfterS = Infinity;
    this.isKnown = false;
    this.isAway = false;
    this.isTold = false;
    this.render();
    if (facility) this.ask();
  }

  askSoon() {
    this.askAfter(SOON_MS);
  }

  askAfter(delayMs) {
    const atMs = Date.now() + delayMs;
    // What is asked for sooner stays: changes that go on must not put the answer off.
    if (this.asking && this.askedAtMs <= atMs) return;
    clearTimeout(this.asking);
    this.askedAtMs = atMs;
    this.asking = setTimeout(() => this.ask(), delayMs);
  }

  async ask() {
    this.asking = null;
    const facility = this.facility;
    try {
      const found = await call("GET", `/api/beds?facility=${encodeURIComponent(facility)}`);
      if (facility !== this.facility) return;
      this.wards = (found.wards ?? []).sort(byKind);
      // The site's limit is the bed service's to say.
      this.staleAfterS = found.stale_after_s ?? Infinity;
      this.isKnown = true;
      this.isAway = false;
    } catch (error) {
      if (!(error instanceof Answer)) throw error;
      if (error.status === 401) return signedOut();
      // Another facility was chosen meanwhile: this answer says nothing of it.
      if (facility !== this.facility) return;
      this.isAway = true;
    }
    this.render();
    this.askAfter(this.isTold ? EVERY_MS.live : EVERY_MS.other);
  }

  render() {
    byId("beds-away").hidden = !this.isAway;
    byId("beds-none").hidden = this.isAway || !this.isKnown || this.wards.length > 0;
    this.draw(this.wards, this.staleAfterS);
  }
}

const rank = (ward) => KINDS.indexOf(plain(ward.bed_type, "BED_TYPE_"));
const byKind = (one, other) => rank(one) - rank(other) || one.id.localeCompare(other.id);

// One tile for each kind of bed: how many are free of how many, and how old the count is.
export function strip(wards, staleAfterS) {
  const kinds = new Map();
  for (const ward of wards) {
    const kind = plain(ward.bed_type, "BED_TYPE_");
    const sum = kinds.get(kind) ?? { free: 0, beds: 0, held: 0, confirmed: [] };
    sum.free += ward.counts?.free ?? 0;
    sum.held += ward.counts?.held ?? 0;
    sum.beds += ward.counts?.beds ?? 0;
    sum.confirmed.push(ward.confirmed_at);
    kinds.set(kind, sum);
  }
  byId("beds").replaceChildren(...[...kinds].map(([kind, sum]) => kindTile(kind, sum, staleAfterS)));
}

function kindTile(kind, sum, staleAfterS) {
  const { line } = age(sum.confirmed, staleAfterS);
  const isStale = line.classList.contains("stale");
  return element(
    "div",
    { className: `beds-kind ${isStale ? "stale" : ""} ${sum.free ? "" : "full"}`, "data-kind": kind },
    element("strong", { text: `${sum.free}` }),
    element("span", { text: ` / ${sum.beds} ${say("beds.free")}` }),
    element("h3", { text: say(`bedtype.${kind}`) }),
    line,
  );
}

// Of several counts the oldest; one that was never made is older than all.
function ageS(moments) {
  if (moments.some((moment) => !moment)) return null;
  return (serverNow() - Math.min(...moments.map((moment) => Date.parse(moment)))) / 1000;
}

// How old counts are, as a line that is told the time by `tick`: stale is marked by a sign and by words.
export function age(moments, staleAfterS) {
  const line = element("p", { className: "age" });
  const tick = () => {
    const seconds = ageS(moments);
    const isStale = seconds === null || seconds > staleAfterS;
    line.classList.toggle("stale", isStale);
    const told = seconds === null ? say("beds.never") : counted(seconds);
    line.textContent = isStale && seconds !== null ? `${told} · ${say("beds.stale")}` : told;
  };
  tick();
  return { line, tick };
}

const counted = (seconds) =>
  seconds < 60 ? say("beds.confirmed_now") : say("beds.confirmed", { time: span(seconds) });

// An age is read at a glance, and days are no longer counted in hours.
function span(seconds) {
  const minutes = Math.max(0, Math.floor(seconds / 60));
  if (minutes < 60) return say("span.minutes", { minutes });
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return say("span.hours", { hours, minutes: minutes % 60 });
  return say("span.days", { days: Math.floor(hours / 24), hours: hours % 24 });
}
