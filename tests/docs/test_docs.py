"""The documents name what exists: links, commands, settings, files, events, and SQL that runs."""

import ast
import re
import textwrap
from pathlib import Path

import pytest
from django.core.management import get_commands
from django.db import connection
from django.urls import Resolver404, resolve

from config.run import PARTS
from tests.factories import a_payment

ROOT = Path(__file__).resolve().parents[2]
DOCS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
RUNBOOK = ROOT / "docs" / "runbook.md"
NUMBER = r"\b([NP])X{20}\b"  # as the runbook writes an order's or a payment's number
PACKAGES = ("alerts", "common", "config", "demo", "orders", "payments", "shop", "workers")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
CODE = "\n".join(path.read_text() for path in SOURCES)

named = pytest.mark.parametrize("doc", DOCS, ids=[str(path.relative_to(ROOT)) for path in DOCS])


def prose(doc: Path) -> str:
    """The text without its code blocks."""
    return re.sub(r"^ *```.*?^ *```$", "", doc.read_text(), flags=re.DOTALL | re.MULTILINE)


def blocks(doc: Path, language: str) -> list[str]:
    """The code blocks of a language, those inside lists included."""
    pattern = rf"^ *```{language}\n(.*?)^ *```$"
    found = re.findall(pattern, doc.read_text(), re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(block) for block in found]


def anchors(doc: Path) -> set[str]:
    """The headings' anchors as code hosts make them."""
    headings = re.findall(r"^#+ (.+)$", prose(doc), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {text.replace(" ", "-") for text in plain}


def links(doc: Path) -> list[str]:
    return re.findall(r"\]\(([^)\s]+)\)", prose(doc))


def found(pattern: str, doc: Path) -> list[str]:
    return sorted(set(re.findall(pattern, doc.read_text(), re.MULTILINE)))


@named
def test_every_relative_link_leads_somewhere(doc):
    broken = []
    for link in links(doc):
        path, _, anchor = link.partition("#")
        if "://" in path:
            continue
        target = (doc.parent / path).resolve() if path else doc
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)

    assert broken == []


@named
def test_every_make_target_exists(doc):
    targets = set(re.findall(r"^([a-z][a-z -]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    known = {word for line in targets for word in line.split()}

    assert [name for name in found(r"(?:^|`)make ([a-z-]+)", doc) if name not in known] == []


@named
def test_every_management_command_exists(doc):
    named_here = found(r"(?:manage\.py|config\.run manage) ([a-z_]+)", doc)

    assert [name for name in named_here if name not in get_commands()] == []


@named
def test_every_part_that_is_run_exists(doc):
    known = {*PARTS, "manage", "healthy", "clean"}

    assert [name for name in found(r"-m config\.run ([a-z]+)", doc) if name not in known] == []


@named
def test_every_setting_exists(doc):
    known = {"NODROP_CHANNELS"} | set(
        re.findall(r"^#?(NODROP_\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    )

    assert [name for name in found(r"\bNODROP_[A-Z_]+", doc) if name not in known] == []


@named
def test_every_log_event_that_alerts_exists(doc):
    assert [name for name in found(r"\balert\.[a-z_]+", doc) if f'"{name}"' not in CODE] == []


@named
def test_every_task_exists(doc):
    assert [name for name in found(r"`(workers\.[a-z_]+)`", doc) if f'"{name}"' not in CODE] == []


@named
def test_every_path_of_the_code_exists(doc):
    folders = "|".join((*PACKAGES, "tests", "docs"))
    paths = found(rf"[`(]((?:\.\./)*(?:{folders})/[\w./-]*[\w/])[`)]", doc)

    assert [path for path in paths if not (ROOT / path.replace("../", "")).exists()] == []


@named
def test_every_system_check_exists(doc):
    known = "\n".join(path.read_text() for path in SOURCES if path.name == "checks.py")
    named_here = found(r"`((?:payments|config)\.[EW]\d{3})`", doc)

    assert [name for name in named_here if f'"{name}"' not in known] == []


@named
def test_every_address_of_the_api_exists(doc):
    unknown = []
    for path in found(r"(?:GET|POST) (/[\w/{}<>]+)", doc):
        try:
            match = resolve(re.sub(r"[{<]\w+[}>]", "fake", path))
        except Resolver404:
            unknown.append(path)
        else:
            # The API answers every other path itself.
            unknown += [path] if match.url_name is None else []

    assert unknown == []


def test_every_alert_has_its_part_in_the_runbook_and_stands_in_the_readme():
    events = sorted(set(re.findall(r'"(alert\.[a-z_]+)"', CODE)))
    parts = re.findall(r"^## (alert\.[a-z_]+)", RUNBOOK.read_text(), re.MULTILINE)
    rows = re.findall(r"^\| `(alert\.[a-z_]+)`", (ROOT / "README.md").read_text(), re.MULTILINE)

    assert (sorted(parts), sorted(rows)) == (events, events)


def test_every_decision_stands_in_the_index():
    folder = ROOT / "docs" / "decisions"
    records = sorted(path.name for path in folder.glob("[0-9]*.md"))

    assert sorted(set(links(folder / "README.md"))) == records


def test_every_diagram_says_what_it_is_and_has_a_body():
    diagrams = [block.strip().splitlines() for doc in DOCS for block in blocks(doc, "mermaid")]

    assert diagrams
    for kind, *body in diagrams:
        assert re.match(r"(sequenceDiagram|stateDiagram-v2|flowchart)\b", kind)
        assert any(re.search(r"--|->", line) for line in body)


def test_python_in_the_documents_can_be_read():
    for doc in DOCS:
        for block in blocks(doc, "python"):
            ast.parse(block)


SQL = blocks(RUNBOOK, "sql")


@pytest.mark.django_db
@pytest.mark.parametrize("query", SQL, ids=[str(number) for number in range(len(SQL))])
def test_the_runbooks_sql_runs_and_only_reads(query):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL transaction_read_only = on")
        cursor.execute(query)

        assert cursor.description is not None


@pytest.mark.django_db
def test_the_runbooks_sql_about_one_number_finds_it(channel):
    payment = a_payment()
    numbers = {"N": payment.order_no, "P": payment.payment_no}
    asked = [query for query in SQL if re.search(NUMBER, query)]

    assert len(asked) == 4
    for query in asked:
        with connection.cursor() as cursor:
            cursor.execute(re.sub(NUMBER, lambda match: numbers[match[1]], query))
            assert cursor.fetchone() is not None
