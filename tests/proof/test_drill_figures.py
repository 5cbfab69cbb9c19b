"""The drill's figures, table and pictures, from outcomes that were made up."""

from proof.drill import plots
from proof.drill.figures import NEVER, Outcome, Taken, merge
from proof.drill.report import report
from proof.drill.storms import split
from proof.drill.table import duration, table


def outcome(*seconds: float, strategy: str = "everything", **more: object) -> Outcome:
    taken = [Taken(f"{n}.1", each, "consult") for n, each in enumerate(seconds)]
    values = {"payments": len(taken), "queries": 2 * len(taken), "rows_read": 1500, **more}
    return Outcome(strategy=strategy, taken=taken, **values)


def test_a_payment_is_a_drop_until_the_shop_knows_it():
    known_after = outcome(1, 30, 400, NEVER)

    shares = [known_after.share_unknown(mark) for mark in (0, 10, 60, 3600)]

    assert shares == [1.0, 0.75, 0.5, 0.25]
    assert (known_after.drops, known_after.share_dropped) == (1, 0.25)


def test_the_time_to_truth_of_what_is_never_known_is_never():
    mostly_known = outcome(*[1.0] * 98, 5.0, NEVER)

    assert mostly_known.time_to_truth(0.5) == 1.0
    assert mostly_known.time_to_truth(0.99) == 5.0
    assert mostly_known.time_to_truth(1.0) == NEVER


def test_who_found_it_is_counted_by_how_soon():
    found = outcome(1, 30, 31, NEVER).found_within([10, 60])

    assert found == {"consult": [1, 2]}


def test_nothing_taken_is_no_drop():
    assert outcome().share_dropped == 0
    assert outcome().time_to_truth(0.5) == 0


def test_times_are_told_in_one_unit():
    told = [duration(seconds) for seconds in (0.42, 119, 120, 7200, 200_000, NEVER)]

    assert told == ["0.4 s", "119.0 s", "2.0 min", "2.0 h", "2.3 d", "never"]


def test_the_table_has_a_line_for_each_strategy():
    lines = table([outcome(1, NEVER, strategy="callback only"), outcome(1, 20)]).splitlines()

    assert lines[3].split()[2:8] == ["50.00", "%", "50.00", "%", "50.00", "%"]
    assert lines[4].split() == [
        *("everything", "50.00", "%", "0", "0", "0", "0"),
        *("1.0", "s", "20.0", "s", "20.0", "s", "2.0", "750"),
    ]


def test_a_sound_run_passes(capsys):
    assert report([outcome(1, 2)], seed=7, orders=2) is False
    assert "0 dropped, 0 doubled" in capsys.readouterr().out


def test_a_drop_fails_the_run_and_its_story_is_told(capsys):
    again = "make drill SEED=7 ORDERS=2"
    dropped = outcome(1, NEVER, story="0:00:03  south takes 1250 CNY", again=again)

    assert report([dropped], seed=7, orders=2) is True
    told = capsys.readouterr().out
    assert "1 dropped" in told
    assert again in told
    assert "south takes 1250 CNY" in told


def test_a_double_fails_the_run():
    assert report([outcome(1, doubles=1)], seed=7, orders=1) is True


def test_a_rule_that_does_not_hold_fails_the_run(capsys):
    assert report([outcome(1, broken=["I4: it is still paying"])], seed=7, orders=1) is True
    assert "broken: I4: it is still paying" in capsys.readouterr().out


def test_a_drop_of_another_strategy_is_what_the_table_is_for():
    others = outcome(NEVER, strategy="callback only")

    assert report([others, outcome(1)], seed=7, orders=1) is False


def test_the_same_outcomes_draw_the_same_pictures(tmp_path):
    outcomes = [outcome(1, NEVER, strategy="callback only"), outcome(1, 20)]

    first = [path.read_bytes() for path in plots.write(outcomes, tmp_path)]
    second = [path.read_bytes() for path in plots.write(outcomes, tmp_path)]

    assert first == second
    assert b"<script" not in b"".join(first)
    assert all(b"everything" in picture for picture in first)


def test_orders_are_shared_among_storms_none_of_which_decides_alone():
    assert split(seed=7, orders=250) == [(7, 250)]
    assert split(seed=7, orders=700) == [(7000, 234), (7001, 233), (7002, 233)]


def test_storms_add_up_and_the_first_bad_one_tells_its_story(capsys):
    calm = outcome(1, 2, again="make drill SEED=7000 ORDERS=2")
    bad = outcome(3, NEVER, story="the callback is lost", again="make drill SEED=7001 ORDERS=2")
    worse = outcome(NEVER, NEVER, doubles=1, broken=["a rule"], story="another one")

    whole = merge([calm, bad, worse])

    assert (whole.payments, whole.drops, whole.queries, whole.rows_read) == (6, 3, 12, 4500)
    assert (whole.doubles, whole.broken) == (1, ["a rule"])
    assert report([whole], seed=7, orders=700) is True
    told = capsys.readouterr().out
    assert "700 orders in 3 storms" in told
    assert "(again: make drill SEED=7001 ORDERS=2):\n\nthe callback is lost" in told
