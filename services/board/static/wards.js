// Beds: as a strip beside the alerts, and as a map of their own.
import { LiveStream, State } from "./live.js";
import { Answer, byId, call, element, secondsUntil, serverNow, signedOut } from "./page.js";
import { duration, inLanguage, say } from "./texts.js";

// Changes are told by a stream; what moves no count, and what a stream missed, is seen by asking.
const EVERY_MS = { live: 10_000, other: 3000 };
// Of several changes at once one answer tells.
const SOON_MS = 150;
const HEARTBEAT_S = 10;
const SHAPE = { FREE: "○", HELD: "◐", OCCUPIED: "●", CLEANING: "◇", BLOCKED: "✕" };
const STATES = ["FREE", "HELD", "OCCUPIED", "CLEANING", "BLOCKED"];
const STALE_S = 12 * 3600;

const plain = (value, prefix) => (value ?? "").replace(prefix, "");

export class Wards {
  // `draw(wards)` shows them; it is called again when they changed.
  constructor(draw, heartbeatS = HEARTBEAT_S) {
    this.draw = draw;
    this.wards = [];
    this.isAway = false;
    this.ask();
    this.stream = new LiveStream("/events/beds", heartbeatS, {
      restart: () => this.askSoon(),
      change: () => this.askSoon(),
      state: () => {},
    });
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
    try {
      this.wards = (await call("GET", "/api/beds")).wards ?? [];
      this.isAway = false;
    } catch (error) {
      if (!(error instanceof Answer)) throw error;
      if (error.status === 401) return signedOut();
      this.isAway = true;
    }
    this.render();
    this.askAfter(this.stream?.state === State.LIVE ? EVERY_MS.live : EVERY_MS.other);
  }

  render() {
    byId("beds-away").hidden = !this.isAway;
    byId("beds-none").hidden = this.isAway || this.wards.length > 0;
    this.draw(this.wards);
  }
}

// One tile for each kind of bed: how many are free of how many, and how old the count is.
export function strip(wards) {
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
  byId("beds").replaceChildren(
    ...[...kinds].map(([kind, sum]) =>
      element(
        "div",
        { className: `beds-kind ${sum.free ? "" : "full"}` },
        element("strong", { text: `${sum.free}` }),
        element("span", { text: ` / ${sum.beds} ${say("beds.free")}` }),
        element("h3", { text: say(`bedtype.${kind}`) }),
        element("p", { className: isStale(sum.confirmed) ? "age stale" : "age", text: age(sum.confirmed) }),
      ),
    ),
  );
}

// Ward by ward, bed by bed.
export function map(wards) {
  byId("wards").replaceChildren(
    ...wards.map((ward) =>
      element(
        "section",
        { className: "ward" },
        element("h2", { text: `${inLanguage(ward.name) || ward.id} · ${say(`bedtype.${plain(ward.bed_type, "BED_TYPE_")}`)}` }),
        element("p", { className: "counts", text: counts(ward) }),
        element("p", { className: isStale([ward.confirmed_at]) ? "age stale" : "age", text: age([ward.confirmed_at]) }),
        element("div", { className: "tiles" }, ...(ward.beds ?? []).map(tile)),
      ),
    ),
  );
}

function tile(bed) {
  const state = plain(bed.state, "BED_STATE_") || "FREE";
  const hold = state === "HELD" ? bed.hold : null;
  return element(
    "div",
    { className: `bed ${state.toLowerCase()}`, "data-bed": bed.id, title: say(`bed.${state}`) },
    element("span", { className: "shape", text: SHAPE[state] }),
    element("span", { className: "id", text: bed.id }),
    element("span", { className: "state", text: say(`bed.${state}`) }),
    hold ? element("span", { className: "hold", text: lease(hold) }) : null,
    bed.block_reason ? element("span", { className: "hold", text: bed.block_reason.text || bed.block_reason.code }) : null,
  );
}

function lease(hold) {
  const left = secondsUntil(hold.expires_at);
  if (hold.patient_in_transit) return left < 0 ? `${say("bed.on_road")} · ${say("bed.overdue")}` : say("bed.on_road");
  return say("bed.held_for", { time: duration(left) });
}

const counts = (ward) =>
  STATES.map((state) => `${SHAPE[state]} ${say(`bed.${state}`)} ${ward.counts?.[state.toLowerCase()] ?? 0}`).join("　");

// Of several counts the oldest; one that was never made is older than all.
function ageS(moments) {
  if (moments.some((moment) => !moment)) return null;
  return (serverNow() - Math.min(...moments.map((moment) => Date.parse(moment)))) / 1000;
}

const isStale = (moments) => (ageS(moments) ?? Infinity) > STALE_S;

function age(moments) {
  const seconds = ageS(moments);
  return seconds === null ? say("beds.never") : say("beds.confirmed", { time: duration(seconds) });
}
