// The facilities whose beds a person may look at, as a list to choose from: by mouse, finger or keyboard.
import { Answer, byId, call, element, nameOf, signedOut } from "./page.js";
import { inLanguage, say } from "./texts.js";

const RETRY_MS = 5000;

export class BedPlaces {
  // `chosen(facility)` is told of a choice by the person; the address keeps it, so that it can be sent on.
  constructor(own, chosen) {
    this.own = own;
    this.places = [];
    this.communities = {};
    this.select = byId("place");
    this.facility = this.inAddress();
    this.select.addEventListener("change", () => {
      const facility = this.select.value;
      if (!facility || facility === this.facility) return;
      history.pushState(null, "", `?facility=${encodeURIComponent(facility)}`);
      this.become(facility, chosen);
    });
    window.addEventListener("popstate", () => this.become(this.inAddress(), chosen));
    this.load();
  }

  inAddress() {
    return new URLSearchParams(window.location.search).get("facility") || this.own;
  }

  become(facility, chosen) {
    this.facility = facility;
    this.render();
    chosen(facility);
  }

  async load() {
    try {
      const found = await call("GET", "/api/bed-places");
      this.places = found.facilities;
      this.communities = found.communities;
      this.render();
    } catch (error) {
      if (!(error instanceof Answer)) throw error;
      if (error.status === 401) return signedOut();
      setTimeout(() => this.load(), RETRY_MS);
    }
  }

  render() {
    this.select.setAttribute("aria-label", say("beds.place"));
    byId("beds-choose").hidden = this.facility !== "";
    const known = new Map(this.places.map((place) => [place.id, place]));
    // One that is shown is always in the list, also when it is of another community or the list is to come.
    for (const id of [this.own, this.facility]) {
      if (id && !known.has(id)) known.set(id, { id, name: nameOf(id), community: "", beds: null });
    }
    const groups = new Map();
    for (const place of [...known.values()].sort(this.before)) {
      groups.set(place.community, [...(groups.get(place.community) ?? []), place]);
    }
    const shown = [...groups].map(([community, places]) =>
      groups.size === 1
        ? places.map((place) => this.option(place))
        : [
            element(
              "optgroup",
              { label: inLanguage(this.communities[community]) || say("beds.no_community") },
              ...places.map((place) => this.option(place)),
            ),
          ],
    );
    const none = this.facility ? [] : [element("option", { value: "", text: say("beds.choose") })];
    this.select.replaceChildren(...none, ...shown.flat());
    this.select.value = this.facility;
  }

  // One's own comes first, then who has beds: most of a community are villages without any.
  before = (one, other) => {
    const rank = (place) => (place.id === this.own ? 2 : place.beds > 0 ? 1 : 0);
    const byName = inLanguage(one.name).localeCompare(inLanguage(other.name));
    return rank(other) - rank(one) || byName || one.id.localeCompare(other.id);
  };

  option(place) {
    const name = inLanguage(place.name) || place.id;
    const own = place.id === this.own ? say("beds.own") : "";
    const beds = place.beds === null ? "" : place.beds ? say("beds.many", { beds: place.beds }) : say("beds.no_beds");
    return element("option", { value: place.id, text: [name, own, beds].filter(Boolean).join(" · ") });
  }
}
