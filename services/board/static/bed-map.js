// The bed map: ward by ward, bed by bed. What a bed is is told by colour, shape and word.
import { byId, element, secondsUntil } from "./page.js";
import { duration, inLanguage, say } from "./texts.js";
import { age, plain } from "./wards.js";

const SHAPE = { FREE: "○", HELD: "◐", OCCUPIED: "●", CLEANING: "◇", BLOCKED: "✕" };
const STATES = ["FREE", "HELD", "OCCUPIED", "CLEANING", "BLOCKED"];

// What changes with the time alone: the lines are told it, and the map is not drawn anew.
let ticking = [];
export const tick = () => ticking.forEach((tell) => tell());

export function map(wards, staleAfterS) {
  ticking = [];
  byId("wards").replaceChildren(...wards.map((ward) => section(ward, staleAfterS)));
}

function section(ward, staleAfterS) {
  const counted = age([ward.confirmed_at], staleAfterS);
  ticking.push(counted.tick);
  const kind = say(`bedtype.${plain(ward.bed_type, "BED_TYPE_")}`);
  return element(
    "section",
    { className: "ward", "data-ward": ward.id },
    element("h2", { text: `${inLanguage(ward.name) || ward.id} · ${kind}` }),
    element("p", { className: "counts" }, ...STATES.map((state) => count(ward, state))),
    counted.line,
    element("div", { className: "tiles" }, ...(ward.beds ?? []).map((bed) => tile(bed, ward.id))),
  );
}

const count = (ward, state) =>
  element("span", {
    className: `count ${state.toLowerCase()}`,
    text: `${SHAPE[state]} ${say(`bed.${state}`)} ${ward.counts?.[state.toLowerCase()] ?? 0}`,
  });

// Beds are often numbered after their ward, which stands above them: its id in every tile hides the number.
const shortId = (id, ward) => (id.startsWith(`${ward}-`) ? id.slice(ward.length + 1) : id);

function tile(bed, ward) {
  const state = plain(bed.state, "BED_STATE_") || "FREE";
  const hold = state === "HELD" ? bed.hold : null;
  const isOverdue = Boolean(hold?.overdue_since);
  return element(
    "div",
    {
      className: `bed ${state.toLowerCase()}${isOverdue ? " overdue" : ""}`,
      "data-bed": bed.id,
      title: `${bed.id} · ${say(`bed.${state}`)}`,
    },
    element("span", { className: "shape", text: SHAPE[state] }),
    element("span", { className: "id", text: shortId(bed.id, ward) }),
    element("span", { className: "state", text: say(`bed.${state}`) }),
    hold?.expires_at ? leaseLine(hold) : null,
    bed.block_reason ? element("span", { className: "hold", text: bed.block_reason.text || bed.block_reason.code }) : null,
  );
}

function leaseLine(hold) {
  const line = element("span", { className: "hold" });
  // Each part is kept in one line: a time that is broken off its word is read wrongly from afar.
  const tell = () =>
    line.replaceChildren(
      ...lease(hold)
        .filter(Boolean)
        .flatMap((part, at) => [at ? " · " : "", element("span", { className: "part", text: part })]),
    );
  tell();
  ticking.push(tell);
  return line;
}

// Where the patient is, and how long the bed is kept. Only a hold whose patient is not yet under way lapses:
// past its end the others stand, and are overdue from when the bed desk was told.
function lease(hold) {
  const left = secondsUntil(hold.expires_at);
  const where = hold.patient_arrived
    ? say("bed.arrived")
    : hold.patient_in_transit
      ? say("bed.on_road")
      : "";
  if (hold.overdue_since) {
    return [where, `⚠ ${say("bed.overdue_for", { time: duration(-secondsUntil(hold.overdue_since)) })}`];
  }
  if (left <= 0) return [where, say(where ? "bed.past_end" : "bed.lapsing")];
  return [where, say(where ? "bed.kept_for" : "bed.held_for", { time: duration(left) })];
}
