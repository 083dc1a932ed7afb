// What is told, in words: the document, both languages, and how moments are written.
const story = JSON.parse(document.getElementById("story").textContent);
const SVG = "http://www.w3.org/2000/svg";
let language = story.language;
const places = new Map(story.places.map((each) => [each.id, each]));
const alerts = new Map(story.alerts.map((each) => [each.name, each]));

function say(key, values = {}) {
  const template = story.texts[language][key];
  return template === undefined ? key : template.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}
const told = (key, otherwise) => (story.texts[language][key] === undefined ? otherwise : say(key));
const placeName = (id) => (places.has(id) ? inLanguage(places.get(id).name) : id || say("replay_page.platform"));

function draw(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

const two = (number) => String(number).padStart(2, "0");
const day = (at) => {
  const moment = new Date(at);
  return `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}`;
};
const minute = (at) => `${two(new Date(at).getHours())}:${two(new Date(at).getMinutes())}`;
const second = (at) => `${minute(at)}:${two(new Date(at).getSeconds())}`;
function zone() {
  const minutes = -new Date(story.begins_at).getTimezoneOffset();
  const size = Math.abs(minutes);
  return `UTC${minutes < 0 ? "−" : "+"}${Math.floor(size / 60)}${size % 60 ? `:${two(size % 60)}` : ""}`;
}

// How many points there are at or before a moment.
function countAt(track, at) {
  let from = 0;
  let to = track.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (track[middle][0] <= at) from = middle + 1;
    else to = middle;
  }
  return from;
}
// The last of them: what holds; undefined before the first one.
const pointAt = (track, at) => track[countAt(track, at) - 1];
