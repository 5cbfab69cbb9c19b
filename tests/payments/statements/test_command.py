"""`manage.py import_statement CHANNEL DAY [--file PATH]`."""

import pytest
from django.core.management import CommandError, call_command

from payments.models import Statement
from tests.payments.statements.world import DAY, a_line, paid

pytestmark = pytest.mark.django_db(transaction=True)


def run(capsys, *arguments):
    call_command("import_statement", *map(str, arguments))
    return capsys.readouterr().out


def test_it_says_what_came_of_it(channel, capsys):
    paid(channel)
    channel.write_statement(DAY, a_line())

    said = run(capsys, "fake", DAY)

    assert said == f"fake {DAY}: 2 lines, 1 agree, 1 differences are open\n"


def test_a_file_that_was_got_otherwise_is_imported(channel, capsys, tmp_path):
    paid(channel)
    channel.write_statement(DAY)
    file = tmp_path / "statement"
    file.write_bytes(b"".join(channel.statements.pop(DAY)))

    said = run(capsys, "fake", DAY, "--file", file)

    assert said == f"fake {DAY}: 1 lines, 1 agree, 0 differences are open\n"
    assert (channel.calls["statement"], Statement.objects.get().state) == (0, "compared")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["nobody", DAY], "configured: fake, other"),
        (["fake", "2099-01-01"], "This day is not over"),
        (["fake", DAY], "not compared: the statement is not ready"),
        (["fake", DAY, "--file", "/nowhere"], "No such file"),
        (["fake", "yesterday"], "invalid"),
    ],
)
def test_what_can_not_be_done_is_said(channel, capsys, arguments, why):
    with pytest.raises(CommandError, match=why):
        run(capsys, *arguments)
