"use strict";
// Filters, and the way from the text to a place. Everything can be read without.
document.documentElement.classList.add("scripted");
const all = (query, root = document) => [...root.querySelectorAll(query)];
const chosen = { label: new Set(), source: new Set(), step: new Set(), state: new Set() };

function fits(article) {
  return Object.entries(chosen).every(([kind, values]) => {
    const has = article.dataset[kind].split("\n");
    return values.size === 0 || has.some((value) => values.has(value));
  });
}

function show() {
  const isFiltered = Object.values(chosen).some((values) => values.size > 0);
  for (const place of all("details.place")) {
    const articles = all("article", place);
    for (const article of articles) article.hidden = !fits(article);
    place.hidden = articles.every((article) => article.hidden);
    const id = place.querySelector("div").id;
    const link = document.querySelector(`a[href="#${id}"]`);
    if (link) link.classList.toggle("dim", isFiltered && place.hidden);
  }
}

for (const button of all("button[data-kind]")) {
  button.addEventListener("click", () => {
    const isOn = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", isOn);
    const values = chosen[button.dataset.kind];
    if (isOn) values.add(button.dataset.value);
    else values.delete(button.dataset.value);
    show();
  });
}

document.getElementById("losers").addEventListener("click", (event) => {
  const isOn = document.body.classList.toggle("losers");
  event.currentTarget.setAttribute("aria-pressed", isOn);
});

document.getElementById("all").addEventListener("click", (event) => {
  const places = all("details.place");
  const open = places.some((place) => !place.open);
  for (const place of places) place.open = open;
  event.currentTarget.textContent = open ? "Close all places" : "Open all places";
});

function goTo(link) {
  const inside = document.getElementById(link.getAttribute("href").slice(1));
  const place = inside.closest("details");
  for (const current of all(".current")) current.classList.remove("current");
  link.classList.add("current");
  place.classList.add("current");
  place.hidden = false;
  place.open = true;
  place.scrollIntoView({ block: "nearest", behavior: "smooth" });
}

for (const link of all(".text a")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    history.replaceState(null, "", link.getAttribute("href"));
    goTo(link);
  });
  const place = document.getElementById(link.getAttribute("href").slice(1)).closest("details");
  place.addEventListener("mouseenter", () => link.classList.add("current"));
  place.addEventListener("mouseleave", () => {
    if (!place.classList.contains("current")) link.classList.remove("current");
  });
  link.addEventListener("mouseenter", () => place.classList.add("current"));
  link.addEventListener("mouseleave", () => {
    if (!link.classList.contains("current")) place.classList.remove("current");
  });
}
if (location.hash) {
  const link = document.querySelector(`a[href="${CSS.escape(location.hash).replace("\\#", "#")}"]`);
  if (link) goTo(link);
}
