// Moves the ring while a payment is being confirmed, and counts down how long a code can be paid.

const began = new WeakMap(); // element -> when it was first seen

function leftOf(element, seconds) {
  if (!began.has(element)) began.set(element, Date.now());
  return Math.max(0, seconds - (Date.now() - began.get(element)) / 1000);
}

function moveRing(ring) {
  const left = Math.ceil(leftOf(ring, Number(ring.dataset.left)));
  ring.querySelector("span").textContent = left;
  ring.querySelector(".hand").setAttribute("stroke-dasharray", `${left} ${ring.dataset.of}`);
  if (left > 0) return;
  for (const element of document.querySelectorAll("[data-soon]")) element.hidden = true;
  for (const element of document.querySelectorAll("[data-still]")) element.hidden = false;
  const result = document.querySelector("#result");
  if (result.dataset.phase !== "still") {
    result.dataset.phase = "still";
    document.querySelector("#said").textContent = result.innerText;
  }
}

function countDown(element) {
  const left = Math.ceil(leftOf(element, Number(element.dataset.countdown)));
  const [minutes, seconds] = [Math.floor(left / 60), left % 60];
  element.querySelector("b").textContent = `${minutes}:${String(seconds).padStart(2, "0")}`;
  element.hidden = left === 0;
  for (const over of document.querySelectorAll("[data-over]")) over.hidden = left > 0;
}

export function tick() {
  const ring = document.querySelector("[data-ring]");
  if (ring && !ring.closest("[hidden]")) moveRing(ring);
  for (const element of document.querySelectorAll("[data-countdown]")) countDown(element);
}

tick();
setInterval(() => document.hidden || tick(), 1000);
document.addEventListener("visibilitychange", () => document.hidden || tick());
