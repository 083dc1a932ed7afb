// The catalogue in the language that this screen shows; kept by the browser.
let catalogue = {};
let language = "zh";
const KEPT = "tierlink.language";

export async function loadTexts() {
  catalogue = await (await fetch("/texts.json")).json();
  const kept = localStorage.getItem(KEPT);
  setLanguage(kept ?? (navigator.language.startsWith("zh") ? "zh" : "en"));
}

export function setLanguage(chosen) {
  language = chosen === "en" ? "en" : "zh";
  localStorage.setItem(KEPT, language);
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const element of document.querySelectorAll("[data-text]")) {
    element.textContent = say(element.dataset.text);
  }
}

export const toggleLanguage = () => setLanguage(language === "zh" ? "en" : "zh");

// A text of the catalogue with its values put in; the key itself where there is none, so that a gap shows.
export function say(key, values = {}) {
  const text = catalogue[key]?.[language] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

// A bilingual text of the services.
export const inLanguage = (pair) => (pair ? pair[language] || pair.zh || pair.en || "" : "");

const two = (number) => String(number).padStart(2, "0");

// 0:42, 12:05, 1:02:05
export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

export function timeOfDay(moment) {
  const date = new Date(moment);
  return `${two(date.getHours())}:${two(date.getMinutes())}`;
}
