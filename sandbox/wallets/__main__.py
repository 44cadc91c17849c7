"""The command `python -m sandbox.wallets`: serves until SIGTERM or Ctrl-C."""

import argparse
import signal
import threading
from pathlib import Path

from sandbox.wallets import WalletKeys, serve_wallets


def main() -> None:
    """Serve both wallets until told to stop."""
    parser = argparse.ArgumentParser("python -m sandbox.wallets", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="on 127.0.0.1")
    parser.add_argument("--data-dir", type=Path, help="keeps the state here; else in memory")
    parser.add_argument("--keys-file", type=Path, required=True, help="made at the first start")
    parser.add_argument("--refund-seconds", type=float, default=1.0, help="of WeChat's refunds")
    given = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    keys = WalletKeys.kept_in(given.keys_file)
    with serve_wallets(
        keys, port=given.port, data_dir=given.data_dir, refund_seconds=given.refund_seconds
    ):
        stop.wait()


if __name__ == "__main__":
    main()
