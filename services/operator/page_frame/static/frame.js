// What every such page stands on. The script after it has the language that is shown: `language`, zh or en.
const byId = (id) => document.getElementById(id);
const inLanguage = (pair) => pair[language] || pair.zh || pair.en;

// Texts come from data: they are only ever text nodes and attributes, never markup.
function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}
function filled(made, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.filter((each) => each !== null && each !== undefined && each !== ""));
  return made;
}

const markLanguage = () => (document.documentElement.lang = language === "zh" ? "zh-CN" : "en");
const otherLanguage = () => (language === "zh" ? "en" : "zh");

function onNewWidth(does) {
  let width = window.innerWidth;
  window.addEventListener("resize", () => {
    if (window.innerWidth === width) return; // a telephone's bars come and go
    width = window.innerWidth;
    does();
  });
}
