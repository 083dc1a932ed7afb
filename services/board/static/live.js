// All that a page is told, on one wire: a browser opens six connections to a host for all its pages together. It is
// never taken for quiet when it is broken.
import { learnTime } from "./page.js";

export const State = { CONNECTING: "connecting", LIVE: "live", OUTAGE: "outage", LOST: "lost", REFUSED: "refused" };

const MISSED_MAX = 3;
const REOPEN_MS = 1000;

export class LiveStream {
  // `parts`: by name { restart(), change(resource, eventType), state?(state, sinceMs) }. The first one leads: its state
  // is that of the page. `asked` goes into the address.
  constructor(parts, heartbeatS, asked = {}) {
    this.parts = parts;
    this.names = Object.keys(parts);
    this.asked = { ...asked, parts: this.names.join(",") };
    this.silenceMs = heartbeatS * 1000 * MISSED_MAX;
    this.lastId = "";
    this.states = Object.fromEntries(this.names.map((name) => [name, State.CONNECTING]));
    this.sinceMs = Date.now();
    this.heardAtMs = Date.now();
    this.open();
    this.watching = setInterval(() => this.watch(), 250);
    this.cut = () => this.becomeAll(State.LOST);
    window.addEventListener("offline", this.cut);
  }

  get state() {
    return this.states[this.names[0]];
  }

  open() {
    const asked = new URLSearchParams(this.lastId ? { ...this.asked, after: this.lastId } : this.asked);
    const source = new EventSource(`/events?${asked}`);
    this.source = source;
    for (const name of this.names) this.listen(source, name, this.parts[name]);
    source.onerror = () => {
      if (this.source !== source || this.state === State.REFUSED) return;
      this.becomeAll(State.LOST);
      // The browser itself comes back after a cut, with the last id; after a refusal it gives up.
      if (source.readyState === EventSource.CLOSED) this.reopen();
    };
  }

  listen(source, name, part) {
    const on = (kind, act) =>
      source.addEventListener(`${name}.${kind}`, (event) => {
        if (this.source !== source) return;
        this.lastId = event.lastEventId;
        this.heardAtMs = Date.now();
        const content = JSON.parse(event.data);
        learnTime(content.now);
        act(content);
      });
    on("heartbeat", (content) => {
      this.become(name, State.LIVE);
      this.follow(content.pages);
    });
    on("change", (content) => {
      this.become(name, State.LIVE);
      part.change(content.resource, content.event_type);
    });
    on("restart", () => part.restart());
    on("outage", () => this.become(name, State.OUTAGE));
    on("refused", () => (name === this.names[0] ? this.refuse() : this.become(name, State.REFUSED)));
  }

  // A page that was loaded before its server was updated would go on with what it was: it is loaded anew, now that
  // the server lets it in.
  follow(pages) {
    this.pages ??= pages;
    if (pages !== this.pages) window.location.reload();
  }

  reopen() {
    this.source.close();
    clearTimeout(this.reopening);
    this.reopening = setTimeout(() => this.open(), REOPEN_MS);
  }

  // A wire that was cut without a word is seen by its silence.
  watch() {
    if (Date.now() - this.heardAtMs <= this.silenceMs || this.state === State.REFUSED) return;
    this.becomeAll(State.LOST);
    this.heardAtMs = Date.now();
    this.reopen();
  }

  // Nobody is signed in here any more: it does not come back by itself.
  refuse() {
    this.stop();
    this.becomeAll(State.REFUSED);
  }

  becomeAll(state) {
    for (const name of this.names) this.become(name, state);
  }

  become(name, state) {
    if (state === this.states[name]) return;
    this.states[name] = state;
    if (name === this.names[0]) this.sinceMs = Date.now();
    this.parts[name].state?.(state, Date.now());
  }

  stop() {
    clearInterval(this.watching);
    clearTimeout(this.reopening);
    window.removeEventListener("offline", this.cut);
    this.source.close();
  }
}
