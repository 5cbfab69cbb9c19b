"""The stock is corrected while orders take from it, and nothing is had twice."""

import pytest
from django.contrib.admin.models import LogEntry
from django.db.models import F

from orders.models import Stock
from tests.admin.story import found, get, post, said

pytestmark = pytest.mark.django_db


@pytest.fixture
def tea() -> Stock:
    return Stock.objects.create(sku="tea", available=5)


def corrected(client, stock, available, seen=5):
    return post(client, "orders_stock_change", stock.pk, available=available, seen=seen)


def admin_errors(answer):
    return dict(answer.context["adminform"].form.errors)


def test_a_product_is_found_by_its_sku(operator, tea):
    Stock.objects.create(sku="cup", available=1)

    assert found(operator, "orders_stock", q="te") == [tea]


def test_the_pages_say_that_a_product_without_a_row_is_never_sold_out(operator):
    text = b"A product of the shop that has no row here is never sold out."

    assert text in get(operator, "orders_stock_changelist").content
    assert text in get(operator, "orders_stock_add").content


def test_a_row_is_added(operator):
    post(operator, "orders_stock_add", sku="tea", available=7)

    assert Stock.objects.get(sku="tea").available == 7
    assert LogEntry.objects.get().get_change_message() == "Added with 7 available."


def test_what_is_available_is_corrected(operator, tea):
    corrected(operator, tea, 12)

    tea.refresh_from_db()
    assert tea.available == 12
    entry = LogEntry.objects.get()
    assert (entry.user.username, entry.get_change_message()) == (
        "olga",
        "+7 available, which makes 12.",
    )


def test_what_an_order_took_while_the_form_was_open_stays_taken(operator, tea):
    Stock.objects.update(available=F("available") - 2)

    corrected(operator, tea, 12, seen=5)

    tea.refresh_from_db()
    assert tea.available == 10


def test_a_correction_that_would_oversell_changes_nothing(operator, tea):
    Stock.objects.update(available=1)

    answer = corrected(operator, tea, 2, seen=5)

    tea.refresh_from_db()
    assert tea.available == 1
    assert said(answer)[0].startswith("Orders have taken more of it meanwhile")


@pytest.mark.parametrize("available", ["-1", "many", ""])
def test_a_number_that_can_not_be_is_refused(operator, tea, available):
    answer = corrected(operator, tea, available)

    tea.refresh_from_db()
    assert tea.available == 5
    assert admin_errors(answer)


def test_an_sku_stays_what_it_is(operator, tea):
    post(operator, "orders_stock_change", tea.pk, sku="cup", available=5, seen=5)

    tea.refresh_from_db()
    assert tea.sku == "tea"


def test_an_onlooker_corrects_nothing(onlooker, tea):
    listed = get(onlooker, "orders_stock_changelist")
    answer = corrected(onlooker, tea, 12)

    tea.refresh_from_db()
    assert listed.status_code == 200
    assert (answer.status_code, tea.available) == (403, 5)
