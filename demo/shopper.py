"""What a shopper's app and her wallet do, over HTTP."""

import uuid
from dataclasses import dataclass
from typing import Any

import requests

SKU = "umbrella"
TIMEOUT = 10  # seconds


@dataclass(frozen=True, slots=True)
class Purchase:
    """An order with a payment that was started: `pay_url` is the wallet's page."""

    order_no: str
    order_token: str
    payment_no: str
    pay_url: str


def place_and_start(*, web: str) -> Purchase:
    """Place an order of one umbrella as a guest, and start its payment in the sandbox wallet."""
    order = _post(
        f"{web}/api/v1/orders",
        json={"lines": [{"sku": SKU, "quantity": 1}]},
        headers={"Idempotency-Key": str(uuid.uuid4())},
    )
    payment = _post(
        f"{web}/api/v1/orders/{order['order_no']}/payments",
        json={"channel": "sandbox"},
        headers={"X-Order-Token": order["token"]},
    )
    return Purchase(
        order_no=order["order_no"],
        order_token=order["token"],
        payment_no=payment["payment_no"],
        pay_url=payment["action"]["url"],
    )


def set_faults(purchase: Purchase, *, wallet: str, **faults: Any) -> None:
    """Switch faults on for this payment alone."""
    _post(f"{wallet}/faults/{purchase.payment_no}", json=faults)


def all_faults_off(*, wallet: str) -> None:
    """Switch every fault of the wallet off, those of single payments too."""
    requests.delete(f"{wallet}/faults", timeout=TIMEOUT).raise_for_status()


def pay(purchase: Purchase) -> None:
    """Press *pay* on the wallet's page; the shopper then closes the browser."""
    answer = requests.post(
        purchase.pay_url, data={"action": "pay"}, timeout=TIMEOUT, allow_redirects=False
    )
    if answer.status_code != 303:
        raise RuntimeError(f"the wallet did not take the money: {answer.status_code}")


def act(purchase: Purchase, deed: str, *, wallet: str) -> None:
    """A deed that the wallet's page does not offer, such as `pay_late` or `charge_again`."""
    _post(f"{wallet}/shopper/{purchase.payment_no}/{deed}")


def cancel(purchase: Purchase, *, web: str) -> None:
    """Cancel the order in the shop."""
    _post(
        f"{web}/api/v1/orders/{purchase.order_no}/cancel",
        headers={"X-Order-Token": purchase.order_token},
    )


def taken_and_given_back(purchase: Purchase, *, wallet: str) -> tuple[int, int]:
    """What the wallet took for this payment, and gave back, by its own ledger; minor units."""
    ledger = requests.get(f"{wallet}/ledger.json", timeout=TIMEOUT).json()
    bills = [bill for bill in ledger["bills"] if bill["payment_no"] == purchase.payment_no]
    return sum(bill["captured"] for bill in bills), sum(bill["refunded"] for bill in bills)


def _post(url: str, **arguments: Any) -> Any:
    answer = requests.post(url, timeout=TIMEOUT, **arguments)
    if not answer.ok:
        raise RuntimeError(f"{url} answered {answer.status_code}: {answer.text[:500]}")
    return answer.json()
