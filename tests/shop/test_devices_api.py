"""Devices over the API: a shopper's own, and nobody else's."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.utils import base64url_encode

from orders.messages.devices import MOST
from orders.models import Device, Order
from orders.seen import was_seen
from tests.orders.messages.fakes import FAKE
from tests.shop.conftest import App, learn, tell_orders

pytestmark = pytest.mark.django_db
PHONE = {"kind": "fcm", "token": "phone", "language": "zh-hans"}
VAPID = ec.generate_private_key(ec.SECP256R1())


def point_of(key):
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


@pytest.fixture(autouse=True)
def _ways(settings):
    settings.NOTIFY_PRIVATE = False
    secret = VAPID.private_numbers().private_value.to_bytes(32, "big")
    web = {"private_key": base64url_encode(secret).decode(), "subject": "mailto:a@b.example"}
    settings.NOTIFIERS = {
        "fcm": dict(FAKE),
        "apns": dict(FAKE),
        "web": {"CLASS": "orders.messages.notifiers.web.WebNotifier", "OPTIONS": web},
        "email": dict(FAKE),
    }


def a_subscription(endpoint="https://push.example/1", **keys):
    made = {
        "p256dh": base64url_encode(point_of(VAPID)).decode(),
        "auth": base64url_encode(b"0123456789abcdef").decode(),
    }
    return {
        "kind": "web",
        "subscription": {"endpoint": endpoint, "expirationTime": None, "keys": made | keys},
    }


def devices_of(order):
    return f"/orders/{order['order_no']}/devices"


def delete(app, path):
    return app.client.delete(f"/api/v1{path}", headers=app.headers).status_code


def test_an_app_learns_which_devices_can_be_told_and_the_key_of_the_shop(guest):
    said = guest.get("/push").json()

    key = base64url_encode(point_of(VAPID)).decode()
    assert said == {"kinds": ["fcm", "apns", "web"], "vapid_public_key": key}


def test_a_shop_without_keys_offers_nothing(guest, settings):
    settings.NOTIFIERS = {}

    assert guest.get("/push").json() == {"kinds": [], "vapid_public_key": None}
    refused = guest.post(devices_of(guest.order()), PHONE)
    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["kind"])


def test_a_guest_registers_a_device_for_an_order_and_takes_it_back(guest):
    order = guest.order()

    answer = guest.post(devices_of(order), PHONE)
    again = guest.post(devices_of(order), PHONE | {"language": "en"})

    assert answer.status_code == again.status_code == 201
    assert answer.json()["device_no"] == again.json()["device_no"]
    device = Device.objects.get()
    assert (device.token, device.language, device.order.order_no) == (
        "phone",
        "en",
        order["order_no"],
    )
    path = f"{devices_of(order)}/{device.device_no}"
    assert [delete(guest, path) for _ in range(2)] == [204, 404]
    device.refresh_from_db()
    assert (device.token, device.gone_why) == ("", "unregistered")


def test_a_user_registers_a_device_for_all_orders(ann):
    answer = ann.post("/devices", PHONE)

    device = Device.objects.get()
    assert answer.json()["device_no"] == device.device_no
    assert (device.owner.username, device.order) == ("ann", None)
    assert delete(ann, f"/devices/{device.device_no}") == 204


def test_a_phone_that_changed_hands_tells_its_new_owner_alone(ann, bob):
    ann.post("/devices", PHONE)

    bob.post("/devices", PHONE)

    assert [device.owner.username for device in Device.objects.filter(gone_at=None)] == ["bob"]


def test_a_browser_registers_its_subscription(guest):
    answer = guest.post(devices_of(guest.order()), a_subscription())

    assert answer.status_code == 201
    device = Device.objects.get()
    assert (device.via, device.token) == ("web", "https://push.example/1")
    assert set(device.keys) == {"p256dh", "auth"}


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"kind": "email", "token": "ann@example.com"},
        {"kind": "pager", "token": "1"},
        {"kind": "fcm"},
        {"kind": "fcm", "token": ""},
        {"kind": "fcm", "token": "x" * 5000},
        {"kind": "fcm", "token": "é"},
        {"kind": "apns", "token": "../../evil"},
        {"kind": "web", "token": "https://push.example/1"},
        a_subscription("http://push.example:0/1"),
        a_subscription("https://127.0.0.1/1"),
        a_subscription("https://localhost/1"),
        a_subscription("file:///etc/passwd"),
        a_subscription(p256dh="A" * 87),
        a_subscription(auth="short"),
        PHONE | {"language": "x" * 17},
    ],
)
def test_what_is_no_device_is_refused(guest, wrong):
    answer = guest.post(devices_of(guest.order()), wrong)

    assert (answer.status_code, answer.json()["type"]) == (400, "urn:nodrop:invalid")
    assert Device.objects.count() == 0


def test_the_oldest_devices_make_room(guest):
    order = guest.order()

    for number in range(MOST + 1):
        guest.post(devices_of(order), {"kind": "fcm", "token": str(number)})

    tokens = set(Device.objects.filter(gone_at=None).values_list("token", flat=True))
    assert tokens == {str(number) for number in range(1, MOST + 1)}


@pytest.mark.parametrize("owner", ["ann", "guest"])
def test_nobody_registers_or_removes_a_device_of_anothers_order(request, bob, owner):
    owner = request.getfixturevalue(owner)
    order = owner.order()
    device_no = owner.post(devices_of(order), PHONE).json()["device_no"]

    for stranger in (bob, App(), App({"X-Order-Token": "wrong"})):
        assert stranger.post(devices_of(order), PHONE).status_code == 404
        assert delete(stranger, f"{devices_of(order)}/{device_no}") == 404
    assert delete(bob, f"/devices/{device_no}") == 404
    assert Device.objects.get().gone_at is None


def test_nobody_removes_anothers_device(ann, bob):
    device_no = ann.post("/devices", PHONE).json()["device_no"]

    assert delete(bob, f"/devices/{device_no}") == 404
    assert delete(App(), f"/devices/{device_no}") == 401
    assert App().post("/devices", PHONE).status_code == 401


@pytest.mark.parametrize(("asks", "reads"), [("zh-CN,zh;q=0.9", "zh-hans"), ("fr", "en")])
def test_the_language_of_an_apps_request_is_that_of_the_orders_emails(guest, asks, reads):
    guest.headers = {"Accept-Language": asks}

    order = guest.order()

    assert Order.objects.get(order_no=order["order_no"]).language == reads


@pytest.mark.parametrize("reads", ["status", "order"])
def test_who_reads_the_end_over_the_api_has_seen_it(guest, channel, reads):
    order = guest.order()
    payment = guest.pay(order)
    channel.pay(payment["payment_no"])
    learn(payment["payment_no"])
    guest.status(payment)
    tell_orders()
    version = Order.objects.get().version
    before = was_seen(order_no=order["order_no"], version=version)

    if reads == "status":
        guest.status(payment)
    else:
        guest.get(f"/orders/{order['order_no']}")

    assert (before, was_seen(order_no=order["order_no"], version=version)) == (False, True)


def test_a_device_of_one_order_is_not_removed_by_another(guest):
    order = guest.order()
    device_no = guest.post(devices_of(order), PHONE).json()["device_no"]
    other = App()

    assert delete(other, f"{devices_of(other.order())}/{device_no}") == 404
