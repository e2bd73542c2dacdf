// What makes the console easier where JavaScript runs. Every page works without it.
"use strict";

document.documentElement.classList.add("scripted");

// A choice that takes effect at once, as the language.
for (const choice of document.querySelectorAll("select[data-submit]")) {
  choice.addEventListener("change", () => choice.form.requestSubmit());
}

// Copy buttons.
for (const button of document.querySelectorAll("button.copy")) {
  if (!navigator.clipboard) break;
  button.hidden = false;
  const word = button.textContent;
  button.addEventListener("click", async () => {
    const text = button.parentElement.querySelector("code").textContent;
    await navigator.clipboard.writeText(text);
    button.textContent = button.dataset.done;
    setTimeout(() => { button.textContent = word; }, 2000);
  });
}

// An open menu closes with Escape, and when something else is clicked.
const menus = [...document.querySelectorAll("details.menu")];
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of menus) {
    if (!menu.open) continue;
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
document.addEventListener("click", (event) => {
  for (const menu of menus) if (!menu.contains(event.target)) menu.open = false;
});

// A question before what cannot be undone.
for (const form of document.querySelectorAll("form[data-confirm]")) {
  form.addEventListener("submit", (event) => {
    if (!window.confirm(form.dataset.confirm)) event.preventDefault();
  });
}

// Times also in the reader's own zone, where the pointer rests.
for (const time of document.querySelectorAll("time[datetime]")) {
  const local = new Date(time.dateTime);
  if (isNaN(local)) continue;
  const text = local.toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "long" });
  time.title = time.title ? `${time.title} (${text})` : text;
}
