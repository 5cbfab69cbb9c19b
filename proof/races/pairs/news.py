"""Two who know the same news: a payment has one end, and all of them learn it."""

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any
from unittest import mock

from celery import current_app

from payments import services
from payments.models import Difference, Evidence, Payment, Statement
from payments.services import statements
from payments.states import Source, StatementState, Verdict
from proof.races.crew import Part
from proof.races.pairs.base import Pair, call_back, history, post_callback, unlike
from proof.races.stage import Stage

PAID_ONCE = ["created → paying → succeeded"]


def run_task(name: str) -> Part:
    task: Part = current_app.tasks[name]
    return task


def judged(**which: Any) -> list[str]:
    return sorted(Evidence.objects.filter(**which).values_list("verdict", flat=True))


class CallbackCallback(Pair):
    name = "callback/callback"
    why = "one event twice, and another one about the same: settled once, kept all"

    def set_up(self, stage: Stage) -> None:
        self.payment = self.buy(stage)
        stage.channel.pay(self.payment.payment_no)
        self.first, self.other = (stage.channel.callback(self.payment.payment_no) for _ in "12")

    def parts(self, stage: Stage) -> dict[str, Part]:
        return {
            "callback": lambda: post_callback(self.first),
            "the same": lambda: post_callback(self.first),
            "another": lambda: post_callback(self.other),
        }

    def check(self, stage: Stage, results: Mapping[str, Any]) -> Iterator[str]:
        yield from unlike("answers", set(results.values()), [{200}])
        yield from unlike("history", history(self.payment), PAID_ONCE)
        rows = Evidence.objects.filter(source=Source.CALLBACK)
        times = sorted(rows.values_list("times_received", flat=True))
        yield from unlike("times received", times, [[1, 2]])
        verdicts = judged(source=Source.CALLBACK)
        yield from unlike("verdicts", verdicts, [[Verdict.APPLIED, Verdict.REPEATED]])


class CallbackConsult(Pair):
    name = "callback/consult"
    why = "both learn at once that it was paid: one moves it, one repeats"

    def set_up(self, stage: Stage) -> None:
        self.payment = self.buy(stage)
        stage.channel.pay(self.payment.payment_no)
        stage.pass_time(11)

    def parts(self, stage: Stage) -> dict[str, Part]:
        return {
            "callback": lambda: call_back(stage, self.payment.payment_no),
            "consult": run_task("workers.consult_due"),
        }

    def check(self, stage: Stage, results: Mapping[str, Any]) -> Iterator[str]:
        yield from unlike("answers", list(results.values()), [[200, None]])
        yield from unlike("history", history(self.payment), PAID_ONCE)
        verdicts = judged(source__in=[Source.CALLBACK, Source.CONSULT])
        allowed = [[Verdict.APPLIED], [Verdict.APPLIED, Verdict.REPEATED]]
        yield from unlike("verdicts", verdicts, allowed)


class SweepConsult(Pair):
    name = "sweep/consult"
    why = "both find the same rows due: each is asked about once"

    def set_up(self, stage: Stage) -> None:
        self.payments = [self.buy(stage), self.buy(stage)]
        for payment in self.payments:
            stage.channel.pay(payment.payment_no)
        stage.pass_time(20)

    def parts(self, stage: Stage) -> dict[str, Part]:
        return {
            "sweep": run_task("workers.sync_payment_result"),
            "consult": run_task("workers.consult_due"),
        }

    def check(self, stage: Stage, results: Mapping[str, Any]) -> Iterator[str]:
        yield from unlike("returned", set(results.values()), [{None}])
        yield from unlike("questions", stage.channel.calls["query"], [len(self.payments)])
        for payment in self.payments:
            yield from unlike("history", history(payment), PAID_ONCE)


class ReplayConsult(Pair):
    name = "replay/consult"
    why = "an operator has a failed callback judged again while a worker asks"

    def set_up(self, stage: Stage) -> None:
        self.payment = self.buy(stage)
        stage.channel.pay(self.payment.payment_no)
        with mock.patch("payments.services.callbacks.settle", side_effect=OSError("broken")):
            call_back(stage, self.payment.payment_no)
        self.evidence = Evidence.objects.get(verdict=Verdict.FAILED).pk
        stage.pass_time(11)

    def parts(self, stage: Stage) -> dict[str, Part]:
        return {
            "replay": lambda: (
                services.replay_callback(
                    evidence_id=self.evidence, now=stage.now, actor="ann"
                ).verdict
            ),
            "consult": run_task("workers.consult_due"),
        }

    def check(self, stage: Stage, results: Mapping[str, Any]) -> Iterator[str]:
        yield from unlike("replay", results["replay"], [Verdict.APPLIED, Verdict.REPEATED])
        yield from unlike("consult", results["consult"], [None])
        yield from unlike("history", history(self.payment), PAID_ONCE)


class StatementCallback(Pair):
    name = "statement/callback"
    why = "a day's statement is imported twice while a late callback comes"

    def set_up(self, stage: Stage) -> None:
        self.payment = self.buy(stage)
        stage.channel.pay(self.payment.payment_no, paid_at=stage.now)
        self.day = stage.now.date()
        stage.channel.write_statement(self.day)
        stage.pass_time(dt.timedelta(days=2).total_seconds())
        Payment.objects.update(consult_due_at=stage.now + dt.timedelta(hours=1))

    def parts(self, stage: Stage) -> dict[str, Part]:
        def import_by_hand() -> str:
            statement = statements.import_now(
                channel="fake", day=self.day, now=stage.now, actor="ann"
            )
            return str(statement.error)

        return {
            "statement": run_task("workers.import_statements"),
            "callback": lambda: call_back(stage, self.payment.payment_no),
            "by hand": import_by_hand,
        }

    def check(self, stage: Stage, results: Mapping[str, Any]) -> Iterator[str]:
        yield from unlike("answers", list(results.values()), [[None, 200, ""]])
        yield from unlike("history", history(self.payment), PAID_ONCE)
        days = Statement.objects.filter(day=self.day).values_list("state", flat=True)
        yield from unlike("statement", list(days), [[StatementState.COMPARED]])
        open_ones = Difference.objects.filter(resolved_at=None).values_list("kind", flat=True)
        yield from unlike("open differences", list(open_ones), [[]])
