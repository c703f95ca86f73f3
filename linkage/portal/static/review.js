"use strict";
// What each decision would do comes behind the page, so that the page need not wait for it. Without script a link shows it.
const foresight = document.querySelector("#foresight[data-from]");
if (foresight) {
  foresight.setAttribute("aria-busy", "true");
  fetch(foresight.dataset.from, { credentials: "same-origin" })
    .then((answer) => (answer.ok ? answer.text() : Promise.reject(answer.status)))
    .then((text) => { foresight.innerHTML = text; })
    .catch(() => {})
    .finally(() => foresight.removeAttribute("aria-busy"));
}
// Escape leaves the text, so that keys decide again.
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target.matches("textarea, select")) event.target.blur();
});
