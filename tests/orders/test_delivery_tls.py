"""TLS: the certificate must be trusted, and be that of the name, not of the address."""

import socket
import time

import pytest
import requests.adapters
from django.utils import timezone
from requests_hardened import ip_filter_adapter

from orders.deliveries import deliver_due, posting
from orders.models import DeliveryTry
from tests.orders.certificates import certificate_for, serving
from tests.orders.receiver import Receiver
from tests.orders.telling import a_fact, an_endpoint

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def leads_here(monkeypatch):
    """Every name leads to loopback, and that is taken for a public address."""
    monkeypatch.setattr(posting, "refuse_private", lambda *_: None)
    monkeypatch.setattr(ip_filter_adapter, "filter_host", lambda *_, **__: "127.0.0.1")


@pytest.fixture
def certificate(tmp_path):
    return certificate_for("warehouse.test", tmp_path)


@pytest.fixture
def trusted(certificate, monkeypatch):
    monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", str(certificate))


@pytest.fixture
def receiver(leads_here, certificate):
    with Receiver(tls=serving(certificate)) as listening:
        yield listening


def answer_from(url):
    an_endpoint(url)
    a_fact()
    deliver_due(now=timezone.now())
    return DeliveryTry.objects.get().answer


def test_a_trusted_certificate_of_the_name_is_enough(receiver, trusted):
    assert answer_from(f"https://warehouse.test:{receiver.port}/hook") == "HTTP 200"

    [received] = receiver.received
    assert received.headers["host"] == f"warehouse.test:{receiver.port}"


def test_a_certificate_of_another_name_gets_nothing(receiver, trusted):
    answer = answer_from(f"https://books.test:{receiver.port}/hook")

    assert answer == "no secure connection: the certificate is another host's"
    assert receiver.received == []


def test_a_certificate_that_nobody_vouches_for_gets_nothing(receiver):
    answer = answer_from(f"https://warehouse.test:{receiver.port}/hook")

    assert answer == "no secure connection: CERTIFICATE_VERIFY_FAILED"
    assert receiver.received == []


def test_the_deadline_holds_over_tls(receiver, trusted, short_deadline):
    receiver.always = receiver.dripping
    started = time.monotonic()

    answer = answer_from(f"https://warehouse.test:{receiver.port}/hook")

    assert answer == "no answer in time"
    assert time.monotonic() - started < 0.9


def test_a_handshake_that_hangs_is_left_at_the_deadline(leads_here, short_deadline):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()

        answer = answer_from(f"https://warehouse.test:{silent.getsockname()[1]}/hook")

        assert answer == "no answer in time"
        assert time.monotonic() - started < 0.9
