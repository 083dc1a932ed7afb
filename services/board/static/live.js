// A stream that is never taken for quiet when it is broken.
import { learnTime } from "./page.js";

export const State = { CONNECTING: "connecting", LIVE: "live", OUTAGE: "outage", LOST: "lost", REFUSED: "refused" };

const MISSED_MAX = 3;
const REOPEN_MS = 1000;

export class LiveStream {
  // `told`: restart(), change(resource, eventType), state(state, sinceMs); `asked` goes into the address.
  constructor(path, heartbeatS, told, asked = {}) {
    this.path = path;
    this.asked = asked;
    this.told = told;
    this.silenceMs = heartbeatS * 1000 * MISSED_MAX;
    this.lastId = "";
    this.state = State.CONNECTING;
    this.sinceMs = Date.now();
    this.heardAtMs = Date.now();
    this.open();
    this.watching = setInterval(() => this.watch(), 250);
    window.addEventListener("offline", () => this.become(State.LOST));
  }

  open() {
    const asked = new URLSearchParams(this.lastId ? { ...this.asked, after: this.lastId } : this.asked).toString();
    const source = new EventSource(asked ? `${this.path}?${asked}` : this.path);
    this.source = source;
    const on = (kind, act) =>
      source.addEventListener(kind, (event) => {
        if (this.source !== source) return;
        if (event.lastEventId) this.lastId = event.lastEventId;
        this.heardAtMs = Date.now();
        const content = JSON.parse(event.data);
        learnTime(content.now);
        act(content);
      });
    on("heartbeat", () => this.become(State.LIVE));
    on("change", (content) => {
      this.become(State.LIVE);
      this.told.change(content.resource, content.event_type);
    });
    on("restart", () => this.told.restart());
    on("outage", () => this.become(State.OUTAGE));
    on("refused", () => this.refuse());
    source.onerror = () => {
      if (this.source !== source || this.state === State.REFUSED) return;
      this.become(State.LOST);
      // The browser itself comes back after a cut, with the last id; after a refusal it gives up.
      if (source.readyState === EventSource.CLOSED) this.reopen();
    };
  }

  reopen() {
    this.source.close();
    clearTimeout(this.reopening);
    this.reopening = setTimeout(() => this.open(), REOPEN_MS);
  }

  // A wire that was cut without a word is seen by its silence.
  watch() {
    if (Date.now() - this.heardAtMs <= this.silenceMs || this.state === State.REFUSED) return;
    this.become(State.LOST);
    this.heardAtMs = Date.now();
    this.reopen();
  }

  // Nobody is signed in here any more: it does not come back by itself.
  refuse() {
    this.stop();
    this.become(State.REFUSED);
  }

  become(state) {
    if (state === this.state) return;
    this.state = state;
    this.sinceMs = Date.now();
    this.told.state(state, this.sinceMs);
  }

  stop() {
    clearInterval(this.watching);
    clearTimeout(this.reopening);
    this.source.close();
  }
}
