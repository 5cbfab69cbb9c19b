// Comfort for forms; each of them works without it.

// The server makes one order of a double tap: this only shows that the first tap was felt.
for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.hasAttribute("aria-busy")) event.preventDefault();
    form.setAttribute("aria-busy", "true");
  });
}

addEventListener("pageshow", (event) => {
  for (const form of document.querySelectorAll("form[aria-busy]")) form.removeAttribute("aria-busy");
  // Back from the next page: the form's key is used up, and the order may have changed.
  if (event.persisted) location.reload();
});

document.querySelector("form[data-submit]")?.requestSubmit();
