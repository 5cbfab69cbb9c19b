"""The real notifiers against providers on loopback: what is sent, and what each answer means."""

import json
import socketserver
import threading
import time

import http_ece
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from orders.checks import messages_can_be_sent
from orders.messages.loop import _try
from orders.messages.notifiers import Letter, Result, get_notifier
from orders.messages.notifiers.apns import TOKEN_LIFE, ApnsNotifier
from orders.messages.notifiers.fcm import FcmNotifier
from orders.messages.notifiers.web import WebNotifier
from tests.orders.certificates import certificate_for, serving
from tests.orders.messages.provider import Http2Provider, Provider, Says

TOKEN = Says(200, {"access_token": "from google", "expires_in": 3600, "token_type": "Bearer"})
LETTER = {
    "message_no": "M1",
    "order_no": "N1",
    "version": 7,
    "kind": "paid",
    "title": "订单已支付",
    "body": "N1",
    "url": "https://shop.example/orders/N1/",
}
DATA = {"order_no": "N1", "version": "7", "kind": "paid", "url": LETTER["url"]}


def a_letter(to, **more):
    return Letter(**LETTER, to=to, **more)


def pem_of(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture
def short(monkeypatch):
    """Half a second in place of ten."""
    for name in ("fcm", "apns", "web"):
        monkeypatch.setattr(f"orders.messages.notifiers.{name}.SECONDS", 0.5)
    monkeypatch.setattr("orders.messages.notifiers.fcm.TIMEOUT", (0.5, 0.5))


def result_of(settings, via, notifier, letter):
    """What the loop makes of a try, errors included."""
    config = {"CLASS": "tests.orders.messages.test_providers.Ready"}
    settings.NOTIFIERS = {via: config | {"OPTIONS": {"notifier": notifier}}}
    return _try(via, letter)


def Ready(notifier):  # noqa: N802  (stands where a class does)
    return notifier


# --- FCM -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def account():
    return {
        "type": "service_account",
        "project_id": "shop",
        "client_email": "push@shop.example",
        "private_key": pem_of(rsa.generate_private_key(65537, 2048)),
    }


@pytest.fixture
def google():
    with Provider() as provider:
        yield provider


@pytest.fixture
def fcm(account, google):
    google.script.append(TOKEN)
    credentials = json.dumps(account | {"token_uri": f"{google.url}/token"})
    return FcmNotifier(credentials=credentials, url=google.url)


def says_fcm(status, code, **field):
    details = [{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}]
    if field:
        details.append({"fieldViolations": [field]})
    return Says(status, {"error": {"code": status, "status": "INVALID", "details": details}})


def test_fcm_is_sent_a_message_with_googles_token_which_is_fetched_once(fcm, google):
    answers = [fcm.send(a_letter("phone")) for _ in range(2)]

    assert [answer.result for answer in answers] == [Result.TAKEN] * 2
    assert [each.path for each in google.requests] == [
        "/token",
        *["/v1/projects/shop/messages:send"] * 2,
    ]
    sent = google.requests[-1]
    assert sent.headers["authorization"] == "Bearer from google"
    message = sent.json["message"]
    assert (message["token"], message["data"]) == ("phone", DATA)
    assert message["notification"] == {"title": LETTER["title"], "body": "N1"}
    assert message["android"]["collapse_key"] == "N1"


@pytest.mark.parametrize(
    ("says", "result"),
    [
        (Says(200, {"name": "projects/shop/messages/1"}), Result.TAKEN),
        (says_fcm(404, "UNREGISTERED"), Result.GONE),
        (says_fcm(403, "SENDER_ID_MISMATCH"), Result.GONE),
        (says_fcm(400, "INVALID_ARGUMENT", field="message.token"), Result.GONE),
        (says_fcm(400, "INVALID_ARGUMENT", field="message.data"), Result.REFUSED),
        (Says(404, "<html>no such project"), Result.AGAIN),
        (Says(401, ""), Result.AGAIN),
        (says_fcm(429, "QUOTA_EXCEEDED"), Result.AGAIN),
        (says_fcm(500, "INTERNAL"), Result.AGAIN),
        (Says(503, "not JSON", {"retry-after": "7"}), Result.AGAIN),
        (Says(302, "", {"location": "http://evil.example"}), Result.AGAIN),
    ],
)
def test_what_fcm_answers_decides_what_is_done(fcm, google, says, result):
    google.script.append(says)

    answer = fcm.send(a_letter("phone"))

    assert answer.result is result
    assert answer.retry_after == (7 if says.headers and says.status == 503 else None)


def test_fcm_that_says_nothing_is_asked_again(account, google, settings, short):
    google.script.extend([TOKEN, Says(silent=True)])
    credentials = json.dumps(account | {"token_uri": f"{google.url}/token"})
    notifier = FcmNotifier(credentials=credentials, url=google.url)
    started = time.monotonic()

    answer = result_of(settings, "fcm", notifier, a_letter("phone"))

    assert answer.result is Result.AGAIN
    assert time.monotonic() - started < 5


def test_a_google_that_gives_no_token_is_asked_again_and_nothing_is_sent(fcm, google, settings):
    google.script.clear()
    google.always = Says(400, {"error": "invalid_grant"})

    answer = result_of(settings, "fcm", fcm, a_letter("phone"))

    assert answer.result is Result.AGAIN
    assert {request.path for request in google.requests} == {"/token"}


def test_letters_behind_one_that_got_no_token_do_not_each_wait_for_google(
    account, google, settings, short
):
    google.script.clear()
    google.always = Says(silent=True)
    credentials = json.dumps(account | {"token_uri": f"{google.url}/token"})
    notifier = FcmNotifier(credentials=credentials, url=google.url)
    result_of(settings, "fcm", notifier, a_letter("phone"))
    asked = len(google.requests)

    answers = [result_of(settings, "fcm", notifier, a_letter("phone")) for _ in range(8)]

    assert {answer.result for answer in answers} == {Result.AGAIN}
    assert len(google.requests) <= asked + 1


# --- APNs ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return certificate_for("localhost", tmp_path_factory.mktemp("apple"))


@pytest.fixture
def apple(certificate):
    with Http2Provider(serving(certificate)) as provider:
        yield provider


@pytest.fixture(scope="module")
def signing():
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def apns(apple, certificate, signing):
    notifier = ApnsNotifier(
        key=pem_of(signing),
        key_id="KEY1",
        team_id="TEAM1",
        topic="com.example.shop",
        url=apple.url,
        ca_file=str(certificate),
    )
    yield notifier
    notifier._client.close()


def test_apple_is_sent_an_alert_over_http2_signed_by_us(apns, apple, signing):
    answers = [apns.send(a_letter("ab" * 32)) for _ in range(2)]

    assert [answer.result for answer in answers] == [Result.TAKEN] * 2
    first, second = apple.requests
    assert first.path == f"/3/device/{'ab' * 32}"
    assert first.json == {
        "aps": {"alert": {"title": LETTER["title"], "body": "N1"}, "sound": "default"},
        "order": DATA,
    }
    told = {name: first.headers[name] for name in ("apns-topic", "apns-push-type")}
    assert told == {"apns-topic": "com.example.shop", "apns-push-type": "alert"}
    assert first.headers["apns-collapse-id"] == "N1"
    assert first.headers["apns-id"] == second.headers["apns-id"]
    bearer = first.headers["authorization"].removeprefix("bearer ")
    claims = jwt.decode(bearer, signing.public_key(), algorithms=["ES256"])
    assert claims["iss"] == "TEAM1"
    assert jwt.get_unverified_header(bearer)["kid"] == "KEY1"
    assert second.headers["authorization"] == first.headers["authorization"]


@pytest.mark.parametrize(
    ("status", "reason", "result"),
    [
        (200, "", Result.TAKEN),
        (410, "Unregistered", Result.GONE),
        (400, "BadDeviceToken", Result.GONE),
        (400, "DeviceTokenNotForTopic", Result.GONE),
        (413, "PayloadTooLarge", Result.REFUSED),
        (404, "BadPath", Result.REFUSED),
        (403, "ExpiredProviderToken", Result.AGAIN),
        (403, "InvalidProviderToken", Result.AGAIN),
        (429, "TooManyRequests", Result.AGAIN),
        (500, "InternalServerError", Result.AGAIN),
        (503, "", Result.AGAIN),
    ],
)
def test_what_apple_answers_decides_what_is_done(apns, apple, status, reason, result):
    apple.script.append(Says(status, {"reason": reason} if reason else ""))

    assert apns.send(a_letter("ab" * 32)).result is result


def test_a_token_of_ours_that_apple_calls_old_is_signed_anew(apns, apple, monkeypatch):
    apple.script.append(Says(403, {"reason": "ExpiredProviderToken"}))
    apns.send(a_letter("ab" * 32))
    later = time.time() + 10
    monkeypatch.setattr("orders.messages.notifiers.apns.time.time", lambda: later)

    apns.send(a_letter("ab" * 32))
    monkeypatch.setattr("orders.messages.notifiers.apns.time.time", lambda: later + TOKEN_LIFE + 1)
    apns.send(a_letter("ab" * 32))

    assert len({request.headers["authorization"] for request in apple.requests}) == 3


def test_an_apple_that_says_nothing_is_asked_again(apple, certificate, signing, settings, short):
    apple.script.append(Says(silent=True))
    notifier = ApnsNotifier(
        key=pem_of(signing),
        key_id="K",
        team_id="T",
        topic="t",
        url=apple.url,
        ca_file=str(certificate),
    )

    answer = result_of(settings, "apns", notifier, a_letter("ab" * 32))
    notifier._client.close()

    assert answer.result is Result.AGAIN


def test_who_only_says_that_he_is_apple_is_sent_nothing(apple, signing, settings):
    notifier = ApnsNotifier(key=pem_of(signing), key_id="K", team_id="T", topic="t", url=apple.url)

    answer = result_of(settings, "apns", notifier, a_letter("ab" * 32))
    notifier._client.close()

    assert (answer.result, apple.requests) == (Result.AGAIN, [])


# --- Web push ------------------------------------------------------------------------------------


@pytest.fixture
def push_service(settings):
    settings.NOTIFY_PRIVATE = settings.NOTIFY_HTTP = True
    with Provider() as provider:
        yield provider


@pytest.fixture
def browser():
    """What a browser keeps for itself, and the keys that it gives away."""
    key = ec.generate_private_key(ec.SECP256R1())
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    secret = b"0123456789abcdef"
    encoded = [jwt.utils.base64url_encode(part).decode() for part in (point, secret)]
    return key, secret, dict(zip(("p256dh", "auth"), encoded, strict=True))


@pytest.fixture
def web():
    return WebNotifier(
        private_key=pem_of(ec.generate_private_key(ec.SECP256R1())), subject="mailto:a@b.example"
    )


def test_a_browser_alone_can_read_what_it_is_sent(web, push_service, browser):
    key, secret, keys = browser

    answer = web.send(a_letter(f"{push_service.url}/push/1", keys=keys))

    [request] = push_service.requests
    plain = http_ece.decrypt(request.body, private_key=key, auth_secret=secret)
    assert json.loads(plain) == DATA | {"title": LETTER["title"], "body": "N1"}
    assert answer.result is Result.TAKEN
    assert (request.headers["urgency"], request.headers["topic"]) == ("high", "N1")
    assert request.headers["content-encoding"] == "aes128gcm"
    scheme, _, parts = request.headers["authorization"].partition(" ")
    values = dict(part.strip().split("=", 1) for part in parts.split(","))
    assert (scheme, values["k"]) == ("vapid", web.public_key)
    claims = jwt.decode(values["t"], options={"verify_signature": False})
    assert (claims["aud"], claims["sub"]) == (push_service.url, "mailto:a@b.example")


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (201, Result.TAKEN),
        (404, Result.GONE),
        (410, Result.GONE),
        (400, Result.REFUSED),
        (413, Result.REFUSED),
        (403, Result.AGAIN),
        (429, Result.AGAIN),
        (500, Result.AGAIN),
        (302, Result.AGAIN),
    ],
)
def test_what_a_push_service_answers_decides_what_is_done(
    web, push_service, browser, status, result
):
    push_service.script.append(Says(status, "", {"retry-after": "9"}))

    answer = web.send(a_letter(f"{push_service.url}/push/1", keys=browser[2]))

    assert answer.result is result
    assert answer.retry_after == (9 if result is Result.AGAIN else None)


def test_a_push_service_that_says_nothing_is_asked_again(
    web, push_service, browser, settings, short
):
    push_service.script.append(Says(silent=True))

    letter = a_letter(f"{push_service.url}/push/1", keys=browser[2])
    answer = result_of(settings, "web", web, letter)

    assert answer.result is Result.AGAIN


def test_no_push_service_leads_into_our_own_network(web, push_service, browser, settings):
    settings.NOTIFY_PRIVATE = False

    letter = a_letter(f"{push_service.url}/push/1", keys=browser[2])
    answer = result_of(settings, "web", web, letter)

    assert (answer.result, push_service.requests) == (Result.AGAIN, [])
    assert push_service.url not in answer.text


# --- E-mail --------------------------------------------------------------------------------------


class MailServer(socketserver.StreamRequestHandler):
    """Speaks as much SMTP as a test needs; `codes` are its answers to RCPT and to the data."""

    codes: tuple[int, int] = (250, 250)
    mails: list[bytes]

    def handle(self) -> None:
        self._say(220)
        while line := self.rfile.readline():
            match line[:4].upper():
                case b"RCPT":
                    self._say(self.codes[0])
                case b"DATA":
                    self._say(354)
                    self._take()
                case b"QUIT":
                    self._say(221)
                    return
                case _:
                    self._say(250)

    def _take(self) -> None:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line)
        self.mails.append(b"".join(lines))
        self._say(self.codes[1])

    def _say(self, code: int) -> None:
        self.wfile.write(f"{code} so be it\r\n".encode())


@pytest.fixture
def mail_server(settings):
    handler = type("Handler", (MailServer,), {"mails": []})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_PORT = server.server_address[1]
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.NOTIFIERS["email"]["OPTIONS"]["host"] = "127.0.0.1"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield handler
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("codes", "result"),
    [
        ((250, 250), Result.TAKEN),
        ((550, 250), Result.GONE),
        ((450, 250), Result.AGAIN),
        ((250, 554), Result.REFUSED),
        ((250, 451), Result.AGAIN),
    ],
)
def test_what_a_mail_server_answers_decides_what_is_done(mail_server, codes, result):
    mail_server.codes = codes

    answer = _try("email", a_letter("ann@example.com"))

    assert answer.result is result
    if result is Result.TAKEN:
        [mail] = mail_server.mails
        assert b"Message-ID: <M1@shop.example>" in mail
        assert b"Auto-Submitted: auto-generated" in mail


def test_a_mail_server_that_is_not_there_is_asked_again(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_PORT = 1
    settings.NOTIFIERS["email"]["OPTIONS"]["host"] = "127.0.0.1"

    assert _try("email", a_letter("ann@example.com")).result is Result.AGAIN


# --- Settings ------------------------------------------------------------------------------------


@pytest.mark.parametrize("via", ["fcm", "apns", "web"])
def test_a_key_that_can_not_be_read_stops_the_start_and_is_not_shown(settings, via):
    options = {
        "fcm": {"credentials": '{"secret": 1}'},
        "apns": {"key": "-----BEGIN secret", "key_id": "", "team_id": "", "topic": ""},
        "web": {"private_key": "secret", "subject": ""},
    }
    name = f"orders.messages.notifiers.{via}.{via.title()}Notifier"
    settings.NOTIFIERS = {via: {"CLASS": name, "OPTIONS": options[via]}}

    [problem] = messages_can_be_sent()

    assert problem.id == "orders.E001"
    assert "secret" not in problem.msg


def test_the_notifiers_are_built_once():
    assert get_notifier("fcm") is get_notifier("fcm")
