/** Buys something and waits for the truth: `node dist/buy.js http://127.0.0.1:8000`. */

import { createShop, newKey, ProblemError, untilFinal } from "./client.js";

const [baseUrl = "http://127.0.0.1:8000"] = process.argv.slice(2);
const shop = createShop({ baseUrl });
const say = (line: string) => console.log(line);

const products = await shop.GET("/api/v1/products", { params: { query: { limit: 2 } } });
const product = products.data?.results[0];
if (product === undefined) throw new Error("nothing is sold here");

const channels = await shop.GET("/api/v1/channels", {
  params: { query: { currency: product.price.currency } },
});
const channel = channels.data?.[0];
if (channel === undefined) throw new Error("there is no way to pay");

const key = newKey();
const place = () =>
  shop.POST("/api/v1/orders", {
    params: { header: { "Idempotency-Key": key } },
    body: { lines: [{ sku: product.sku, quantity: 2 }] },
  });
const { data: order } = await place();
if (order === undefined) throw new Error("no order");
const again = await place();
say(`same order: ${again.data?.order_no === order.order_no}`);
say(`replayed: ${again.response.headers.get("Idempotent-Replayed")}`);

const header = { "X-Order-Token": order.token };
const path = { order_no: order.order_no };
try {
  await shop.GET("/api/v1/orders/{order_no}", { params: { path, header: { "X-Order-Token": "x" } } });
} catch (error) {
  if (error instanceof ProblemError) say(`a stranger: ${error.problem.status}`);
}

const { data: payment } = await shop.POST("/api/v1/orders/{order_no}/payments", {
  params: { path, header: { ...header, "Idempotency-Key": newKey() } },
  body: { channel: channel.name },
});
if (payment?.action?.kind !== "redirect") throw new Error("no wallet to open");

// What the shopper does in the wallet: it is a page, and she presses "pay".
await fetch(payment.action.url, {
  method: "POST",
  body: new URLSearchParams({ action: "pay" }),
  redirect: "manual",
});
await shop.POST("/api/v1/payments/{payment_no}/returned", {
  params: { path: { payment_no: payment.payment_no }, header },
});

const heard: string[] = [];
const end = await untilFinal(shop, payment.payment_no, order.token, (status) => {
  heard.push(status.order_status);
});
say(`final: ${end.final}, order: ${end.order_status}, last heard: ${heard.at(-1)}`);

const { data: paid } = await shop.GET("/api/v1/orders/{order_no}", { params: { path, header } });
say(`standing: ${paid?.standing}, total: ${paid?.total.amount} ${paid?.total.currency}`);
