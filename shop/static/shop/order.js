// Waits for the end of a payment. It never decides what the page says: when something has changed, it
// loads the page again, and the server says what is true.

const watch = document.querySelector("[data-watch]").dataset;
const headers = { "X-Order-Token": watch.token };
const FIRST_ASK = 1000; // ms
const AFTER_TROUBLE = 5000; // ms: offline, or the server is being restarted

let timer;
let asking = false;
let wasHidden = false;
let returned = false;

async function ask(url, method) {
  const answer = await fetch(url, { method, headers });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return answer.json();
}

async function poll(url = watch.statusUrl, method = "GET") {
  if (asking) return;
  asking = true;
  clearTimeout(timer);
  try {
    const now = await ask(url, method);
    if (now.final || `${now.status} ${now.order_status}` !== watch.shown) {
      location.reload();
      return;
    }
    if (now.poll_after_ms !== null) again(now.poll_after_ms);
  } catch {
    again(AFTER_TROUBLE);
  } finally {
    asking = false;
  }
}

function again(ms) {
  clearTimeout(timer);
  timer = setTimeout(poll, ms);
}

// Seen again: perhaps the shopper was in the wallet's app. The server is told so once.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    wasHidden = true;
    clearTimeout(timer);
  } else if (wasHidden && !returned) {
    returned = true;
    poll(watch.returnedUrl, "POST");
  } else {
    poll();
  }
});
addEventListener("online", () => poll());

setTimeout(() => {
  for (const text of document.querySelectorAll("[data-soon]")) text.hidden = true;
  for (const text of document.querySelectorAll("[data-still]")) text.hidden = false;
}, Number(watch.stillIn) * 1000);

// Push only says "look now"; without it the polling goes on all the same.
function listen(wait = 1000) {
  const url = `${watch.pushUrl}/ws/orders/${watch.orderNo}/`;
  const socket = new WebSocket(url, ["nodrop", watch.token]);
  socket.addEventListener("message", () => {
    wait = 1000;
    poll();
  });
  socket.addEventListener("close", ({ code }) => {
    if (code !== 4404) setTimeout(listen, wait, Math.min(wait * 2, 60000));
  });
}

if (watch.pushUrl) listen();
again(FIRST_ASK);
