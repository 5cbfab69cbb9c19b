"""How one wallet process is set up: command line first, then `NODROP_SANDBOX_*`, then defaults."""

import argparse
import os
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# The sandbox's own account, open to anybody: no real money is behind it.
MERCHANT = "nodrop-demo"
API_KEY = "sandbox-api-key"
WEBHOOK_SECRET = "whsec_bm9kcm9wLXNhbmRib3gtd2ViaG9vay1zZWNyZXQ="  # noqa: S105 - see above

# WeChat Pay's schedule, 15 retries over a day: https://pay.weixin.qq.com/doc/v3/merchant/4012791836
RETRIES = "15,15,30,180,600,1200,1800,1800,1800,3600,10800,10800,10800,21600,21600"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One wallet's options. Durations are in seconds."""

    host: str
    port: int  # 0: any free one
    port_file: Path | None
    public_url: str  # "" until the port is known
    data: Path
    merchant: str
    api_key: str
    webhook_secret: str
    retries: tuple[float, ...]
    callback_timeout: float
    query_limit: int  # queries a second; 0: no limit
    early_statements: bool
    seed: int


def read_settings(argv: Sequence[str], environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings from the command line and the environment; exits with a message on a typo."""
    parser = _parser()
    for action in parser._actions:
        from_env = environ.get(f"NODROP_SANDBOX_{action.dest.upper()}")
        if from_env is not None and action.dest != "help":
            action.default = from_env  # argparse gives a text default its type
    options = vars(parser.parse_args(argv))
    if options["seed"] is None:
        options["seed"] = random.SystemRandom().randrange(2**32)
    return Settings(**options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m payments.channels.sandbox.server",
        description="The sandbox wallet: a payment channel for tests, with fault switches.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on")
    add("--port", type=int, default=8001, help="port to listen on; 0 picks a free one")
    add("--port-file", type=Path, help="file to write the port to once it is known")
    add("--public-url", default="", help="address shoppers see; empty: the one listened on")
    add("--data", type=Path, default=Path(".nodrop/sandbox"), help="folder of the ledger")
    add("--merchant", default=MERCHANT, help="the one merchant of this wallet")
    add("--api-key", default=API_KEY, help="the merchant's key for the API")
    add("--webhook-secret", default=WEBHOOK_SECRET, help="signs callbacks: whsec_ and base64")
    add("--retries", type=_steps, default=RETRIES, help="callback retries: seconds, by commas")
    add("--callback-timeout", type=float, default=5.0, help="patience with the shop, in seconds")
    add("--query-limit", type=int, default=100, help="queries a second; 0: no limit")
    add("--early-statements", type=_truth, default="0", help="1: today's statement may be read too")
    add("--seed", type=int, help="makes the faults' dice repeatable; default: random")
    return parser


def _steps(text: str) -> tuple[float, ...]:
    steps = tuple(float(part) for part in text.split(",") if part.strip())
    if not all(0 < step < 1e6 for step in steps):
        raise argparse.ArgumentTypeError("each step must be a positive number of seconds")
    return steps


def _truth(text: str) -> bool:
    if text not in ("0", "1"):
        raise argparse.ArgumentTypeError("must be 0 or 1")
    return text == "1"
