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

// Marks all messages of a list, or none if all are marked. Without JavaScript the link loads the list with
// all of them marked.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-select-all]");
  if (!link) return;
  event.preventDefault();
  const boxes = [...link.closest("form").querySelectorAll("input[type=checkbox][name=id]")];
  const all = boxes.every((box) => box.checked);
  for (const box of boxes) box.checked = !all;
});

// Adds the local time to the tooltip of each time, since the server writes UTC.
function addLocalTimes(part) {
  for (const time of part.querySelectorAll("time[datetime]")) {
    const local = new Date(time.dateTime);
    if (isNaN(local)) continue;
    const text = local.toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "long" });
    time.title = time.title ? `${time.title} (${text})` : text;
  }
}
addLocalTimes(document);

// Counts down to the time at which an opened mailbox closes. It starts from the time that the server says is
// left, since the clocks may differ.
const main = document.querySelector("main[data-refresh]");
for (const time of document.querySelectorAll("time[data-until]")) {
  const left = document.createElement("strong");
  left.className = "left";
  time.after(" (", left, ")");
  const end = performance.now() + Number(time.dataset.until) * 1000;
  const show = () => {
    const seconds = Math.max(0, Math.round((end - performance.now()) / 1000));
    left.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  };
  show();
  setInterval(show, 1000);
}

// Loads the page again after the time that it states. An overview is replaced in place, unless its reader is
// using it; a page that closes goes away.
async function reload() {
  const live = document.querySelector("main[data-refresh]");
  const seconds = Number(live.dataset.refresh);
  if (live.dataset.refreshLive !== undefined) {
    const focus = document.activeElement;
    const busy = document.hidden || (focus !== live && live.contains(focus)) || live.querySelector("details[open]");
    if (!busy) {
      try {
        const answer = await fetch(live.dataset.refreshTo, { credentials: "same-origin" });
        if (answer.redirected) return location.reload();
        if (answer.ok) {
          const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
          if (fresh) {
            addLocalTimes(fresh);
            live.replaceWith(fresh);
          }
        }
      } catch {
        // The server is away: the page says of when it is.
      }
    }
    setTimeout(reload, seconds * 1000);
    return;
  }
  location.assign(live.dataset.refreshTo);
}
if (main) setTimeout(reload, Number(main.dataset.refresh) * 1000);
