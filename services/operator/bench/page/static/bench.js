const { texts, report, language: first } = JSON.parse(byId("report").textContent);
let language = first;
const COLOURS = ["#1f6fb2", "#c2571a", "#12805c", "#8a3fa0", "#8a6d00", "#b3261e"];
const DASHES = [[], [8, 4], [3, 3], [10, 3, 2, 3], [1, 4], [14, 5]];
let drawn = [];

const say = (key) => texts[key][language];

function number(value) {
  if (value === 0) return "0";
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(3)));
}
const amount = (value, unit) => (unit.startsWith("/") ? `${number(value)}${unit}` : `${number(value)} ${unit}`).trim();
const short = (value) => (value >= 1e6 ? `${value / 1e6}M` : value >= 1e3 ? `${value / 1e3}k` : String(Number(value.toPrecision(3))));

function verdict(met, sign, bound) {
  if (bound === null) return element("span");
  return element("span", { class: met ? "met" : "missed" }, `${sign} ${number(bound)} ${met ? "✓" : "✗"} ${say(met ? "met" : "missed")}`);
}

function ratioRow(ratio) {
  const most = Math.max(ratio.ratio, ratio.at_least ?? 0, ...ratio.ratio_by_turn) * 1.06;
  const at = (value) => `left: ${(value / most) * 100}%`;
  const track = element("div", { class: "track" }, element("div", { class: "fill", style: `width: ${(ratio.ratio / most) * 100}%` }));
  for (const turn of ratio.ratio_by_turn) track.append(element("i", { class: "dot", style: at(turn) }));
  if (ratio.at_least !== null) track.append(element("i", { class: "target", style: at(ratio.at_least) }));
  const names = element("div", {}, inLanguage(ratio.ours.title), element("br"), element("small", {}, `÷ ${inLanguage(ratio.baseline.title)}`));
  return element("div", { class: "ratio", "data-ratio": ratio.name }, names, track, element("b", {}, number(ratio.ratio)), verdict(ratio.met, "≥", ratio.at_least));
}

function ratios() {
  const some = report.sections.filter((section) => section.ratios.length);
  return [element("h2", {}, say("ratios")), element("p", {}, say("ratios_hint")), ...some.map((section) => element("div", { class: "panel" }, element("h3", {}, inLanguage(section.title)), ...section.ratios.map(ratioRow)))];
}

// Curves over the same thing, in the same unit, share a chart.
function groups(over) {
  const found = [];
  for (const section of report.sections) {
    const units = new Map();
    for (const curve of section.curves.filter((each) => each.over === over)) units.set(curve.unit, [...(units.get(curve.unit) ?? []), curve]);
    for (const [unit, curves] of units) found.push({ section, unit, curves });
  }
  return found;
}

function chart({ section, unit, curves }, over, labels) {
  const key = element("div", { class: "key" }, ...curves.map((curve, index) => element("span", {}, element("i", { style: `border-color: ${COLOURS[index % COLOURS.length]}; border-top-style: ${["solid", "dashed", "dotted"][index % 3]}` }), inLanguage(curve.title))));
  const place = element("div");
  const panel = element("div", { class: "panel", "data-chart": `${section.name}/${unit}` }, element("h3", {}, `${inLanguage(section.title)} (${unit})`), place, key);
  return { panel, draw: () => draw(place, curves, over, labels) };
}

function draw(place, curves, over, labels) {
  const xs = [...new Set(curves.flatMap((curve) => curve.points.map((point) => point[0])))].sort((one, other) => one - other);
  const lines = curves.map((curve) => xs.map((x) => curve.points.find((point) => point[0] === x)?.[1] ?? null));
  const values = lines.flat().filter((value) => value > 0);
  const spread = Math.max(...values) / Math.min(...values) > 20;
  const isSize = over === "referrals";
  const font = "12px system-ui";
  drawn.push(new uPlot({
    width: place.clientWidth,
    height: 220,
    legend: { show: false },
    cursor: { show: false },
    padding: [10, 18, 0, 0],
    scales: {
      x: { time: false, range: () => (isSize ? [-0.15, xs.length - 0.85] : [0, xs.length - 1]) },
      y: spread ? { distr: 3 } : { range: (_, __, most) => [0, most * 1.1 || 1] },
    },
    axes: [
      { font, label: say(isSize ? "referrals" : "percentile"), labelFont: font, labelSize: 20, size: 28, grid: { stroke: "#eef2f5" }, ticks: { show: false }, splits: () => xs.map((_, index) => index), values: () => xs.map(labels) },
      { font, size: 58, grid: { stroke: "#e3e9ee" }, ticks: { show: false }, values: (_, splits) => splits.map((value) => (value === null ? "" : short(value))) },
    ],
    series: [{}, ...curves.map((_, index) => ({ stroke: COLOURS[index % COLOURS.length], width: 2, dash: DASHES[index % DASHES.length], points: { show: true, size: 6 }, spanGaps: true }))],
  }, [xs.map((_, index) => index), ...lines], place));
}

function charts(over, title, labels) {
  const made = groups(over).map((group) => chart(group, over, labels));
  if (!made.length) return { parts: [], draws: [] };
  return { parts: [element("h2", {}, say(title)), element("div", { class: "charts" }, ...made.map((each) => each.panel))], draws: made.map((each) => each.draw) };
}

function table(head, rows) {
  const line = (name, cells) => element("tr", {}, ...cells.map(([content, isNumber]) => element(name, isNumber ? { class: "number" } : {}, content)));
  return element("div", { class: "panel" }, element("table", {}, element("thead", {}, line("th", head)), element("tbody", {}, ...rows.map((cells) => line("td", cells)))));
}

function memory() {
  const rows = report.sections.flatMap((section) => section.memory.map((each, index) => [
    [index ? "" : inLanguage(section.title)], [each.process], [number(each.rss_mib), true], [each.peak_mib === null ? "–" : number(each.peak_mib), true],
  ]));
  if (!rows.length) return [];
  return [element("h2", {}, say("memory")), element("p", {}, say("memory_hint")), table([[say("benchmark")], [say("process")], [say("resident"), true], [say("peak"), true]], rows)];
}

function figures() {
  const rows = report.sections.flatMap((section) => section.readings.map((reading, index) => [
    [index ? "" : inLanguage(section.title)], [inLanguage(reading.title)], [amount(reading.value, reading.unit), true],
    [reading.at_least !== null ? verdict(reading.met, "≥", reading.at_least) : verdict(reading.met, "≤", reading.at_most), true],
  ]));
  if (!rows.length) return [];
  return [element("h2", {}, say("figures")), table([[say("benchmark")], [""], [say("measured"), true], [say("promised"), true]], rows)];
}

function show() {
  drawn.forEach((each) => each.destroy());
  drawn = [];
  markLanguage();
  document.querySelector("h1").textContent = say("title");
  byId("language").textContent = say("language");
  const { machine, terms } = report;
  const told = say("terms").replace(/\{(\w+)\}/g, (_, name) => terms[name]);
  byId("machine").textContent = `${report.command} · ${report.begun_at} · ${machine.processor}, ${machine.cores} ${say("cores")}, ${say("load")} ${machine.load ?? "–"} · Python ${machine.python} · ${told}`;
  const sized = charts("referrals", "growth", short);
  const spread = charts("percentile", "latencies", (percent) => `p${percent}`);
  byId("main").replaceChildren(...ratios(), ...spread.parts, ...sized.parts, ...memory(), ...figures());
  for (const each of [...sized.draws, ...spread.draws]) each();
}

byId("language").addEventListener("click", () => { language = otherLanguage(); show(); });
onNewWidth(show);
show();
