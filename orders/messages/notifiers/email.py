"""E-mail, by Django's backends."""

import smtplib

from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from orders.messages.notifiers.base import Answer, Letter, Result


class EmailNotifier:
    """Sends over Django's backend, which reads all but the `host` from the settings."""

    def __init__(self, *, host: str) -> None:
        self._host = host

    def send(self, letter: Letter) -> Answer:
        """One try. The `Message-ID` is the same on each, so that a repeat can be told."""
        mail = EmailMessage(
            subject=letter.title,
            body=f"{letter.body}\n\n{letter.url}\n",
            to=[letter.to],
            connection=get_connection(host=self._host),
            headers={
                "Message-ID": f"<{letter.message_no}@{_domain()}>",
                "Auto-Submitted": "auto-generated",
            },
        )
        try:
            mail.send()
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            return _by_code(max(codes, default=500), "the address was refused", Result.GONE)
        except smtplib.SMTPResponseException as error:
            return _by_code(error.smtp_code, repr(error.smtp_error), Result.REFUSED)
        return Answer(result=Result.TAKEN, text="taken by the mail server")


def _by_code(code: int, text: str, for_good: Result) -> Answer:
    """SMTP: 4xx is not now, 5xx is never; who may not log in is an operator's business."""
    never = code >= 500 and code not in (530, 534, 535, 538)
    return Answer(result=for_good if never else Result.AGAIN, text=f"SMTP {code} {text}"[:200])


def _domain() -> str:
    return settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("> ") or "localhost"
