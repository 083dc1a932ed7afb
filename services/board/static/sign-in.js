// Signing in; a link may carry the token behind its #, which browsers never send to a server.
import { Answer, byId, call } from "./page.js";
import { loadTexts, say, toggleLanguage } from "./texts.js";

// Which centre the screen hangs for; nothing else of an address leads on from here.
const centre = new URLSearchParams(window.location.search).get("centre");
const onward = centre ? `?${new URLSearchParams({ centre })}` : "";

async function signIn(token) {
  try {
    await call("POST", "/api/session", { token });
    window.location.replace(`/${onward}`);
  } catch (error) {
    if (!(error instanceof Answer)) throw error;
    byId("problem").textContent = say(error.status === 401 ? "signin.refused" : "signin.unreachable");
  }
}

function takeToken() {
  const token = new URLSearchParams(window.location.hash.slice(1)).get("token");
  // Out of the address bar and the history before anything else.
  if (window.location.hash) history.replaceState(null, "", `/sign-in${onward}`);
  return token;
}

async function start() {
  const token = takeToken();
  // A link that is opened where this page stands already changes what is behind the # and loads nothing. It may
  // be opened before the texts are there.
  window.addEventListener("hashchange", () => {
    const given = takeToken();
    if (given) signIn(given);
  });
  await loadTexts();
  byId("language").addEventListener("click", toggleLanguage);
  byId("form").addEventListener("submit", (event) => {
    event.preventDefault();
    signIn(byId("token").value);
  });
  if (token) await signIn(token);
}

start();
