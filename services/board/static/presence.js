// This screen's sign of life. The server takes a facility without one for a facility without a board, and calls
// people at once. Only a page that could show an alert now, to somebody who could see it, says that it is there.
import { Answer, call, signedOut } from "./page.js";

const EVERY_MS = 4000;

export class Presence {
  // `isShowing()`: whether an alert that comes now would be on this page; `centre()`: which it hangs for.
  constructor(isShowing, centre) {
    this.isShowing = isShowing;
    this.centre = centre;
    setInterval(() => this.tell(), EVERY_MS);
    document.addEventListener("visibilitychange", () => this.tell());
  }

  async tell() {
    if (document.visibilityState !== "visible" || !this.isShowing()) return;
    try {
      await call("POST", "/api/presence", { centre: this.centre() });
    } catch (error) {
      if (!(error instanceof Answer)) throw error;
      // The stream says loudly when nobody can be reached; the next sign of life is soon.
      if (error.status === 401) signedOut();
    }
  }
}
