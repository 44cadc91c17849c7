"""The command `python -m sandbox.stripe`: serves until SIGTERM or Ctrl-C."""

import argparse
import logging
import signal
import sys
import threading
from pathlib import Path

from sandbox.stripe.config import RETRY_DELAYS, Config
from sandbox.stripe.server import run


def main(arguments: list[str] | None = None) -> int:
    """Serve a sandbox until told to stop; returns the exit status."""
    options = _read(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    config = Config(
        api_key=options.api_key,
        publishable_key=options.publishable_key,
        webhook_secret=options.webhook_secret,
        webhook_url=options.webhook_url,
        data_dir=options.data_dir,
        refund_seconds=options.refund_seconds,
        retry_delays=tuple(float(delay) for delay in options.webhook_retries.split(",")),
    )
    with run(config, options.port) as sandbox:
        logging.getLogger("sandbox.stripe").info("serving on %s", sandbox.url)
        stop.wait()
    return 0


def _read(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m sandbox.stripe", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--data-dir", type=Path, help="keeps the state here; else in memory")
    parser.add_argument("--api-key", required=True, help="sk_test_…")
    parser.add_argument("--publishable-key", required=True, help="pk_test_…")
    parser.add_argument("--webhook-secret", required=True, help="whsec_…")
    parser.add_argument("--webhook-url", help="gets every event")
    parser.add_argument("--refund-seconds", type=float, default=2.0, help="a wallet's refund")
    parser.add_argument(
        "--webhook-retries",
        default=",".join(str(delay) for delay in RETRY_DELAYS),
        help="seconds before each further attempt",
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
