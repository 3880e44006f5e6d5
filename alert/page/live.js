// Replaces the content of the page every ten seconds while it is looked at. Without
// JavaScript the page stays as it was loaded.
"use strict";
(() => {
  const seconds = 10;
  const toggle = document.getElementById("live");
  if (!toggle) return;
  toggle.hidden = false;
  let on = true;
  const show = () => {
    toggle.textContent = on ? "Pause refresh" : "Resume refresh";
  };
  toggle.addEventListener("click", () => { on = !on; show(); });
  show();
  const busy = () => {
    const active = document.activeElement;
    return active && active.closest && active.closest("form, [data-fresh] a, [data-fresh] [tabindex]");
  };
  setInterval(async () => {
    if (!on || document.hidden || busy()) return;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-fresh]");
      const old = document.querySelector("[data-fresh]");
      if (fresh && old) old.replaceWith(fresh);
    } catch { /* the agent is away: the page stays as it is */ }
  }, seconds * 1000);
})();
