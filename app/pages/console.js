"use strict";
// Makes pages more convenient; each of them does all that it does without this, too.

// Times: what the clock of who looks said then, as a tooltip.
for (const time of document.querySelectorAll("time[datetime]")) {
  const at = new Date(time.dateTime);
  if (!Number.isNaN(at.valueOf())) {
    time.title = `Here: ${at.toLocaleString()}`;
  }
}

// Buttons that copy the text of an element. (Only where the browser has a clipboard for us.)
if (navigator.clipboard) {
  for (const button of document.querySelectorAll("button[data-copy]")) {
    button.hidden = false;
    const label = button.textContent;
    button.addEventListener("click", async () => {
      const text = document.getElementById(button.dataset.copy).textContent;
      try {
        await navigator.clipboard.writeText(text.trim());
        button.textContent = "Copied";
      } catch {
        button.textContent = "Not copied";
      }
      setTimeout(() => { button.textContent = label; }, 2000);
    });
  }
}

// One button that unfolds all rows, and folds them again.
for (const button of document.querySelectorAll("button[data-unfold]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const opened = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(opened));
    for (const row of document.querySelectorAll(`#${button.dataset.unfold} details`)) {
      row.open = opened;
    }
  });
}

// A slash goes to the filter, as long as nothing is being typed.
document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("input, textarea, select, [contenteditable]");
  const filter = document.querySelector("[data-slash]");
  if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && filter) {
    event.preventDefault();
    filter.focus();
  }
});

// Parts that are fetched anew every few seconds, unless somebody pauses them or looks elsewhere.
for (const part of document.querySelectorAll("[data-refresh]")) {
  const pause = document.createElement("button");
  let isPaused = false;
  pause.type = "button";
  pause.textContent = "Pause the refresh";
  pause.addEventListener("click", () => {
    isPaused = !isPaused;
    pause.textContent = isPaused ? "Go on with the refresh" : "Pause the refresh";
  });
  part.after(pause);
  const refresh = async () => {
    if (isPaused || document.hidden || part.contains(document.activeElement)) {
      return;
    }
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById(part.id);
      if (answer.ok && fresh) {
        part.replaceChildren(...fresh.childNodes);
      }
    } catch {
      part.dataset.stale = "yes";
    }
  };
  setInterval(refresh, Number(part.dataset.refresh) * 1000);
}
