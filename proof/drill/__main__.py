"""`python -m proof.drill`: run the four strategies, and print what drops under each.

Exit status 1 when the full design drops or doubles anything, with the story of the first bad
payment. Needs nothing but the embedded servers, which it starts with throwaway data.
"""

import argparse
import os
import secrets
import sys
import time
from pathlib import Path

from config import embedded
from proof.drill.at_once import run_all
from proof.drill.report import report

IMAGES = embedded.BASE_DIR / "docs" / "images"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m proof.drill", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--orders", type=int, default=800, help="for each strategy")
    parser.add_argument("--plot", action="store_true", help=f"write the pictures to {IMAGES}")
    parser.add_argument("--images", type=Path, default=IMAGES, help="write them elsewhere")
    asked = parser.parse_args()
    began = time.monotonic()
    os.environ.setdefault("NODROP_DATA", f"/var/tmp/nodrop-drill-{secrets.token_hex(4)}")  # noqa: S108
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    with embedded.lease(throwaway=True):
        outcomes = run_all(seed=asked.seed, orders=asked.orders)
    failed = report(outcomes, seed=asked.seed, orders=asked.orders)
    if asked.plot:
        from proof.drill.plots import write  # noqa: PLC0415  (drawing is asked for seldom)

        for path in write(outcomes, asked.images):
            print(f"wrote {path}", file=sys.stderr)
    print(f"{time.monotonic() - began:.0f} s", file=sys.stderr)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
