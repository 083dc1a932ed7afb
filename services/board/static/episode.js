// One episode: its clocks with what is left of them, and its timeline as a Gantt chart. A handful of bars and marks is
// drawn here, in the page's own sizes: a library for charts would be a megabyte to load, vendor and keep safe.
import { Answer, byId, call, element, secondsUntil, serverNow, signedOut } from "./page.js";
import { duration, inLanguage, say, timeOfDay } from "./texts.js";

const SHAPE = { GREEN: "●", AMBER: "◆", RED: "▲", OVER: "■" };
const SVG = "http://www.w3.org/2000/svg";

// Where the minutes at the destination come from: what it took lately, or what the site set.
const door = (budget) =>
  say(`clock.door.${budget.door_source}`, { door: budget.door_minutes, count: budget.door_count });

function light(budget) {
  if (secondsUntil(budget.leave_by) <= 0) return "OVER";
  if (secondsUntil(budget.red_at) <= 0) return "RED";
  return secondsUntil(budget.amber_at) <= 0 ? "AMBER" : "GREEN";
}

export class Episode {
  constructor() {
    this.name = "";
    this.shown = null;
    this.asked = 0;
  }

  async show(name) {
    if (!name) return;
    this.name = name;
    await this.refresh();
  }

  // Asks for it again; answers that were overtaken are dropped.
  async refresh() {
    if (!this.name) return;
    const asked = (this.asked += 1);
    try {
      const found = await call("GET", `/api/episodes/${this.name.slice("episodes/".length)}`);
      if (asked === this.asked) this.render(found);
    } catch (error) {
      if (!(error instanceof Answer)) throw error;
      if (error.status === 401) return signedOut();
      if (asked === this.asked && error.status !== 0 && error.status !== 503) this.clear("episode.gone");
    }
  }

  clear(text) {
    this.shown = null;
    byId("clocks").replaceChildren(element("p", { className: "none", text: say("clock.none") }));
    byId("gantt").replaceChildren(element("p", { className: "none", text: say(text) }));
  }

  render(found = this.shown) {
    if (!found) return this.clear("episode.pick");
    this.shown = found;
    const clocks = found.episode.clocks ?? [];
    const budgets = new Map((found.budgets ?? []).map((each) => [`${each.key}/${each.facility ?? ""}`, each]));
    const running = [];
    const stopped = [];
    for (const clock of clocks) {
      const budget = budgets.get(`${clock.key}/${clock.facility ?? ""}`);
      if (budget) running.push([budget, this.running(clock, budget)]);
      else if (clock.stopped_at) stopped.push(this.stopped(clock));
    }
    running.sort(([one], [other]) => Date.parse(one.leave_by) - Date.parse(other.leave_by));
    byId("clocks").classList.toggle("many", running.length > 2);
    byId("clocks").replaceChildren(...running.map(([, shown]) => shown), ...stopped);
    if (!byId("clocks").children.length) {
      byId("clocks").append(element("p", { className: "none", text: say("clock.none") }));
    }
    byId("gantt").replaceChildren(this.gantt(found));
    this.tick();
  }

  running(clock, budget) {
    const how = budget.travels
      ? say("clock.budget", { drive: budget.drive_minutes, door: budget.door_minutes })
      : say("clock.target", { target: Math.round(Number(clock.target_s) / 60) });
    return element(
      "div",
      { className: "clock", "data-budget": JSON.stringify(budget) },
      element("span", { className: "shape" }),
      element("h3", { text: inLanguage(clock.label) }),
      element("strong", { className: "countdown" }),
      element("p", {
        className: "by",
        text: `${say(budget.travels ? "clock.leave_by" : "clock.stop_by")} ${timeOfDay(budget.leave_by)}`,
      }),
      element("p", { className: "how", text: how }),
      budget.travels ? element("p", { className: "how door", text: door(budget) }) : null,
    );
  }

  stopped(clock) {
    const isMet = clock.status === "CLOCK_STATUS_MET";
    return element(
      "div",
      { className: `clock stopped ${isMet ? "met" : "missed"}` },
      element("span", { className: "shape", text: isMet ? "✓" : "✗" }),
      element("h3", { text: inLanguage(clock.label) }),
      element("strong", { text: duration(Number(clock.elapsed_s)) }),
      element("p", {
        className: "by",
        text: `${say(isMet ? "clock.met" : "clock.missed")} · ${say("clock.target", {
          target: Math.round(Number(clock.target_s) / 60),
        })}`,
      }),
    );
  }

  tick() {
    for (const shown of document.querySelectorAll("#clocks [data-budget]")) {
      const budget = JSON.parse(shown.dataset.budget);
      const colour = light(budget);
      shown.dataset.light = colour;
      shown.querySelector(".shape").textContent = SHAPE[colour];
      const left = secondsUntil(budget.leave_by);
      shown.querySelector(".countdown").textContent = (left < 0 ? "+" : "") + duration(Math.abs(left));
      shown.title = colour === "OVER" ? say("clock.over") : say(`light.${colour}`);
    }
  }

  // Rows: the clocks as bars, the milestones as marks on one axis.
  gantt(found) {
    const milestones = found.episode.milestones ?? [];
    const clocks = (found.episode.clocks ?? []).filter((clock) => clock.started_at);
    const times = [
      ...milestones.map((each) => Date.parse(each.occurred_at)),
      ...clocks.map((clock) => Date.parse(clock.started_at)),
    ];
    if (!times.length) return element("p", { className: "none", text: say("episode.pick") });
    const isOpen = found.episode.state === "EPISODE_STATE_OPEN";
    const last = Math.max(...times, ...clocks.map((clock) => Date.parse(clock.stopped_at ?? clock.started_at)));
    const from = Math.min(...times);
    const to = Math.max(isOpen ? Math.min(serverNow(), last + 6 * 3600e3) : last, from + 60e3);
    return chart({ from, to, clocks, milestones });
  }
}

const ROW = 44;
// Units of the picture: fewer of them are larger signs. A telephone is as wide as a third of a wall's column.
const NARROW = { width: 560, label: 256 };
const WIDE = { width: 1100, label: 390 };
const SIGN = { wide: 26, capital: 18, narrow: 14 };
const BAR = 30;
const LINE = 30;
const LINES_MAX = 6;

const breadthOf = (sign) => (sign.charCodeAt(0) > 255 ? SIGN.wide : /[A-Z]/.test(sign) ? SIGN.capital : SIGN.narrow);
const breadth = (label) => [...label].reduce((sum, sign) => sum + breadthOf(sign), 0);

// As much of a label as there is room for.
function fitted(label, room) {
  if (breadth(label) <= room) return label;
  let kept = label;
  while (kept && breadth(kept) > room - SIGN.wide) kept = kept.slice(0, -1);
  return `${kept.trimEnd()}…`;
}

function chart({ from, to, clocks, milestones }) {
  const { width: across, label: margin } = window.matchMedia("(max-width: 900px)").matches ? NARROW : WIDE;
  const x = (moment) => margin + ((Date.parse(moment) - from) / (to - from)) * (across - margin - 20);
  const axis = ROW * clocks.length + 22;
  const svg = draw("svg", { role: "img" });
  for (const [row, clock] of clocks.entries()) svg.append(...bar(clock, { x, to, across, margin, y: ROW * row + 8 }));
  svg.append(draw("line", { x1: margin, x2: across - 20, y1: axis, y2: axis, class: "axis" }));
  const { marks, lines } = marked(milestones, { x, axis, across, margin });
  svg.append(...marks);
  svg.setAttribute("viewBox", `0 0 ${across} ${axis + 16 + LINE * Math.max(1, lines)}`);
  return svg;
}

function bar(clock, { x, to, across, margin, y }) {
  const end = Math.min(x(clock.stopped_at ?? new Date(to).toISOString()), across - 20);
  const target = x(new Date(Date.parse(clock.started_at) + Number(clock.target_s) * 1000).toISOString());
  const status = clock.status?.replace("CLOCK_STATUS_", "").toLowerCase() ?? "";
  const width = Math.max(4, end - x(clock.started_at));
  return [
    draw("text", { x: margin - 12, y: y + 24, class: "row-label" }, fitted(inLanguage(clock.label), margin - 16)),
    draw("rect", { x: x(clock.started_at), y, width, height: BAR, class: `bar ${status}` }),
    // Where the target ends, unless that lies beyond the picture.
    ...(target < across - 20 ? [draw("line", { x1: target, x2: target, y1: y - 4, y2: y + BAR + 4, class: "target" })] : []),
  ];
}

// Labels that would lie on each other go to lower lines; those for which there is no room are left to the tooltip.
function marked(milestones, { x, axis, across, margin }) {
  const marks = [];
  const ends = [];
  const ordered = [...milestones].sort((one, other) => Date.parse(one.occurred_at) - Date.parse(other.occurred_at));
  for (const each of ordered) {
    const at = x(each.occurred_at);
    const label = `${timeOfDay(each.occurred_at)} ${say(`milestone.${each.kind.replace("MILESTONE_KIND_", "")}`)}`;
    const mark = draw("path", { d: `M${at} ${axis - 9} l7 9 l-7 9 l-7 -9 z`, class: "mark" });
    mark.append(draw("title", {}, label));
    marks.push(mark);
    const width = breadth(label);
    const start = Math.max(0, Math.min(at, across - 20 - width));
    const free = ends.findIndex((end) => start > end + 12);
    const line = free < 0 ? ends.length : free;
    if (line >= LINES_MAX) continue;
    ends[line] = start + width;
    marks.push(draw("text", { x: start, y: axis + 34 + LINE * line, class: "mark-label" }, label));
  }
  return { marks, lines: ends.length };
}

function draw(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}
