// Comfort for every page; each of them works without it.

// Times are written in the shopper's own zone from the next page on: only her browser knows it.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone) document.cookie = `zone=${zone}; path=/; max-age=31536000; samesite=lax`;

// The server makes one order of a double tap: this only shows that the first tap was felt.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-once]")) return;
  if (form.hasAttribute("aria-busy")) event.preventDefault();
  form.setAttribute("aria-busy", "true");
});

addEventListener("pageshow", (event) => {
  for (const form of document.querySelectorAll("form[aria-busy]")) form.removeAttribute("aria-busy");
  // Back from the next page: the form's key is used up, and the cart may have changed. The page of an
  // order looks after itself.
  if (event.persisted && !document.querySelector("#result")) location.reload();
});

// To the bank at once, but only once: else the browser's "back" would lead there again.
const form = document.querySelector("form[data-submit]");
if (form && !sessionStorage.getItem(form.dataset.submit)) {
  sessionStorage.setItem(form.dataset.submit, "sent");
  form.requestSubmit();
}
