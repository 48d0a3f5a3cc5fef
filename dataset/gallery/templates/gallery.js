"use strict";
const byId = (id) => document.getElementById(id);
const cards = [...document.querySelectorAll("main article")];
const least = byId("least");

function wanted(card) {
  // A row without a score shows only while nothing is filtered.
  if (Number(least.value) === Number(least.min)) return true;
  return card.dataset.score !== "" && Number(card.dataset.score) >= Number(least.value);
}

function filter() {
  let shown = 0;
  for (const card of cards) {
    card.hidden = !wanted(card);
    if (!card.hidden) shown += 1;
  }
  byId("value").value = Number(least.value).toFixed(2);
  byId("shown").value = `${shown} shown`;
  byId("none").hidden = shown > 0;
}

for (const image of document.images) {
  const gone = () => image.closest("figure").classList.add("missing");
  image.addEventListener("error", gone);
  if (image.complete && !image.naturalWidth) gone();
}
least.addEventListener("input", filter);
document.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
filter();
