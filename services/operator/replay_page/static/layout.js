// Where facilities stand on the map. The directory has no coordinates, so this is a scheme: a row a tier, the province
// above, and a column a community.
const WIDE = { width: 1040, row: 8, margin: 76 };
const NARROW = { width: 400, row: 3, margin: 40 };
const ROW = 118;
const TOP = 26;

function involved() {
  const used = new Set();
  for (const { track } of story.referrals) for (const point of track) [point[2], point[3], point[4]].forEach((id) => used.add(id));
  for (const { requester, centre } of story.consultations) used.add(requester).add(centre);
  for (const { facility } of story.alerts) used.add(facility);
  used.delete("");
  return used;
}

// Those that take part, then those that share a community with one of them, then the others, as far as a row has room.
function chosen(limit) {
  const used = involved();
  const near = new Set(story.places.filter((each) => used.has(each.id) && each.community).map((each) => each.community));
  const rank = (each) => (used.has(each.id) ? 0 : near.has(each.community) ? 1 : 2);
  const order = [...story.places].sort((one, other) => rank(one) - rank(other) || (one.id < other.id ? -1 : 1));
  const taken = new Map();
  const shown = order.filter((each) => {
    const count = (taken.get(each.tier) ?? 0) + 1;
    // Of those that take no part only a few: they are there to show where the others stand.
    if (count > (rank(each) === 2 ? limit / 2 : limit)) return false;
    taken.set(each.tier, count);
    return true;
  });
  return { shown, left: story.places.length - shown.length, used };
}

function laidOut() {
  const size = window.matchMedia("(max-width: 900px)").matches ? NARROW : WIDE;
  const { shown, left, used } = chosen(size.row);
  const tiers = [...new Set(shown.map((each) => each.tier))].sort((one, other) => other - one);
  const rows = new Map(tiers.map((tier, index) => [tier, TOP + ROW * index + 30]));
  const columns = columnsOf(shown, size);
  const at = new Map();
  for (const tier of tiers) {
    for (const column of columns) {
      const members = shown.filter((each) => each.tier === tier && columnOf(each, columns) === column);
      members.forEach((each, index) => {
        const width = column.width / members.length;
        at.set(each.id, { place: each, x: column.x + width * (index + 0.5), y: rows.get(tier), room: width, used: used.has(each.id) });
      });
    }
  }
  return { at, rows, columns: columns.filter((each) => each.community), left, width: size.width, margin: size.margin, height: TOP + ROW * tiers.length };
}

// A column is as wide as the most of its facilities that stand in one row.
function columnsOf(shown, { width, margin, row }) {
  // In the order of `shown`: those that take part stand together on the left, those of no community on the right.
  const communities = [...new Set(shown.map((each) => each.community))].sort((one, other) => (one === "") - (other === ""));
  const weights = communities.map((community) => {
    const members = shown.filter((each) => each.community === community);
    return Math.max(...members.map((one) => members.filter((other) => other.tier === one.tier).length));
  });
  const whole = weights.reduce((sum, each) => sum + each, 0);
  // Of so many communities no column would be as wide as a name: the rows are filled instead.
  if (whole > 1.5 * row) return [{ community: "", x: margin, width: width - margin }];
  let x = margin;
  return communities.map((community, index) => {
    const column = { community, x, width: ((width - margin) * weights[index]) / whole };
    x += column.width;
    return column;
  });
}
const columnOf = (place, columns) => columns.find((each) => each.community === place.community) ?? columns[0];

const breadthOf = (sign) => (sign.charCodeAt(0) > 255 ? 15.5 : 8.1);
const breadth = (text) => [...text].reduce((sum, sign) => sum + breadthOf(sign), 0);

// A name in two lines that fit; what does not fit ends in dots.
function lines(text, room) {
  const parts = /[^\x00-\xff]/.test(text) ? [...text] : text.split(/(?<= )/);
  const made = [""];
  for (const part of parts) {
    if (made[made.length - 1] && breadth(made[made.length - 1] + part.trimEnd()) > room) made.push("");
    made[made.length - 1] += part;
  }
  if (made.length <= 2) return made.map((each) => each.trim());
  let last = made[1].trim();
  while (last && breadth(`${last}…`) > room) last = last.slice(0, -1);
  return [made[0].trim(), `${last}…`];
}
