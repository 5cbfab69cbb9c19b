"""What the API refuses, and in which words."""

import pytest
from django.db import OperationalError
from django.urls import reverse

from shop.models import Product

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("scheme", ["Bearer abc", "Basic abc", "token"])
def test_credentials_of_another_kind_are_refused_and_not_taken_for_a_guests(client, scheme):
    answer = client.get(reverse("api:products"), headers={"Authorization": scheme})

    assert answer.status_code == 401
    assert "Authorization: Token <key>" in answer.json()["detail"]


@pytest.mark.parametrize("format_", ["xml", "api", "%00"])
def test_a_format_in_the_query_means_nothing(client, format_):
    assert client.get(f"{reverse('api:products')}?format={format_}").status_code == 200


def test_while_the_database_is_away_the_app_is_asked_to_come_back(client, monkeypatch):
    def away(**_kwargs):
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(Product.objects, "filter", away)

    answer = client.get(reverse("api:products"))

    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert answer["Content-Type"] == "application/problem+json"
