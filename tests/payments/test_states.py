"""The table of legal moves, cell by cell."""

import pytest

from payments.states import FINAL, IN_FOG, MOVES, Status, Verdict, judge

CREATED, PAYING, SUCCEEDED, FAILED, CANCELLED, CLOSED, MISPAID = Status
LEGAL = {
    CREATED: {PAYING, SUCCEEDED, FAILED, CANCELLED, CLOSED, MISPAID},
    PAYING: {SUCCEEDED, FAILED, CANCELLED, CLOSED, MISPAID},
    SUCCEEDED: set(),
    FAILED: {SUCCEEDED, MISPAID},
    CANCELLED: {SUCCEEDED, MISPAID},
    CLOSED: {SUCCEEDED, MISPAID},
    MISPAID: set(),
}
CELLS = [(was, to) for was in Status for to in Status]


def test_every_status_has_a_row_of_moves():
    assert set(MOVES) == set(Status)


def test_fog_and_ends_share_out_all_statuses():
    assert {CREATED, PAYING} == IN_FOG
    assert set(Status) - IN_FOG == FINAL


@pytest.mark.parametrize(("was", "to"), CELLS)
def test_each_cell_of_the_table(was, to):
    judgement = judge(was, to)

    assert (judgement.to == to) == (to in LEGAL[was])
    assert (judgement.verdict is Verdict.APPLIED) == (to in LEGAL[was])


@pytest.mark.parametrize("was", sorted(FINAL))
def test_still_open_is_stale_news_about_an_ended_payment(was):
    assert judge(was, PAYING).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("was", sorted(FINAL))
def test_the_same_end_again_is_a_repeat(was):
    assert judge(was, was).verdict is Verdict.REPEATED


@pytest.mark.parametrize("was", [FAILED, CANCELLED, CLOSED])
@pytest.mark.parametrize("to", [FAILED, CANCELLED, CLOSED])
def test_another_name_of_an_end_without_money_is_a_repeat(was, to):
    assert judge(was, to).verdict is Verdict.REPEATED


@pytest.mark.parametrize("to", [FAILED, CANCELLED, CLOSED, MISPAID])
def test_nothing_takes_a_success_back(to):
    assert judge(SUCCEEDED, to).verdict is Verdict.CONTRADICTS


@pytest.mark.parametrize("was", list(Status))
def test_no_answer_ends_nothing(was):
    judgement = judge(was, None)

    assert (judgement.verdict, judgement.to) == (Verdict.INCONCLUSIVE, None)
