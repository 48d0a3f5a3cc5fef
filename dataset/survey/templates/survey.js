"use strict";
// Without this script every form works as a plain form; with it a lost network loses no answer, and keys help.
const RETRY_MILLISECONDS = [500, 1000, 2000, 4000];
const byId = (id) => document.getElementById(id);
let sending = false;

function say(text) {
  const status = byId("status");
  if (status) status.textContent = text;
}

async function post(form, body) {
  const answer = await fetch(form.action, {
    method: "POST",
    body,
    headers: { Accept: "application/json" },
    signal: AbortSignal.timeout(15000),
  });
  if (answer.ok) return (await answer.json()).next;
  if (answer.status === 429 || answer.status >= 500) throw new Error(String(answer.status));
  return null; // refused for good: the plain form shows why
}

function pause(attempt) {
  const milliseconds = RETRY_MILLISECONDS[Math.min(attempt, RETRY_MILLISECONDS.length - 1)];
  return new Promise((resume) => {
    const timer = setTimeout(resume, milliseconds);
    addEventListener("online", () => { clearTimeout(timer); resume(); }, { once: true });
  });
}

// The server keeps the same answer once, so trying again is always safe.
async function send(form) {
  if (sending) return;
  sending = true;
  const body = new URLSearchParams(new FormData(form));
  byId("next")?.setAttribute("aria-disabled", "true");
  for (let attempt = 0; ; attempt += 1) {
    try {
      const next = await post(form, body);
      if (next === null) form.submit();
      else location.assign(next);
      return;
    } catch {
      say("No connection. Your answer is not sent yet; keep this page open, it tries again by itself.");
      await pause(attempt);
    }
  }
}

for (const form of document.querySelectorAll("#answer, .undo")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form);
  });
}

// A page from the browser's memory may show what is no longer so.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

function press(key) {
  if (key === "h") byId("human")?.click();
  else if (key === "m") byId("machine")?.click();
  else if (key >= "0" && key <= "5") byId(`rating-${key}`)?.click();
  else if (key === "u") byId("undo")?.click();
  else if (key === "enter") byId("answer")?.requestSubmit();
  else return false;
  return true;
}

function takesKeys(target) {
  return target.closest("button, a, textarea, input:not([type=radio])") !== null;
}

const keys = byId("keys");
if (keys) {
  keys.checked = localStorage.getItem("keys") !== "off";
  const show = () => document.body.classList.toggle("shortcuts", keys.checked);
  keys.addEventListener("change", () => {
    localStorage.setItem("keys", keys.checked ? "on" : "off");
    show();
  });
  show();
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || !keys.checked) return;
    if (event.key === "Enter" && takesKeys(event.target)) return;
    if (press(event.key.toLowerCase())) event.preventDefault();
  });
}

const picture = byId("picture");
if (picture) {
  const gone = () => {
    picture.hidden = true;
    document.querySelector(".gone").hidden = false;
  };
  picture.addEventListener("error", gone);
  if (picture.complete && !picture.naturalWidth) gone();
}

// A code after the # of a link never reaches a server's log.
const code = byId("code");
if (code && location.hash.length > 1) {
  code.value = decodeURIComponent(location.hash.slice(1));
  history.replaceState(null, "", location.pathname);
}
