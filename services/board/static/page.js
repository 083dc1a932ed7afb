// What every page needs: elements, calls to the server, and the server's clock.

// An element with text, never with markup: what people wrote cannot become a script.
export function element(name, { text, className, ...attributes } = {}, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export const byId = (id) => document.getElementById(id);

// The screens' own clocks may be wrong; countdowns follow the server's.
let offsetMs = 0;
export function learnTime(now) {
  const heard = Date.parse(now);
  if (!Number.isNaN(heard)) offsetMs = heard - Date.now();
}
export const serverNow = () => Date.now() + offsetMs;
export const secondsUntil = (moment) => (Date.parse(moment) - serverNow()) / 1000;

export class Answer extends Error {
  constructor(status, code) {
    super(code);
    this.status = status;
    this.code = code;
  }
}

// `crypto.randomUUID` is kept from pages that came by http; a board in a hospital's own network may.
export function drawId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const digits = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
}

let csrfToken = "";
export const setCsrfToken = (token) => (csrfToken = token);

// Raises Answer for a refusal; status 0 when nobody answered.
export async function call(method, path, body) {
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: {
        "x-tierlink-page": "1",
        "x-csrf-token": csrfToken,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(8000),
    });
  } catch {
    throw new Answer(0, "UNREACHABLE");
  }
  if (response.status === 204) return null;
  const content = await response.json().catch(() => ({}));
  if (!response.ok) throw new Answer(response.status, content.error ?? "");
  return content;
}

export const signIn = () => window.location.assign("/sign-in");

// A page that people rely on says so loudly and stays; others go to sign in.
let whenSignedOut = signIn;
export const onSignedOut = (act) => (whenSignedOut = act);
export const signedOut = () => whenSignedOut();

// Names of facilities by id; a board works without them until the directory answers.
let names = {};
export const nameOf = (facility) => names[facility] ?? (facility ? { zh: facility, en: facility } : null);
export async function loadNames(loaded) {
  try {
    ({ names } = await call("GET", "/api/facilities"));
    loaded();
  } catch (error) {
    if (!(error instanceof Answer)) throw error;
    if (error.status === 401) return signedOut();
    setTimeout(() => loadNames(loaded), 5000);
  }
}
