// Which centre this screen hangs for: a centre whose screens are all dark is called by other ways at once. Without
// one, such as a telephone or an office, it is a screen of the facility.
import { Answer, byId, call, element, signedOut } from "./page.js";
import { inLanguage, say } from "./texts.js";

const KEPT = "tierlink.centre";
const RETRY_MS = 5000;

export class Centre {
  // `changed()`: another was chosen, or their names are known.
  constructor(changed) {
    this.changed = changed;
    // Until the service has told which the facility has.
    this.known = null;
    const asked = new URLSearchParams(window.location.search).get("centre");
    this.code = asked ?? localStorage.getItem(KEPT) ?? "";
    byId("centre").addEventListener("change", (event) => this.choose(event.target.value));
    this.keep();
    this.load();
  }

  choose(code) {
    this.code = code;
    this.keep();
    this.render();
    this.changed();
  }

  // By the address a wall can be told from outside; the browser keeps it for when it comes back by itself.
  keep() {
    localStorage.setItem(KEPT, this.code);
    history.replaceState(null, "", this.code ? `/?${new URLSearchParams({ centre: this.code })}` : "/");
  }

  async load() {
    try {
      this.known = (await call("GET", "/api/centres")).centres;
      this.render();
      this.changed();
    } catch (error) {
      if (!(error instanceof Answer)) throw error;
      if (error.status === 401) return signedOut();
      setTimeout(() => this.load(), RETRY_MS);
    }
  }

  // One that the facility does not have is not taken for another: the page says so, and counts for the facility.
  get isUnknown() {
    return this.code !== "" && this.known !== null && !this.known.some((each) => each.code === this.code);
  }

  // What it says with its signs of life.
  get told() {
    return this.isUnknown ? "" : this.code;
  }

  get name() {
    const found = (this.known ?? []).find((each) => each.code === this.code);
    return found ? inLanguage(found.name) : this.isUnknown ? "" : this.code;
  }

  render() {
    const select = byId("centre");
    const centres = this.known ?? [];
    select.hidden = centres.length === 0;
    select.setAttribute("aria-label", say("centre.choose"));
    select.replaceChildren(
      element("option", { value: "", text: say("centre.none") }),
      ...centres.map((each) => element("option", { value: each.code, text: inLanguage(each.name) })),
    );
    select.value = this.isUnknown ? "" : this.code;
    byId("centre-unknown").hidden = !this.isUnknown;
    byId("centre-unknown").textContent = this.isUnknown ? say("centre.unknown", { centre: this.code }) : "";
  }
}
