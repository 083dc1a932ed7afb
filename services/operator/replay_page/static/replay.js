// The page: one moment, and everything that shows it.
const SPEEDS = [1, 10, 60, 120, 300, 600];
const STEP_MS = 100;

class Replay {
  constructor() {
    this.time = new Time();
    this.at = story.begins_at;
    this.playing = false;
    this.speed = SPEEDS.indexOf(300);
    const go = (at) => this.go(at);
    this.parts = { map: new Region(), beds: new Beds(), timeline: new Timeline(go), chart: new Chart(this.time, go) };
    this.listen();
    this.render();
  }

  render() {
    markLanguage();
    document.title = `Tierlink · ${say("replay_page.title")}`;
    for (const each of document.querySelectorAll("[data-text]")) each.textContent = say(each.dataset.text);
    byId("zone").textContent = say("replay_page.zone", { zone: zone() });
    byId("remarks").textContent = this.remarks().join(language === "zh" ? "；" : " · ");
    byId("speed").replaceChildren(...SPEEDS.map((each, index) => element("option", { value: index }, `${each}×`)));
    byId("speed").value = this.speed;
    byId("squeeze").checked = this.time.squeezed;
    this.arrange();
    this.parts.map.render();
    this.parts.beds.render();
    this.show(true);
  }

  arrange() {
    byId("slider").max = this.time.length;
    byId("slider").setAttribute("aria-label", say("replay_page.slider"));
    this.parts.chart.render();
  }

  remarks() {
    const written = (at) => `${day(at)} ${minute(at)}`;
    const told = { begins: written(story.begins_at), ends: written(story.ends_at), made: written(story.made_at), clock: say(`replay_page.clock.${story.clock}`) };
    const counts = [["cut", story.left_out.entries], ["late", story.left_out.late], ["unread", story.left_out.unread]];
    return [say("replay_page.period", told), ...counts.filter(([, count]) => count).map(([key, count]) => say(`replay_page.${key}`, { count }))];
  }

  show(again = false) {
    byId("now").textContent = `${day(this.at)} ${second(this.at)}`;
    byId("now").setAttribute("datetime", new Date(this.at).toISOString());
    byId("now").dataset.at = this.at;
    byId("slider").value = this.time.offsetOf(this.at);
    byId("slider").setAttribute("aria-valuetext", byId("now").textContent);
    byId("play").textContent = say(this.playing ? "replay_page.pause" : "replay_page.play");
    this.parts.timeline.show(this.at, again);
    this.parts.map.show(this.at);
    this.parts.beds.show(this.at);
    this.parts.chart.show(this.at);
  }

  go(at) {
    this.at = Math.min(story.ends_at, Math.max(story.begins_at, Math.round(at)));
    this.show();
  }

  // Steps are of the slider's time, so a squeezed stretch passes faster. A page that was hidden goes on from where it was.
  play(on = !this.playing) {
    this.playing = on;
    if (on && this.at >= story.ends_at) this.at = story.begins_at;
    clearInterval(this.timer);
    if (on) this.timer = setInterval(() => this.tick(), STEP_MS);
    this.show();
  }

  tick() {
    const offset = this.time.offsetOf(this.at) + STEP_MS * SPEEDS[this.speed];
    if (offset >= this.time.length) this.play(false);
    this.go(this.time.momentOf(Math.max(offset, this.time.offsetOf(this.at + 1))));
  }

  faster(by) {
    this.speed = Math.min(SPEEDS.length - 1, Math.max(0, this.speed + by));
    byId("speed").value = this.speed;
  }

  turn() {
    language = otherLanguage();
    this.render();
  }

  listen() {
    byId("slider").addEventListener("input", () => this.go(this.time.momentOf(Number(byId("slider").value))));
    byId("play").addEventListener("click", () => this.play());
    byId("back").addEventListener("click", () => this.go(this.time.before(this.at)));
    byId("on").addEventListener("click", () => this.go(this.time.next(this.at)));
    byId("language").addEventListener("click", () => this.turn());
    byId("speed").addEventListener("change", () => (this.speed = Number(byId("speed").value)));
    byId("squeeze").addEventListener("change", () => {
      this.time.squeeze(byId("squeeze").checked);
      this.arrange();
      this.show();
    });
    onNewWidth(() => this.render());
    document.addEventListener("keydown", (event) => this.key(event));
  }

  key(event) {
    const keys = {
      ArrowLeft: () => this.go(this.time.before(this.at)),
      ArrowRight: () => this.go(this.time.next(this.at)),
      Home: () => this.go(story.begins_at),
      End: () => this.go(story.ends_at),
      " ": () => this.play(),
      "+": () => this.faster(1),
      "=": () => this.faster(1),
      "-": () => this.faster(-1),
      l: () => this.turn(),
    };
    const inControl = event.target.closest("button, select, input[type=checkbox]");
    const does = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!does || event.ctrlKey || event.metaKey || event.altKey || (inControl && event.key === " ") || event.target.closest("select")) return;
    event.preventDefault();
    does();
  }
}

new Replay();
