// Waits for the end of a payment. It never decides what the page says: when something has changed, it
// fetches the page again, and the server says what is true. Nothing older than what is shown is taken.

import { tick } from "./clock.js";
import { Push } from "./push.js";

const FIRST_ASK = 1000; // ms
const AFTER_TROUBLE = 5000; // ms: offline, or the server is being restarted
const LONGEST_CALL = 10000; // ms
const SLOWLY = 60000; // ms: the end is known, and money may still come twice or go back

let shown; // what #result says of itself
let newest = 0; // the highest version that was heard of the payment
let etag = "";
let rhythm = FIRST_ASK;
let timer;
let asking = false;
let askAgain = false;
let isBack = false; // from the wallet, perhaps: the server is told so with the next question
let push;

const isWatching = () => "watch" in shown;
const isListening = () => isWatching() || "listen" in shown;

function read(page = document) {
  return page.querySelector("#result").dataset;
}

function wordsOf(page) {
  return page.querySelector("#result").textContent;
}

function begin() {
  const before = shown;
  shown = read();
  if (before?.paymentNo !== shown.paymentNo) {
    newest = 0;
    etag = "";
  }
  newest = Math.max(newest, Number(shown.version ?? 0));
  if (!isListening() || before?.ticketsUrl !== shown.ticketsUrl) {
    push?.stop();
    push = isListening() && shown.ticketsUrl ? new Push(shown, ask) : undefined;
  }
  if (!document.hidden) push?.start();
}

function headers() {
  return { "X-Order-Token": shown.token, ...(etag && { "If-None-Match": etag }) };
}

// A hint that comes while a question is under way is not lost: the answer may be older than the hint.
async function ask() {
  if (asking) {
    askAgain = true;
    return;
  }
  asking = true;
  clearTimeout(timer);
  let wait = AFTER_TROUBLE;
  try {
    wait = isWatching() ? await look() : await show();
  } catch {
    // No answer is no news.
  }
  asking = false;
  if (askAgain) {
    askAgain = false;
    wait = 0;
  }
  again(wait);
}

function again(wait) {
  clearTimeout(timer);
  if (wait !== null && !document.hidden) timer = setTimeout(ask, wait);
}

// The wait until the next question in ms; null when the server wants none.
async function look() {
  const [url, method] = isBack ? [shown.returnedUrl, "POST"] : [shown.statusUrl, "GET"];
  const answer = await fetch(url, {
    method,
    headers: headers(),
    cache: "no-store",
    signal: AbortSignal.timeout(LONGEST_CALL),
  });
  if (answer.status === 429 || answer.status === 503) return retryAfter(answer);
  if (answer.status === 404) return null; // not ours (any more)
  if (answer.status === 304) return waitOf(answer, rhythm);
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  isBack = false;
  const now = await answer.json();
  if (now.payment_no !== shown.paymentNo || now.version < newest) return rhythm; // overtaken: stale
  newest = now.version;
  rhythm = waitOf(answer, now.poll_after_ms);
  if (now.final || now.version > Number(shown.version)) return show();
  etag = answer.headers.get("ETag") ?? "";
  return rhythm;
}

function waitOf(answer, otherwise) {
  const header = answer.headers.get("X-Poll-After-Ms");
  return header === null ? otherwise : Number(header);
}

function retryAfter(answer) {
  const seconds = Number(answer.headers.get("Retry-After"));
  return seconds > 0 ? Math.max(seconds * 1000, rhythm ?? 0) : AFTER_TROUBLE;
}

// Fetches the page, and shows it unless it is older than what is shown.
async function show() {
  const answer = await fetch(location.href, {
    headers: { Accept: "text/html", "X-Waiting": "1" }, // a look, not a shopper who is back
    cache: "no-store",
    signal: AbortSignal.timeout(LONGEST_CALL),
  });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const next = page.querySelector("#result") && read(page);
  if (!next || isOlder(next)) return AFTER_TROUBLE;
  const saysElse = !isWatching() && wordsOf(page) !== wordsOf(document); // refunds have no version here
  const changed =
    saysElse || next.state !== shown.state || next.orderVersion !== shown.orderVersion;
  if (changed || next.version !== shown.version) replace(page, answer.url);
  if (!isWatching()) return isListening() ? SLOWLY : null;
  return changed ? (rhythm ?? AFTER_TROUBLE) : AFTER_TROUBLE;
}

function isOlder(next) {
  const samePayment = next.paymentNo === shown.paymentNo;
  return (
    Number(next.orderVersion) < Number(shown.orderVersion) ||
    (samePayment && Number(next.version) < newest)
  );
}

function replace(page, url) {
  const main = document.querySelector("main");
  const hadFocus = main.contains(document.activeElement);
  main.replaceChildren(...page.querySelector("main").childNodes);
  document.title = page.title;
  if (url !== location.href) history.replaceState(null, "", url);
  begin();
  tick();
  const heading = main.querySelector("h1");
  document.querySelector("#said").textContent = heading.innerText;
  if (hadFocus) main.focus();
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    clearTimeout(timer);
    push?.stop();
  } else {
    isBack = true;
    push?.start();
    ask();
  }
});
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  isBack = true;
  ask();
});
addEventListener("online", () => {
  push?.start();
  ask();
});

begin();
if (isListening()) again(isWatching() ? FIRST_ASK : SLOWLY);
