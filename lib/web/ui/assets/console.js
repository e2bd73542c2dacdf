// Makes the console easier to use if JavaScript runs. Every page works without it.
"use strict";

document.documentElement.classList.add("scripted");

// Submits the form of a choice that takes effect immediately, such as the language.
for (const choice of document.querySelectorAll("select[data-submit]")) {
  choice.addEventListener("change", () => choice.form.requestSubmit());
}

// Shows the copy buttons, which the server renders hidden. The clipboard exists only over HTTPS and on
// localhost.
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

// Closes an open menu on Escape or on a click elsewhere.
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

// Asks before a change that cannot be undone or that interrupts mail.
for (const form of document.querySelectorAll("form[data-confirm]")) {
  form.addEventListener("submit", (event) => {
    if (!window.confirm(form.dataset.confirm)) event.preventDefault();
  });
}

// Adds the local time to the tooltip of each time, since the server writes UTC.
for (const time of document.querySelectorAll("time[datetime]")) {
  const local = new Date(time.dateTime);
  if (isNaN(local)) continue;
  const text = local.toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "long" });
  time.title = time.title ? `${time.title} (${text})` : text;
}
