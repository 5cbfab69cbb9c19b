"""What a soak prints: its figures, and the story of a payment that ended badly."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from payments.models import Payment
from payments.timeline import timeline
from proof.soak.books import Finding


def percentile(times: Sequence[float], share: float) -> float:
    """The value within which `share` of the sorted times lie."""
    return times[max(math.ceil(share * len(times)) - 1, 0)] if times else 0.0


def figures(*, times: Sequence[float], found: Sequence[Finding], counts: Mapping[str, int]) -> str:
    """One line: what was done, and what went wrong."""
    kinds = Counter(each.kind for each in found)
    done = ", ".join(f"{count} {what}" for what, count in counts.items())
    p50, p99 = percentile(times, 0.5), percentile(times, 0.99)
    worst = times[-1] if times else 0.0
    return (
        f"{done}; {kinds['drop']} drops, {kinds['double']} doubles, {kinds['difference']} other"
        f" differences; time-to-truth p50 {p50:.2f} s, p99 {p99:.1f} s, worst {worst:.1f} s"
    )


def table(faults: Mapping[str, int]) -> str:
    """The faults by kind, most often first."""
    ordered = sorted(faults.items(), key=lambda each: (-each[1], each[0]))
    return "\n".join(f"  {count:4}  {kind}" for kind, count in ordered)


def story(finding: Finding, bill: Mapping[str, Any] | None, log: Sequence[str]) -> str:
    """The first bad payment, step by step, by both sides."""
    lines = [f"The first of them: {finding}", "", "What the wallet says:", f"  {bill}"]
    if Payment.objects.filter(payment_no=finding.payment_no).exists():
        lines += ["", "What the shop says:"]
        for entry in timeline(payment_no=finding.payment_no):
            words = [entry.title, entry.detail, entry.verdict]
            lines.append(f"  {entry.at:%H:%M:%S.%f}  {'  '.join(filter(None, words))}")
    return "\n".join([*lines, "", "The storm:", *log])
