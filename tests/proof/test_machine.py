"""Hypothesis drives the world of the simulator, and shrinks what fails to a few steps."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from proof.simulator.machine import ShopMachine

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]


def test_no_few_steps_lose_or_double_money():
    """Derandomized: CI always tries the same steps; other ones are tried by hand and by seeds."""
    chosen = settings(
        max_examples=12,
        stateful_step_count=20,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )

    run_state_machine_as_test(ShopMachine, settings=chosen)
