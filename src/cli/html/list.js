"use strict";
// The list of differences: filters, and rows made as one scrolls.
document.documentElement.classList.add("scripted");
(() => {
  const STEP = 60;
  const { sides, items } = JSON.parse(document.getElementById("data").textContent);
  const list = document.getElementById("list");
  const more = document.getElementById("more");
  const shown = document.getElementById("shown");
  const search = document.getElementById("search");
  const step = document.getElementById("step");
  const chosen = { kind: new Set(), label: new Set(), source: new Set() };
  let fitting = items;
  let made = 0;

  const element = (name, className, text) => {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined && text !== null) made.textContent = text;
    return made;
  };

  const haystack = (item) => {
    item.text ??= [item.pieces.map((piece) => piece[0]).join(""), item.document, item.reason, item.line,
      ...item.sides.filter(Boolean).map((side) => side[0])].join("\n").toLowerCase();
    return item.text;
  };

  function sideOf(item, number) {
    const side = item.sides[number];
    const said = element("span", "side", `${sides[number]} `);
    if (!side) {
      said.append(element("span", "none", "nothing"));
      return said;
    }
    said.append(element("q", "", side[0]), element("b", `label ${side[2]}`, side[1]));
    if (side[3]) said.append(element("var", "", side[3]));
    return said;
  }

  function row(item) {
    const row = element("li");
    const excerpt = element("p", "excerpt");
    for (const [text, flags] of item.pieces) {
      const classes = [flags & 1 ? "first" : "", flags & 2 ? "second" : ""].filter(Boolean);
      excerpt.append(flags ? element("mark", classes.join(" "), text) : text);
    }
    const left = element("div");
    left.append(excerpt, element("p", "where", `${item.document} ${item.place}`));
    const right = element("div");
    const said = element("p", "said");
    said.append(element("span", "tag", item.kind), sideOf(item, 0), sideOf(item, 1));
    right.append(said);
    if (item.step) {
      const why = element("p", "why");
      why.append(element("b", "", item.step));
      if (item.line) why.append(" ", element("code", "", item.line));
      if (item.reason) why.append(` ${item.reason}`);
      right.append(why);
    }
    row.append(left, right);
    return row;
  }

  function add() {
    const rows = fitting.slice(made, made + STEP).map(row);
    list.append(...rows);
    made += rows.length;
    more.hidden = made >= fitting.length;
  }

  function show() {
    const words = search.value.toLowerCase().trim();
    const has = (kind, values) => chosen[kind].size === 0 || values.some((value) => chosen[kind].has(value));
    fitting = items.filter((item) => has("kind", [item.kind]) && has("label", item.label)
      && has("source", item.source) && (!step || !step.value || item.step === step.value)
      && (!words || haystack(item).includes(words)));
    made = 0;
    list.replaceChildren();
    const count = (number) => number.toLocaleString("en");
    shown.textContent = fitting.length === items.length
      ? `${count(items.length)} in all` : `${count(fitting.length)} of ${count(items.length)}`;
    add();
  }

  const buttons = [...document.querySelectorAll("#filters button[data-kind]")];
  for (const button of buttons) {
    button.addEventListener("click", () => {
      const isOn = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", isOn);
      const values = chosen[button.dataset.kind];
      if (isOn) values.add(button.dataset.value);
      else values.delete(button.dataset.value);
      show();
    });
  }
  search.addEventListener("input", show);
  step?.addEventListener("change", show);
  document.getElementById("clear").addEventListener("click", () => {
    for (const button of buttons) button.setAttribute("aria-pressed", "false");
    for (const values of Object.values(chosen)) values.clear();
    search.value = "";
    if (step) step.value = "";
    show();
  });
  more.addEventListener("click", add);
  new IntersectionObserver((entries) => {
    if (entries.some((entry) => entry.isIntersecting) && !more.hidden) add();
  }, { rootMargin: "600px" }).observe(more);
  // Charts lead to what they show.
  for (const mark of document.querySelectorAll("[data-show]")) {
    const go = () => {
      document.getElementById("clear").click();
      for (const value of mark.dataset.show.split("\n")) {
        const button = buttons.find((one) => one.dataset.value === value);
        if (button && button.getAttribute("aria-pressed") !== "true") button.click();
      }
      document.getElementById("filters").scrollIntoView({ behavior: "smooth" });
    };
    mark.addEventListener("click", go);
    mark.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); go(); }
    });
  }
  // Paper holds everything that fits, up to a thousand.
  addEventListener("beforeprint", () => { while (!more.hidden && made < 1000) add(); });
  show();
})();
