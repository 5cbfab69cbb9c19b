"""Where money is read from."""

from django.conf import settings


def test_money_is_read_from_the_one_database_that_is_written():
    assert list(settings.DATABASES) == ["default"]
    assert settings.DATABASE_ROUTERS == []
