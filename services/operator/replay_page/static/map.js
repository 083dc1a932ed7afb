// The map: referrals stand at who has the patient, or move along their way; alerts stand at who must act.
const OVER = new Set(["CLOSED", "CANCELLED", "EXPIRED", "DECEASED", "ENTERED_IN_ERROR"]);
const ASKED = new Set(["AWAITING_APPROVAL", "REQUESTED", "INFO_REQUESTED", "DECLINED"]);
const AGREED = new Set(["ACCEPTED", "TRANSPORT_ARRANGED", "CANCEL_REQUESTED", "NO_SHOW"]);
const SEVERITIES = { CRITICAL: "▲", HIGH: "◆", INFORMATION: "●" };
const ARROWS = { UP: "↑", DOWN: "↓", LATERAL: "→" };
const CHIPS_MAX = 2;
const LABEL = 24;
// A tier's sign: more corners, more beds.
const SIGNS = { 0: 0, 1: 3, 2: 4, 3: 5, 4: 6, 5: 8 };

class Region {
  render() {
    this.layout = laidOut();
    const { at, rows, columns, width, height, left } = this.layout;
    const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": say("replay_page.map") });
    for (const [tier, y] of rows) {
      const label = { 1: "VILLAGE", 2: "TOWNSHIP", 3: "COUNTY", 4: "CITY", 5: "PROVINCE" }[tier];
      svg.append(draw("line", { x1: 0, x2: width, y1: y - 50, y2: y - 50, class: "tier" }), draw("text", { x: 4, y: y + 5, class: "tier-name" }, label ? say(`tier.${label}`) : say("replay_page.unplaced")));
    }
    for (const column of columns) svg.append(...this.community(column, height));
    svg.append(...this.roads());
    for (const each of at.values()) svg.append(this.place(each));
    this.named = [...at.values()].flatMap(covered);
    this.moving = draw("g", { class: "moving" });
    svg.append(this.moving);
    byId("map").replaceChildren(svg, left ? element("p", { class: "none" }, say("replay_page.facilities_more", { count: left })) : "");
  }

  community({ community, x, width }, height) {
    const name = story.communities[community] ? inLanguage(story.communities[community]) : community;
    const [first, more] = lines(name, width - 24);
    return [draw("rect", { x: x + 3, y: 2, width: width - 6, height: height - 4, rx: 12, class: "community" }), draw("text", { x: x + width / 2, y: 18, class: "community-name" }, more ? `${first}…` : first, draw("title", {}, name))];
  }

  roads() {
    const { at } = this.layout;
    return [...at.values()].flatMap((from) =>
      Object.keys(from.place.roads).filter((to) => at.has(to)).map((to) => draw("path", { d: way(from, at.get(to)).d, class: "road" })),
    );
  }

  place({ place, x, y, room, used }) {
    const name = inLanguage(place.name);
    return draw(
      "g",
      { class: used ? "place used" : "place", "data-place": place.id },
      sign(SIGNS[place.tier] ?? 0, x, y),
      ...lines(name, Math.max(70, room - 12)).map((line, index) => draw("text", { x, y: y + 29 + 16 * index }, line)),
      draw("title", {}, name),
    );
  }

  show(at) {
    const { at: places } = this.layout;
    const made = [];
    const standing = new Map();
    this.labels = [];
    let road = 0;
    const live = story.referrals.filter((each) => !OVER.has(pointAt(each.track, at)?.[1] ?? "CLOSED"));
    for (const each of live) {
      const [, state, origin, destination, custodian, departed, expected] = pointAt(each.track, at);
      const from = places.get(origin);
      const to = places.get(destination);
      const word = say(`replay_page.state.${state}`);
      if (state === "IN_TRANSIT") road += 1;
      if (state === "IN_TRANSIT" && from && to) {
        made.push(draw("path", { d: way(from, to).d, class: "way travelled" }), this.traveller(each, word, way(from, to), along(at, departed, expected)));
        continue;
      }
      if (from && to && (ASKED.has(state) || AGREED.has(state))) {
        made.push(draw("path", { d: way(from, to).d, class: `way ${ASKED.has(state) ? "asked" : "agreed"}` }));
      }
      const where = custodian || origin;
      if (places.has(where)) standing.set(where, [...(standing.get(where) ?? []), { each, word, state }]);
    }
    const asked = this.consultations(at, made);
    for (const [where, those] of standing) made.push(...this.chips(places.get(where), those));
    const open = this.alerts(at, made);
    this.moving.replaceChildren(...made);
    byId("under-way").textContent = say("replay_page.under_way", { live: live.length, road, asked, open });
  }

  traveller({ name, case: number, direction, green_channel: green }, word, { point }, share) {
    const { x, y } = point(share);
    const text = `${ARROWS[direction] ?? ""} ${number} ${word}`;
    const width = breadth(text) + 16;
    const { left, top } = this.beside(x, y, width);
    return draw(
      "g",
      { class: `traveller ${direction.toLowerCase()}`, "data-referral": name, "data-state": "IN_TRANSIT", "data-share": share.toFixed(3), transform: `translate(${x} ${y})` },
      draw("path", { d: "M0 -13 L13 0 L0 13 L-13 0 Z" }),
      draw("text", { y: 5, class: "arrow" }, green ? "★" : ARROWS[direction] ?? ""),
      draw("rect", { x: left, y: top, width, height: LABEL, rx: 5 }),
      draw("text", { x: left + width / 2, y: top + 17, class: "label" }, text),
    );
  }

  // Beside somebody on the way, on the side where it covers least: no name of a facility, no other label, and all of it on the map.
  beside(x, y, width) {
    const sides = [[17, -12], [-17 - width, -12], [-width / 2, -40], [-width / 2, 16]];
    const boxes = sides.map(([left, top]) => ({ x: x + left, y: y + top, width, height: LABEL, left, top }));
    const taken = [...this.named, ...this.labels];
    const cost = (box) => taken.reduce((sum, each) => sum + overlap(box, each), 0) + width * LABEL - overlap(box, { x: 0, y: 0, ...this.layout });
    const best = boxes.reduce((one, other) => (cost(other) < cost(one) ? other : one));
    this.labels.push(best);
    return best;
  }

  chips({ x, y }, those) {
    const shown = those.slice(0, CHIPS_MAX);
    const made = shown.map(({ each, word, state }, index) => {
      const text = `${each.green_channel ? "★" : ""}${ARROWS[each.direction] ?? ""} ${each.case} ${word}`;
      const width = breadth(text) + 14;
      const top = y + 50 + 24 * index;
      const left = Math.min(Math.max(2, x - width / 2), this.layout.width - width - 2);
      return draw("g", { class: "chip", "data-referral": each.name, "data-state": state }, draw("rect", { x: left, y: top, width, height: 22, rx: 5 }), draw("text", { x: left + width / 2, y: top + 16 }, text));
    });
    if (those.length > CHIPS_MAX) made.push(draw("text", { x: x + 24, y: y + 4, class: "more" }, `+${those.length - CHIPS_MAX}`));
    return made;
  }

  consultations(at, made) {
    const { at: places } = this.layout;
    const live = story.consultations.filter((each) => ["REQUESTED", "CLAIMED", "RETURNED"].includes(pointAt(each.track, at)?.[1]));
    for (const { name, requester, centre, track } of live) {
      if (!places.has(requester) || !places.has(centre)) continue;
      const { d, point } = way(places.get(requester), places.get(centre));
      const { x, y } = point(0.5);
      made.push(draw("g", { class: "question", "data-consultation": name, "data-state": pointAt(track, at)[1] }, draw("path", { d }), draw("circle", { cx: x, cy: y, r: 12 }), draw("text", { x, y: y + 5 }, "?")));
    }
    return live.length;
  }

  alerts(at, made) {
    const { at: places } = this.layout;
    const standing = new Map();
    let open = 0;
    for (const { facility, severity, track, drill } of story.alerts) {
      const state = pointAt(track, at)?.[1];
      if (state === "OPEN") open += 1;
      if (state !== "OPEN" && state !== "ACKNOWLEDGED") continue;
      const key = `${facility} ${severity} ${state}${drill ? " drill" : ""}`;
      standing.set(key, (standing.get(key) ?? 0) + 1);
    }
    const placed = new Map();
    for (const [key, count] of standing) {
      const [facility, severity, state, drill] = key.split(" ");
      if (!places.has(facility)) continue;
      const { x, y } = places.get(facility);
      const index = placed.get(facility) ?? 0;
      placed.set(facility, index + 1);
      const title = draw("title", {}, [say(`replay_page.severity.${severity}`), drill ? say("replay_page.drill") : ""].join(" "));
      made.push(draw("text", { x: x + 22 + 36 * index, y: y - 8, class: `alert ${severity.toLowerCase()} ${state.toLowerCase()}`, "data-alerts": count, "data-state": state, "data-facility": facility }, `${SEVERITIES[severity] ?? "●"}${state === "OPEN" ? "" : "✓"}${count > 1 ? count : ""}`, title));
    }
    return open;
  }
}

// What of a facility no label may cover: its sign, and each line of its name as `place` draws it.
function covered({ place, x, y, room }) {
  const names = lines(inLanguage(place.name), Math.max(70, room - 12));
  return [{ x: x - 16, y: y - 16, width: 32, height: 32 }, ...names.map((line, index) => ({ x: x - breadth(line) / 2, y: y + 15 + 16 * index, width: breadth(line), height: 18 }))];
}

function overlap(one, other) {
  const across = Math.min(one.x + one.width, other.x + other.width) - Math.max(one.x, other.x);
  const down = Math.min(one.y + one.height, other.y + other.height) - Math.max(one.y, other.y);
  return across > 0 && down > 0 ? across * down : 0;
}

// How far somebody is who left and is expected; half-way where nobody said when, and never there before he arrived.
const along = (at, departed, expected) =>
  expected && expected > departed ? Math.min(0.86, Math.max(0.12, (at - departed) / (expected - departed))) : 0.5;

// A curve, so that the way there and the way back are two.
function way(from, to) {
  const bend = 0.16;
  const x = (from.x + to.x) / 2 + (from.y - to.y) * bend;
  const y = (from.y + to.y) / 2 + (to.x - from.x) * bend;
  const point = (share) => ({
    x: (1 - share) ** 2 * from.x + 2 * share * (1 - share) * x + share ** 2 * to.x,
    y: (1 - share) ** 2 * from.y + 2 * share * (1 - share) * y + share ** 2 * to.y,
  });
  return { d: `M${from.x} ${from.y} Q${x} ${y} ${to.x} ${to.y}`, point };
}

function sign(corners, x, y) {
  if (!corners) return draw("circle", { cx: x, cy: y, r: 11 });
  const points = Array.from({ length: corners }, (_, index) => {
    const angle = (index / corners) * 2 * Math.PI - Math.PI / 2 + (corners % 2 ? 0 : Math.PI / corners);
    return `${(x + 14 * Math.cos(angle)).toFixed(1)},${(y + 14 * Math.sin(angle)).toFixed(1)}`;
  });
  return draw("polygon", { points: points.join(" ") });
}
