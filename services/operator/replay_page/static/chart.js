// Free and held beds, and open alerts, over the whole of it, by uPlot. Each line is told by its dashes, too.
const LINES = [
  { key: "free", colour: "#3ecf8e", dash: [], scale: "beds" },
  { key: "held", colour: "#ffb020", dash: [10, 4], scale: "few" },
  { key: "alerts", colour: "#ff6b6d", dash: [3, 3], scale: "few" },
];
const HEIGHT = 150;
const POINTS_MAX = 4000;

class Chart {
  constructor(time, go) {
    this.time = time;
    this.go = go;
    this.at = story.begins_at;
    this.moments = thinned(time.moments);
    this.values = [sums(story.wards, 1, this.moments), sums(story.wards, 2, this.moments), open(this.moments)];
  }

  render() {
    this.drawn?.destroy();
    const offsets = this.moments.map((at) => this.time.offsetOf(at) / 1000);
    const spans = this.time.momentOf(this.time.length) - story.begins_at > 36e5 * 24;
    const label = (offset) => {
      const at = this.time.momentOf(offset * 1000);
      return spans ? `${day(at).slice(5)}\n${minute(at)}` : this.time.length < 6e5 ? second(at) : minute(at);
    };
    const axis = (scale, side, key) => ({ scale, side, label: say(key), labelSize: 20, labelFont: "12px system-ui", font: "12px system-ui", stroke: "#a9bac8", size: 44, grid: { show: scale === "beds", stroke: "#2a3d4d" }, ticks: { show: false }, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000] });
    const paths = uPlot.paths.stepped({ align: 1 });
    this.drawn = new uPlot(
      {
        width: byId("chart").clientWidth,
        height: HEIGHT,
        legend: { show: false },
        hooks: { ready: [(drawn) => this.align(drawn.over)] },
        cursor: { show: false },
        padding: [8, 0, 0, 0],
        scales: { x: { time: false }, beds: { range: around }, few: { range: fromZero } },
        axes: [
          { stroke: "#a9bac8", font: "12px system-ui", size: spans ? 42 : 28, space: 70, grid: { stroke: "#1c2d3b" }, ticks: { show: false }, values: (_, splits) => splits.map(label) },
          axis("beds", 3, "replay_page.chart_free"),
          axis("few", 1, "replay_page.chart_few"),
        ],
        series: [{}, ...LINES.map(({ key, colour, dash, scale }) => ({ label: say(`replay_page.chart_${key}`), stroke: colour, width: 2.5, dash, scale, paths, points: { show: false } }))],
      },
      [offsets, ...this.values],
      byId("chart"),
    );
    const over = this.drawn.over;
    const drag = (event) => event.buttons && this.go(this.time.momentOf(this.drawn.posToVal(event.clientX - over.getBoundingClientRect().left, "x") * 1000));
    over.addEventListener("pointerdown", drag);
    over.addEventListener("pointermove", drag);
  }

  // The slider's ends are the chart's, less half of what is dragged.
  align(over) {
    byId("slider").style.marginLeft = `${over.offsetLeft - 8}px`;
    byId("slider").style.width = `${over.clientWidth + 16}px`;
    this.show(this.at);
  }

  show(at) {
    this.at = at;
    const { over } = this.drawn;
    const left = over.offsetLeft + this.drawn.valToPos(this.time.offsetOf(at) / 1000, "x");
    byId("needle").style.transform = `translateX(${left}px)`;
    const now = [beds(1, at), beds(2, at), openAt(at)];
    byId("legend").replaceChildren(
      ...LINES.map(({ key, colour, dash }, index) =>
        element(
          "li",
          { "data-line": key, "data-value": now[index] },
          draw("svg", { viewBox: "0 0 34 10", width: 34, height: 10, "aria-hidden": "true" }, draw("line", { x1: 0, x2: 34, y1: 5, y2: 5, stroke: colour, "stroke-width": 3, "stroke-dasharray": dash.join(" ") })),
          `${say(`replay_page.chart_${key}`)} ${now[index]}`,
        ),
      ),
    );
  }
}

const around = (_, low, high) => [Math.max(0, Math.floor((low ?? 0) - 1)), Math.ceil((high ?? 0) + 1)];
const fromZero = (_, __, high) => [0, Math.max(1, Math.ceil((high ?? 0) * 1.08))];
const beds = (column, at) => story.wards.reduce((sum, ward) => sum + (pointAt(ward.track, at)?.[column] ?? 0), 0);
const openAt = (at) => story.alerts.filter((alert) => pointAt(alert.track, at)?.[1] === "OPEN").length;

function thinned(moments) {
  const every = Math.ceil(moments.length / POINTS_MAX);
  return moments.filter((_, index) => index % every === 0 || index === moments.length - 1);
}

// What all tracks sum up to at each moment: each change is put in once, then summed from the left.
function summed(moments, changes) {
  changes.sort((one, other) => one[0] - other[0]);
  let total = 0;
  let next = 0;
  return moments.map((at) => {
    for (; next < changes.length && changes[next][0] <= at; next += 1) total += changes[next][1];
    return total;
  });
}
const steps = (track, valueOf) => track.map((point, index) => [point[0], valueOf(point) - (index ? valueOf(track[index - 1]) : 0)]);
const sums = (wards, column, moments) => summed(moments, wards.flatMap((ward) => steps(ward.track, (point) => point[column])));
const open = (moments) => summed(moments, story.alerts.flatMap((alert) => steps(alert.track, (point) => Number(point[1] === "OPEN"))));
