/** A client of the Nodrop API. Its types are made of the shop's own OpenAPI description. */

import createClient, { type Client, type Middleware } from "openapi-fetch";
import type { components, paths } from "./schema.js";

type Schemas = components["schemas"];
export type Order = Schemas["Order"];
export type Payment = Schemas["Payment"];
export type PaymentStatus = Schemas["PaymentStatus"];
export type Problem = Schemas["Problem"];
export type Shop = Client<paths>;

/** What the shop answers when something is wrong (RFC 9457): switch on `problem.type`. */
export class ProblemError extends Error {
  constructor(
    readonly problem: Problem,
    /** Seconds after which to ask again, where the shop names some. */
    readonly retryAfter: number | null,
  ) {
    super(`${problem.status} ${problem.title}: ${problem.detail} (request ${problem.request_id})`);
  }
}

/** Every path of the API, typed. Without a `userToken` the caller is a guest. */
export function createShop(options: { baseUrl: string; userToken?: string }): Shop {
  const shop = createClient<paths>({ baseUrl: options.baseUrl });
  const { userToken } = options;
  if (userToken !== undefined) {
    shop.use({
      onRequest: ({ request }) => request.headers.set("Authorization", `Token ${userToken}`),
    });
  }
  shop.use(problemsAreThrown);
  return shop;
}

const problemsAreThrown: Middleware = {
  async onResponse({ response }) {
    if (response.headers.get("Content-Type")?.startsWith("application/problem+json")) {
      const after = response.headers.get("Retry-After");
      throw new ProblemError((await response.json()) as Problem, after ? Number(after) : null);
    }
  },
};

/** A key for one deed that is meant: keep it, and send it again with the same request. */
export const newKey = (): string => crypto.randomUUID();

/**
 * Ask for a payment's status at the shop's own pace, until it is final or there is nothing more to
 * wait for; `onNews` hears of each change. Only what it returns with `final` is news for a shopper.
 */
export async function untilFinal(
  shop: Shop,
  paymentNo: string,
  orderToken: string,
  onNews: (status: PaymentStatus) => void = () => {},
): Promise<PaymentStatus> {
  let known: PaymentStatus | null = null;
  let etag: string | null = null;
  for (;;) {
    let wait: number | null = null;
    try {
      const { data, response } = await askStatus(shop, paymentNo, orderToken, etag);
      if (data !== undefined && data.version >= (known?.version ?? 0)) {
        if (data.version !== known?.version) onNews(data);
        known = data;
        etag = response.headers.get("ETag");
      }
      const pace = response.headers.get("X-Poll-After-Ms");
      if (known !== null && pace === null) return known;
      wait = Number(pace);
    } catch (error) {
      wait = waitAfter(error);
    }
    await new Promise((resume) => setTimeout(resume, wait));
  }
}

const askStatus = (shop: Shop, paymentNo: string, orderToken: string, etag: string | null) =>
  shop.GET("/api/v1/payments/{payment_no}/status", {
    params: {
      path: { payment_no: paymentNo },
      header: { "X-Order-Token": orderToken, ...(etag !== null && { "If-None-Match": etag }) },
    },
  });

/** Milliseconds to wait before asking again; throws what asking again can't help. */
function waitAfter(error: unknown): number {
  if (error instanceof ProblemError) {
    if (error.retryAfter === null) throw error;
    return error.retryAfter * 1000;
  }
  if (error instanceof TypeError) return 2000; // fetch reports a lost connection so
  throw error;
}
