"""Alipay and WeChat Pay under one port of loopback, for one merchant."""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flask import Flask, Response, jsonify
from werkzeug.serving import WSGIRequestHandler, make_server

from sandbox.alipay.gateway import Alipay
from sandbox.processes import LOOPBACK, make_directory
from sandbox.store import Store
from sandbox.wallets import control
from sandbox.wallets.books import SCHEMAS, Books
from sandbox.wallets.desk import Desk, Wallet
from sandbox.wallets.keys import WalletKeys
from sandbox.wallets.notices import Notices
from sandbox.wechat.gateway import Wechat

_LARGEST_BODY = 1_000_000


@dataclass(frozen=True, slots=True)
class Wallets:
    """The two wallets as they answer, and the keys they were given."""

    url: str
    keys: WalletKeys


@contextlib.contextmanager
def serve_wallets(
    keys: WalletKeys,
    *,
    port: int = 0,
    data_dir: Path | None = None,
    refund_seconds: float = 1.0,
) -> Iterator[Wallets]:
    """Serve both wallets on loopback until the block ends; port 0 takes a free one.

    With `data_dir` everything is kept in `wallets.sqlite3` there, without one in memory.
    WeChat's refunds are on their way for `refund_seconds`; Alipay's are done at once.
    """
    if data_dir is not None:
        make_directory(data_dir, owner=None, mode=0o700)
    path = data_dir / "wallets.sqlite3" if data_dir else None
    store = Store(path, seed=lambda _: None, schemas=SCHEMAS)
    wallets: dict[str, Wallet] = {}
    notices = Notices(store, tick=lambda: _settle_due(store, wallets))
    desk = Desk(store, keys, notices)
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _LARGEST_BODY
    alipay = Alipay(desk, Books("alipay", store, refund_seconds=0))
    wechat = Wechat(desk, Books("wechat", store, refund_seconds=refund_seconds))
    wallets |= {"alipay": alipay, "wechat": wechat}
    for blueprint in (alipay.blueprint, wechat.blueprint, control.make_blueprint(desk, wallets)):
        app.register_blueprint(blueprint)

    @app.get("/livez")
    def livez() -> Response:
        return jsonify({"status": "ok"})

    try:
        with _serving(app, port) as url:
            notices.start()
            try:
                yield Wallets(url, keys)
            finally:
                notices.stop()
    finally:
        store.close()


@contextlib.contextmanager
def _serving(app: Flask, port: int) -> Iterator[str]:
    server = make_server(LOOPBACK, port, app, threaded=True, request_handler=_QuietHandler)
    thread = threading.Thread(target=server.serve_forever, name="wallets", daemon=True)
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _settle_due(store: Store, wallets: dict[str, Wallet]) -> None:
    """Let the refunds succeed whose time has come, and tell the merchant."""
    for wallet in wallets.values():
        for refund in wallet.books.due_refunds():
            with store.change():
                done = wallet.books.settle_refund(refund["number"], "done")
                if done is not None:
                    wallet.tell_refund(done)


class _QuietHandler(WSGIRequestHandler):
    # Headers and body are two writes; without this each answer would wait for an ACK.
    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: what happened is in the journal."""
