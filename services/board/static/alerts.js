// The alerts of this facility, the most pressing first.
import { Answer, byId, call, drawId, element, secondsUntil, serverNow, signedOut } from "./page.js";
import { duration, inLanguage, say, timeOfDay } from "./texts.js";

const RANK = { CRITICAL: 0, HIGH: 1, INFORMATION: 2 };
// A shape beside the colour: one man in twelve does not see red as red.
const SHAPE = { CRITICAL: "▲", HIGH: "◆", INFORMATION: "●" };

const DRILL_SHAPE = "◌";
// Of those who were called, the latest: an escalation that goes on for hours must not fill the wall.
const CALLS_SHOWN_MAX = 8;

const severity = (alert) => (alert.severity ?? "").replace("SEVERITY_", "");
const state = (alert) => (alert.state ?? "").replace("ALERT_STATE_", "");

export class Alerts {
  // `chosen(alert)` is called when a person picks one; `changed()` when any changed.
  constructor({ chosen, changed }) {
    this.alerts = new Map();
    this.tries = new Map();
    this.cards = new Map();
    this.picked = "";
    this.chosen = chosen;
    this.changed = changed;
  }

  restart() {
    this.alerts.clear();
    this.render();
  }

  change(alert) {
    const known = this.alerts.get(alert.name);
    if (known && Number(known.version) > Number(alert.version)) return;
    if (state(alert) === "RESOLVED") this.alerts.delete(alert.name);
    else this.alerts.set(alert.name, alert);
    this.tries.delete(alert.name);
    this.render();
  }

  ordered() {
    const key = (alert) => [
      state(alert) === "TRIGGERED" ? 0 : 1,
      RANK[severity(alert)] ?? 3,
      Date.parse(alert.act_by ?? alert.triggered_at),
    ];
    return [...this.alerts.values()].sort((one, other) => {
      const [a, b] = [key(one), key(other)];
      return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
    });
  }

  // What is to be heard: alarm, chime or nothing.
  get sound() {
    const open = [...this.alerts.values()].filter((alert) => state(alert) === "TRIGGERED");
    if (open.some((alert) => severity(alert) === "CRITICAL")) return "alarm";
    return open.some((alert) => severity(alert) === "HIGH") ? "chime" : "";
  }

  render() {
    const ordered = this.ordered();
    this.place(ordered.map((alert) => this.kept(alert)));
    byId("alerts-none").hidden = ordered.length > 0;
    byId("alerts-count").textContent = ordered.filter((alert) => state(alert) === "TRIGGERED").length || "";
    document.body.dataset.alarm = this.sound;
    this.tick();
    this.changed();
  }

  // Cards that are as they were stay where they are: a finger that is on one must not lose it.
  place(cards) {
    const list = byId("alerts");
    const wanted = new Set(cards);
    for (const card of [...list.children]) if (!wanted.has(card)) card.remove();
    for (const [at, card] of cards.entries()) {
      if (list.children[at] !== card) list.insertBefore(card, list.children[at] ?? null);
    }
    for (const name of this.cards.keys()) if (!this.alerts.has(name)) this.cards.delete(name);
  }

  kept(alert) {
    const tried = this.tries.get(alert.name);
    const shows = JSON.stringify([alert.version, state(alert), tried?.text, tried?.isUnderWay, say("language.switch")]);
    const known = this.cards.get(alert.name);
    if (known?.shows === shows) return known.card;
    const card = this.card(alert);
    this.cards.set(alert.name, { shows, card });
    return card;
  }

  card(alert) {
    const isOpen = state(alert) === "TRIGGERED";
    const level = severity(alert);
    const card = element("article", {
      className: `alert ${level.toLowerCase()} ${isOpen ? "open" : "taken"}${alert.drill ? " drill" : ""}`,
      tabindex: "0",
      "data-name": alert.name,
      "aria-current": alert.name === this.picked,
      onclick: () => this.pick(alert.name),
    });
    card.append(
      element("div", {
        className: "shape",
        text: alert.drill ? DRILL_SHAPE : (SHAPE[level] ?? "●"),
        "aria-label": say(alert.drill ? "alerts.drill" : `severity.${level}`),
      }),
      element(
        "div",
        { className: "what" },
        alert.drill ? element("span", { className: "drill-mark", text: say("alerts.drill") }) : null,
        element("h2", { text: inLanguage(alert.title) }),
        element("p", { text: inLanguage(alert.body) }),
        element("p", { className: "calling" }, ...calling(alert).map((text) => element("span", { text }))),
        details(alert),
      ),
      element(
        "div",
        { className: "when" },
        element("strong", { className: "countdown", "data-act-by": alert.act_by, "data-since": alert.triggered_at }),
        element("span", { className: "countdown-label" }),
        isOpen ? this.button(alert) : null,
      ),
    );
    return card;
  }

  button(alert) {
    const tried = this.tries.get(alert.name);
    return element("button", {
      className: "acknowledge",
      type: "button",
      text: say(tried?.text ?? (alert.drill ? "alerts.drill.acknowledge" : "alerts.acknowledge")),
      disabled: tried?.isUnderWay,
      onclick: (event) => {
        event.stopPropagation();
        this.acknowledge(alert.name);
      },
    });
  }

  async acknowledge(name) {
    const alert = this.alerts.get(name);
    const tried = this.tries.get(name);
    if (!alert || state(alert) !== "TRIGGERED" || tried?.isUnderWay) return;
    // The same id for every try: an answer that was lost on the way is found again, not given twice.
    const requestId = tried?.requestId ?? drawId();
    this.tries.set(name, { requestId, isUnderWay: true, text: "alerts.acknowledging" });
    this.render();
    try {
      const path = `/api/alerts/${name.slice("alerts/".length)}/acknowledgement`;
      this.change((await call("POST", path, { request_id: requestId })).alert);
    } catch (error) {
      if (!(error instanceof Answer)) throw error;
      if (error.status === 401) return signedOut();
      const text = error.status === 403 ? "alerts.not_yours" : "alerts.failed";
      this.tries.set(name, { requestId, isUnderWay: false, text });
      this.render();
    }
  }

  pick(name) {
    this.picked = name;
    for (const card of document.querySelectorAll("#alerts .alert")) {
      card.setAttribute("aria-current", card.dataset.name === name);
    }
    const alert = this.alerts.get(name);
    if (alert) this.chosen(alert);
  }

  // The next or previous card.
  step(by) {
    const names = this.ordered().map((alert) => alert.name);
    if (!names.length) return;
    const at = names.indexOf(this.picked);
    this.pick(names[at < 0 ? 0 : Math.min(names.length - 1, Math.max(0, at + by))]);
    document.querySelector(`#alerts [data-name="${this.picked}"]`)?.focus();
  }

  acknowledgePicked() {
    this.acknowledge(this.picked || this.ordered()[0]?.name);
  }

  // Once a second: the countdowns, without touching the rest of the page.
  tick() {
    for (const shown of document.querySelectorAll("#alerts .countdown")) {
      const { actBy, since } = shown.dataset;
      const left = actBy ? secondsUntil(actBy) : null;
      const isOver = left !== null && left < 0;
      const seconds = left === null ? (serverNow() - Date.parse(since)) / 1000 : Math.abs(left);
      shown.textContent = (isOver ? "+" : "") + duration(seconds);
      shown.classList.toggle("over", isOver);
      const label = left === null ? "alerts.waiting" : isOver ? "alerts.overdue" : "alerts.due_in";
      shown.nextElementSibling.textContent = say(label);
    }
  }
}

// Who is called now, and which step of the escalation that is: parts that stay on a line each.
function calling(alert) {
  if (state(alert) === "ACKNOWLEDGED") {
    return [say("alerts.acknowledged_by", { name: alert.acknowledged_by?.name ?? "" })];
  }
  if (alert.escalation_exhausted) return [say("alerts.exhausted")];
  const steps = alert.escalation ?? [];
  const step = steps[alert.escalation_step ?? 0];
  if (!step) return alert.drill ? [say("alerts.drill.nobody")] : [];
  const names = (step.recipients ?? []).map((recipient) => recipient.name || recipient.user).join("、");
  if (alert.drill) return [say("alerts.drill.for", { names })];
  const where = say("alerts.step", {
    step: (alert.escalation_step ?? 0) + 1,
    steps: steps.length,
    round: alert.escalation_round ?? 1,
    duty: say(`duty.${step.duty}`),
  });
  return [say("alerts.calling", { names }), where];
}

// Shown of the alert that is picked: who was called and how far that came, who comes next, and its key.
function details(alert) {
  const names = new Map();
  for (const step of alert.escalation ?? []) {
    for (const recipient of step.recipients ?? []) names.set(recipient.user, recipient.name || recipient.user);
  }
  const calls = [...(alert.deliveries ?? [])].reverse().slice(0, CALLS_SHOWN_MAX);
  const next = (alert.escalation ?? [])[(alert.escalation_step ?? 0) + 1];
  return element(
    "div",
    { className: "details" },
    alert.without_board ? element("p", { className: "warning", text: say("alerts.without_board") }) : null,
    element(
      "ul",
      { className: "calls" },
      ...calls.map((made) =>
        element("li", {
          text: say("alerts.called", {
            time: timeOfDay(made.attempted_at),
            name: names.get(made.recipient) ?? made.recipient,
            step: (made.step ?? 0) + 1,
            channel: say(`channel.${made.channel}`),
            outcome: say(`outcome.${(made.outcome ?? "").replace("DELIVERY_OUTCOME_", "")}`),
          }),
        }),
      ),
    ),
    next && state(alert) === "TRIGGERED" && !alert.drill
      ? element("p", {
          text: say("alerts.next", {
            duty: say(`duty.${next.duty}`),
            names: (next.recipients ?? []).map((recipient) => recipient.name || recipient.user).join("、"),
          }),
        })
      : null,
    element("p", { className: "key", text: `${say("alerts.key")}: ${alert.dedup_key ?? ""}` }),
  );
}
