// The timeline: what has happened until the moment, and what comes. Of a long list only the lines around now are made.
const SHOWN_BEFORE = 60;
const SHOWN_AFTER = 40;
const GLYPHS = { referrals: "◆", episodes: "○", consultations: "?", wards: "▬", desks: "▬", alerts: "▲", "standing-orders": "↻" };

class Timeline {
  constructor(go) {
    this.count = null;
    byId("timeline").addEventListener("click", (event) => {
      const line = event.target.closest("[data-at]");
      if (line) go(Number(line.dataset.at));
    });
  }

  show(at, again) {
    const count = countAt(story.entries, at);
    if (count === this.count && !again) return;
    this.count = count;
    byId("happened").textContent = say("replay_page.happened", { count, all: story.entries.length });
    byId("happened").dataset.count = count;
    const from = Math.max(0, count - SHOWN_BEFORE);
    const shown = story.entries.slice(from, count + SHOWN_AFTER);
    let before = "";
    const lines = shown.flatMap((entry, index) => {
      const line = this.line(entry, from + index, count);
      const heading = day(entry[0]) === before ? [] : [element("li", { class: "day" }, day(entry[0]))];
      before = day(entry[0]);
      return [...heading, line];
    });
    const list = byId("timeline");
    list.replaceChildren(...lines);
    const now = list.querySelector("[aria-current]") ?? list.firstElementChild;
    // Not scrollIntoView: that would move the page, too.
    if (now) list.scrollTop = now.offsetTop - list.clientHeight / 2;
  }

  line([at, aggregate, type, facility, number, detail], index, count) {
    const kind = aggregate.split("/")[0];
    const alert = alerts.get(aggregate);
    const attributes = { class: `${index < count ? "past" : "coming"} ${kind}`, "data-at": at, "data-index": index };
    if (index === count - 1) attributes["aria-current"] = "true";
    const what = [told(`event.${type}`, type), alert ? inLanguage(alert.title) : words(detail)].filter(Boolean).join(" · ");
    return element(
      "li",
      attributes,
      element("span", { class: "at" }, second(at)),
      element("span", { class: "glyph", "aria-hidden": "true" }, GLYPHS[kind] ?? "·"),
      element("span", { class: "what" }, what, element("small", {}, [placeName(facility), number].filter(Boolean).join(" · "))),
    );
  }
}

const words = (detail) => told(`milestone.${detail}`, told(`joined.${detail}`, detail));
