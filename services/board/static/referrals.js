// The referrals that are under way, to and from this facility.
import { byId, element, nameOf } from "./page.js";
import { inLanguage, say, timeOfDay } from "./texts.js";

const OVER = new Set(["CLOSED", "CANCELLED", "EXPIRED", "DECEASED", "ENTERED_IN_ERROR"]);
const URGENCY = { EMERGENCY: 0, URGENT: 1, ROUTINE: 2 };
const SHOWN_MAX = 40;
// Of the way to care: what is still to be decided comes before what is on the road, that before what is here.
const STAGE = ["REQUESTED", "INFO_REQUESTED", "AWAITING_APPROVAL", "ACCEPTED", "TRANSPORT_ARRANGED", "IN_TRANSIT"];

const plain = (value, prefix) => (value ?? "").replace(prefix, "");

export class Referrals {
  constructor({ facility, chosen, changed }) {
    this.facility = facility;
    this.chosen = chosen;
    this.changed = changed;
    this.referrals = new Map();
  }

  restart() {
    this.referrals.clear();
    this.render();
  }

  change(referral) {
    const known = this.referrals.get(referral.name);
    if (known && Number(known.version) > Number(referral.version)) return;
    if (OVER.has(plain(referral.state, "REFERRAL_STATE_"))) this.referrals.delete(referral.name);
    else this.referrals.set(referral.name, referral);
    this.render();
    this.changed(referral);
  }

  render() {
    const rank = (referral) => {
      const stage = STAGE.indexOf(plain(referral.state, "REFERRAL_STATE_"));
      return [stage < 0 ? STAGE.length : stage, URGENCY[plain(referral.urgency, "URGENCY_")] ?? 3];
    };
    const ordered = [...this.referrals.values()].sort((one, other) => {
      const [a, b] = [rank(one), rank(other)];
      return a[1] - b[1] || a[0] - b[0] || Date.parse(one.create_time) - Date.parse(other.create_time);
    });
    byId("referrals").replaceChildren(...ordered.slice(0, SHOWN_MAX).map((referral) => this.row(referral)));
    byId("referrals-none").hidden = ordered.length > 0;
  }

  row(referral) {
    const state = plain(referral.state, "REFERRAL_STATE_");
    const urgency = plain(referral.urgency, "URGENCY_");
    const isOut = referral.origin_facility === this.facility;
    const other = isOut ? referral.destination_facility : referral.origin_facility;
    const eta = referral.estimated_arrival_time;
    return element(
      "li",
      {
        className: `referral ${urgency.toLowerCase()} ${state === "IN_TRANSIT" ? "moving" : ""}`,
        tabindex: "0",
        "data-name": referral.name,
        onclick: () => this.chosen(referral),
        onkeydown: (event) => event.key === "Enter" && this.chosen(referral),
      },
      element("span", { className: "way", text: isOut ? "↗" : "↘" }),
      element("span", { className: "pathway", text: say(`pathway.${plain(referral.pathway, "PATHWAY_")}`) }),
      element("span", { className: "state", text: say(`state.${state}`) }),
      // The arrow says from or to; the words are for who hears the page.
      element("span", {
        className: "other",
        text: inLanguage(nameOf(other)),
        "aria-label": `${say(isOut ? "referrals.to" : "referrals.from")} ${inLanguage(nameOf(other))}`,
      }),
      element("span", { className: "eta", text: eta ? `${say("referrals.eta")} ${timeOfDay(eta)}` : "" }),
    );
  }
}
