"""The adapter of the sandbox wallet. Its rules are those of `payments.channels.sandbox.server`."""

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from standardwebhooks import Webhook

from payments.channels.base import (
    Ack,
    Action,
    Callback,
    Capabilities,
    Charge,
    CloseOutcome,
    Created,
    MalformedCallback,
    NotExecuted,
    OutcomeUnknown,
    RefundReport,
    RefundState,
    Report,
    StatementLine,
)
from payments.channels.base import ChannelState as State
from payments.channels.http import Answer, HttpClient, parse_object
from payments.channels.sandbox import reading
from payments.channels.sandbox.signature import verified_event_id
from payments.channels.sandbox.statement_lines import statement_from

_CURRENCIES = ("AUD", "CAD", "CNY", "EUR", "GBP", "HKD", "JPY", "KRW", "SGD", "USD")
_CLOSED = (State.CLOSED, State.CANCELLED, State.FAILED)  # none of them can be paid any more
_STATEMENT_BYTES = 256 << 20  # some two million lines
_STATEMENT_SECONDS = 120.0


class SandboxChannel:
    """The sandbox wallet at `base_url`, for the account `merchant`.

    `webhook_secret` is one secret, or several while they are being exchanged: as a list, or as one
    text with spaces. `timeout` is the total deadline of each call in seconds; a statement has its
    own of 120.
    """

    def __init__(
        self,
        *,
        name: str,
        base_url: str,
        merchant: str,
        api_key: str,
        webhook_secret: str | Sequence[str],
        timeout: float = 5.0,
        currencies: Sequence[str] = _CURRENCIES,
    ) -> None:
        if urlsplit(base_url).scheme not in ("http", "https"):
            raise ValueError("base_url must be an http(s) address")
        if not merchant or not api_key:
            raise ValueError("merchant and api_key must not be empty")
        secrets = webhook_secret.split() if isinstance(webhook_secret, str) else webhook_secret
        if not secrets:
            raise ValueError("webhook_secret must not be empty")
        self.name = name
        self.merchant = merchant
        self.capabilities = Capabilities(
            currencies=frozenset(currencies),
            has_statement=True,
            # The wallet makes no bill after `expires_at`, and hides one for 60 s at the most.
            not_found_final_after=120.0,
        )
        self._base_url = base_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {api_key}", "Accept": "application/json"}
        self._secrets = tuple(Webhook(secret) for secret in secrets)
        self._http = HttpClient(timeout=timeout)

    def create(self, charge: Charge) -> Created:
        """Have a bill made. The same key gives the same bill, as it is by now."""
        body = {
            "payment_no": charge.payment_no,
            "amount": charge.amount,
            "currency": charge.currency,
            "subject": charge.subject,
            "expires_at": charge.expires_at.isoformat(),
            "return_url": charge.return_url,
            "notify_url": charge.notify_url,
        }
        answer = self._post("/v1/bills", body, key=charge.idempotency_key).required()
        report = self._report(answer, charge.payment_no)
        url = answer.json().get("pay_url")
        if not isinstance(url, str) or urlsplit(url).scheme not in ("http", "https"):
            raise OutcomeUnknown("the answer has no pay_url")
        if (report.amount, report.currency) != (charge.amount, charge.currency):
            raise OutcomeUnknown("the answer is about another amount")
        return Created(
            action=Action(kind="redirect", url=url), channel_no=report.channel_no, raw=report.raw
        )

    def query(self, *, payment_no: str, channel_no: str) -> Report:
        """Ask for the bill by our own number."""
        answer = self._get(f"/v1/bills/{quote(payment_no, safe='')}")
        if _says(answer) == (404, "not_found"):
            return Report(payment_no=payment_no, state=State.NOT_FOUND, raw=answer.text)
        return self._report(answer.required(), payment_no)

    def close(self, *, payment_no: str, channel_no: str) -> CloseOutcome:
        """Have the bill closed; one that ended unpaid before counts as closed."""
        answer = self._post(f"/v1/bills/{quote(payment_no, safe='')}/close", {})
        match _says(answer):
            case (409, "already_paid"):
                return CloseOutcome.ALREADY_PAID
            case (409, "busy"):
                return CloseOutcome.BUSY
            case (404, "not_found"):
                return CloseOutcome.NOT_FOUND
        if self._report(answer.required(), payment_no).state not in _CLOSED:
            raise OutcomeUnknown("the answer to a close shows a bill that isn't closed")
        return CloseOutcome.CLOSED

    def refund(
        self,
        *,
        refund_no: str,
        payment_no: str,
        channel_no: str,
        amount: int,
        currency: str,
        reason: str,
    ) -> RefundReport:
        """Give money back, in parts too. The same `refund_no` is the same refund."""
        body = {
            "refund_no": refund_no,
            "payment_no": payment_no,
            "amount": amount,
            "currency": currency,
            "reason": reason,
        }
        answer = self._post("/v1/refunds", body).required()
        report = self._refund_report(answer, refund_no, payment_no)
        if (report.amount, report.currency) != (amount, currency):
            raise OutcomeUnknown("the answer is about another amount")
        return report

    def query_refund(self, *, refund_no: str, payment_no: str) -> RefundReport:
        """Ask for a refund by our own number."""
        answer = self._get(f"/v1/refunds/{quote(refund_no, safe='')}")
        if _says(answer) == (404, "not_found"):
            return RefundReport(
                refund_no=refund_no,
                payment_no=payment_no,
                state=RefundState.NOT_FOUND,
                raw=answer.text,
            )
        return self._refund_report(answer.required(), refund_no, payment_no)

    def parse_callback(
        self, *, headers: Mapping[str, str], body: bytes, now: dt.datetime
    ) -> Callback:
        """Verify by the Standard Webhooks scheme, then read. Any 2xx is what the wallet wants."""
        event_id = verified_event_id(secrets=self._secrets, headers=headers, body=body, now=now)
        try:
            report = reading.news_from(parse_object(body), raw=body.decode())
        except ValueError as exc:
            raise MalformedCallback(f"the callback can't be read: {exc}") from exc
        return Callback(event_id=event_id, report=report, ack=Ack(status=200, body=""))

    def download_statement(self, day: dt.date) -> Iterator[bytes]:
        """One UTC day's captures and refunds; the first piece is `NotExecuted` until it is ready.

        All of it must have been read within two minutes.
        """
        return self._http.stream(
            "GET",
            f"{self._base_url}/v1/statements/{day.isoformat()}",
            headers=self._headers,
            timeout=_STATEMENT_SECONDS,
            max_bytes=_STATEMENT_BYTES,
            refused=_not_ready,
        )

    def read_statement(self, raw: Iterator[bytes]) -> Iterator[StatementLine]:
        """The lines of a statement of the wallet's, as they come."""
        return statement_from(raw)

    def _get(self, path: str) -> Answer:
        return self._http.send("GET", self._base_url + path, headers=self._headers)

    def _post(self, path: str, body: Mapping[str, Any], *, key: str = "") -> Answer:
        headers = {**self._headers, "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        content = json.dumps(body).encode()
        return self._http.send("POST", self._base_url + path, headers=headers, body=content)

    def _report(self, answer: Answer, payment_no: str) -> Report:
        try:
            report = reading.report_from(answer.json(), raw=answer.text)
        except reading.Unreadable as exc:
            raise OutcomeUnknown(str(exc)) from exc
        if report.payment_no != payment_no:
            raise OutcomeUnknown("the answer is about another payment")
        return report

    def _refund_report(self, answer: Answer, refund_no: str, payment_no: str) -> RefundReport:
        try:
            report = reading.refund_from(answer.json(), raw=answer.text)
        except reading.Unreadable as exc:
            raise OutcomeUnknown(str(exc)) from exc
        if (report.refund_no, report.payment_no) != (refund_no, payment_no):
            raise OutcomeUnknown("the answer is about another refund")
        return report


def _not_ready(answer: Answer) -> None:
    if _says(answer) == (404, "not_ready"):
        raise NotExecuted("the day's statement is not ready")


def _says(answer: Answer) -> tuple[int, str]:
    """Status and code of a refusal; a refusal that isn't the wallet's own is no answer."""
    if answer.ok:
        return answer.status, ""
    code = answer.json().get("error")
    if not isinstance(code, str):
        raise OutcomeUnknown(f"HTTP {answer.status} that isn't the wallet's: {answer.text[:200]}")
    return answer.status, code
