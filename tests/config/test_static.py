"""Files that pages need, from a checkout where nothing was collected."""

from pathlib import Path

from django.contrib.staticfiles import finders
from django.test import Client


def test_a_file_of_a_page_is_served_as_it_lies_in_the_checkout():
    found = Path(finders.find("shop/page.js"))

    answer = Client().get("/static/shop/page.js")

    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert b"".join(answer.streaming_content) == found.read_bytes()


def test_no_file_is_made_up_for_a_page():
    assert Client().get("/static/shop/no-such-page.js").status_code == 404


def test_what_lies_beside_the_files_of_pages_is_not_served():
    assert Client().get("/static/../config/settings.py").status_code == 404
