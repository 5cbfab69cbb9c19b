import itertools
import uuid
from collections.abc import Iterator

import pytest

from payments.channels.sandbox.channel import SandboxChannel
from tests.payments.channels.receiver import Receiver
from tests.payments.channels.wallet import Wallet

_count = itertools.count(1)


@pytest.fixture(scope="session")
def running_wallet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wallet]:
    folder = tmp_path_factory.mktemp("wallet")
    with Wallet(folder, retries="0.1,0.1,0.1,0.1", callback_timeout=2) as wallet:
        yield wallet


@pytest.fixture
def wallet(running_wallet: Wallet) -> Iterator[Wallet]:
    """A wallet with every switch off; shared, so payments need numbers of their own."""
    running_wallet.clear_faults()
    yield running_wallet
    running_wallet.clear_faults()


@pytest.fixture
def channel(wallet: Wallet) -> SandboxChannel:
    return wallet.channel(timeout=2.0)


@pytest.fixture
def payment_no() -> str:
    return f"P{next(_count)}-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def shop() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver
