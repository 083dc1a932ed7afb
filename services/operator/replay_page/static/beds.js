// Wards, and what their beds are at a moment. Each state has a letter and a pattern beside its colour.
const STATES = ["free", "held", "occupied", "cleaning", "blocked"];
const WARDS_MAX = 80;

class Beds {
  constructor() {
    // Those where something changes come first; what is first stays first whatever the moment is.
    const changes = (ward) => ward.track.filter((point) => point[0] >= story.begins_at).length;
    this.wards = story.wards.map((ward) => ({ ward, changes: changes(ward) })).sort((one, other) => other.changes - one.changes);
    this.left = Math.max(0, this.wards.length - WARDS_MAX);
    this.wards = this.wards.slice(0, WARDS_MAX).map(({ ward }) => ward);
    this.cards = new Map();
  }

  render() {
    byId("bed-key").replaceChildren(
      ...STATES.map((state) => element("span", { class: `key ${state}` }, element("i"), say(`replay_page.${state}`))),
    );
    this.cards.clear();
    const list = this.wards.map((ward) => {
      const bar = element("div", { class: "bar" });
      const counts = element("p", { class: "counts" });
      const kind = told(`replay_page.bed_type.${ward.bed_type}`, ward.bed_type);
      const name = inLanguage(ward.name);
      const title = element("h3", {}, name && name !== kind ? `${name} · ${kind}` : kind);
      const card = element("div", { class: "ward", "data-ward": ward.id }, title, element("p", { class: "where" }, placeName(ward.facility)), bar, counts);
      this.cards.set(ward.id, { card, bar, counts });
      return card;
    });
    if (!list.length) list.push(element("p", { class: "none" }, say("replay_page.no_wards")));
    if (this.left) list.push(element("p", { class: "none" }, say("replay_page.wards_more", { count: this.left })));
    byId("beds").replaceChildren(...list);
  }

  show(at) {
    for (const ward of this.wards) {
      const { card, bar, counts } = this.cards.get(ward.id);
      const point = pointAt(ward.track, at);
      const numbers = point ? point.slice(1) : [];
      const written = numbers.join(" ");
      if (card.dataset.counts === written) continue;
      const changed = card.dataset.counts !== undefined;
      card.dataset.counts = written;
      bar.replaceChildren(
        ...STATES.map((state, index) => {
          const part = element("span", { class: state });
          part.style.flexGrow = numbers[index] ?? 0;
          return part;
        }),
      );
      counts.replaceChildren(
        ...STATES.map((state, index) => [state, numbers[index] ?? 0])
          .filter(([state, number]) => number || state === "free" || state === "held" || state === "occupied")
          .map(([state, number]) => element("span", { class: number ? "some" : "" }, `${say(`replay_page.${state}`)} ${number}`)),
      );
      if (changed) flash(card);
    }
  }
}

function flash(card) {
  card.classList.remove("changed");
  void card.offsetWidth; // begins the animation anew
  card.classList.add("changed");
}
