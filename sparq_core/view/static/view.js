"use strict";

// The token is in a cookie now; it need not stay in the address, where others may read it.
const address = new URL(location.href);
if (address.searchParams.has("token")) {
  address.searchParams.delete("token");
  history.replaceState(null, "", address);
}

// A search that has found nothing yet goes on by itself.
const further = document.querySelector("a[data-go-on]");
if (further) location.replace(further.href);

// The overview follows its run: as soon as there is something new, the page is asked for again and put in place.
const EVERY = 2000;
const main = document.querySelector("main[data-pulse]");
const state = document.querySelector("[data-state]");

async function text(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(answer.statusText);
  return answer.text();
}

function isRead() {
  const active = document.activeElement;
  return document.hidden || !getSelection().isCollapsed || (active !== document.body && main.contains(active));
}

async function follow() {
  try {
    if (!isRead() && (await text("/pulse")) !== main.dataset.pulse) {
      const page = new DOMParser().parseFromString(await text("/"), "text/html").querySelector("main");
      const open = Array.from(main.querySelectorAll("details"), (details) => details.open);
      page.querySelectorAll("details").forEach((details, i) => { details.open = Boolean(open[i]); });
      main.replaceChildren(...page.childNodes);
      main.dataset.pulse = page.dataset.pulse;
    }
    state.hidden = true;
  } catch {
    state.hidden = false;
  }
  setTimeout(follow, EVERY);
}

if (main) setTimeout(follow, EVERY);
