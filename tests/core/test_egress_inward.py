"""P52: no address that somebody else names makes this house call its own inside.

A listener on loopback stands for the inside and counts who connects.
"""

import contextlib
import errno
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle

import pytest

from app.core.egress import Egress, EgressRefused, NoAnswer, check_address
from app.core.names import ask_system

Shows = Callable[[str], None]
# Nobody here is silent: the limits are for a machine on which even a look-up waits for its turn.
LIMITS = {"connect_seconds": 5.0, "total_seconds": 10.0}
OUTSIDE = "1.1.1.1"

LEADS_TO: dict[str, tuple[str, ...]] = {
    "loopback.example": ("127.0.0.1",),
    "loopback6.example": ("::1",),
    "mapped.example": ("::ffff:127.0.0.1",),
    "compatible.example": ("::127.0.0.1",),
    "translated.example": ("64:ff9b::7f00:1",),
    "six-to-four.example": ("2002:7f00:1::1",),
    "teredo.example": ("2001:0:7f00:1::1",),
    "isatap.example": ("2606:4700::5efe:7f00:1",),
    "any.example": ("0.0.0.0",),  # noqa: S104 - where a name leads to
    "any6.example": ("::",),
    "private.example": ("10.0.0.1",),
    "private-b.example": ("172.31.0.1",),
    "private-c.example": ("192.168.1.1",),
    "carrier.example": ("100.64.0.1",),
    "link-local.example": ("169.254.1.1",),
    "link-local6.example": ("fe80::1%lo",),
    "unique-local.example": ("fd12::1",),
    "metadata.example": ("169.254.169.254",),
    "metadata6.example": ("fd00:ec2::254",),
    "metadata-carrier.example": ("100.100.100.200",),
    "metadata-public.example": ("168.63.129.16",),
    "multicast.example": ("224.0.0.1",),
    "broadcast.example": ("255.255.255.255",),
    "last-of-many.example": (OUTSIDE, "127.0.0.1"),
    "first-of-many.example": ("127.0.0.1", OUTSIDE),
    "nothing.example": (),
}
FORMS = (
    # the address itself, and what the system's look-up takes for it
    "https://127.0.0.1:{port}/",
    "https://127.0.0.1:{port}",
    "HTTPS://127.0.0.1:{port}/",
    "https://2130706433:{port}/",
    "https://0x7f000001:{port}/",
    "https://0x7f.0.0.1:{port}/",
    "https://0177.0.0.1:{port}/",
    "https://017700000001:{port}/",
    "https://127.1:{port}/",
    "https://127.0.1:{port}/",
    "https://0127.0.0.1:{port}/",
    "https://127.0.0.1.:{port}/",
    "https://0:{port}/",
    "https://0.0.0.0:{port}/",
    "https://[::1]:{port}/",
    "https://[::]:{port}/",
    "https://[0:0:0:0:0:0:0:1]:{port}/",
    "https://[::ffff:127.0.0.1]:{port}/",
    "https://[::ffff:7f00:1]:{port}/",
    "https://[::127.0.0.1]:{port}/",
    "https://[64:ff9b::127.0.0.1]:{port}/",
    "https://[2002:7f00:1::]:{port}/",
    "https://[2001:0:7f00:1::1]:{port}/",
    "https://[fe80::1%25lo]:{port}/",
    "https://169.254.169.254/latest/meta-data/",
    "https://[fd00:ec2::254]/latest/meta-data/",
    # names of this machine
    "https://localhost:{port}/",
    "https://LocalHost:{port}/",
    "https://localhost.:{port}/",
    "https://localhost.localdomain:{port}/",
    # who is the user, who the host, and where does the host end?
    "https://provider.example@127.0.0.1:{port}/",
    "https://provider.example:443@127.0.0.1:{port}/",
    "https://127.0.0.1:{port}@provider.example/",
    "https://127.0.0.1:{port}\\@provider.example/",
    "https://127.0.0.1:{port}#@provider.example/",
    "https://127.0.0.1:{port}?@provider.example/",
    "https://127.0.0.1%00.provider.example:{port}/",
    "https://127.0.0.1%2f@provider.example:{port}/",
    "https:\\\\127.0.0.1:{port}\\",
    "https:127.0.0.1:{port}/",
    "https:///127.0.0.1:{port}/",
    "//127.0.0.1:{port}/",
    " https://127.0.0.1:{port}/",
    "https://127.0.0.1:{port}/\r\nHost: provider.example",
    "https://127.0.0.1\t:{port}/",
    # letters and digits that are read as others (IDNA)
    "https://１２７.０.０.１:{port}/",
    "https://127。0。0。1:{port}/",
    "https://①②⑦.⓪.⓪.①:{port}/",
    "https://ⓛocalhost:{port}/",
    "https://locaſhost:{port}/",
    # other ports, other schemes
    "http://127.0.0.1:{port}/",
    "http://localhost:{port}/",
    "http://provider.example:{port}/",
    "https://provider.example:0/",
    "https://provider.example:99999/",
    "https://provider.example:{port}{port}/",
    "ftp://127.0.0.1:{port}/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/_GET",
    "data:text/plain,inside",
    "",
    *(f"https://{name}:{{port}}/" for name in LEADS_TO),
)


class Inside:
    """What must not be reached: a port that counts connections and says nothing."""

    def __init__(self) -> None:
        self.connections = 0
        self._listeners = [socket.create_server(("127.0.0.1", 0))]
        self.port = self._listeners[0].getsockname()[1]
        with contextlib.suppress(OSError):  # a machine without IPv6
            self._listeners.append(socket.create_server(("::1", self.port), family=socket.AF_INET6))
        self._threads = [
            threading.Thread(target=self._count, args=(one,)) for one in self._listeners
        ]
        for thread in self._threads:
            thread.start()

    def _count(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            connection.close()

    def close(self) -> None:
        for listener in self._listeners:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for thread in self._threads:
            thread.join()


@pytest.fixture
def inside() -> Iterator[Inside]:
    made = Inside()
    yield made
    made.close()


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return where connections beyond this machine would have gone; none of them leaves it."""
    tried: list[str] = []
    connect = socket.socket.connect

    def note(self: socket.socket, address: tuple[str, int]) -> None:
        if address[0] == OUTSIDE:
            tried.append(address[0])
            raise OSError(errno.ENETUNREACH, "nothing leaves this machine")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", note)
    return tried


def ask(name: str) -> tuple[str, ...]:
    return LEADS_TO[name] if name in LEADS_TO else ask_system(name)


def outcome(egress: Egress, url: str) -> str:
    try:
        egress.request("GET", url, **LIMITS)
    except NoAnswer as error:
        return "refused" if isinstance(error, EgressRefused) else "no answer"
    return "answered"


def test_the_inside_would_notice(inside: Inside) -> None:
    egress = Egress(frozenset({f"127.0.0.1:{inside.port}"}))
    assert outcome(egress, f"http://127.0.0.1:{inside.port}/") == "no answer"
    egress.close()
    own = Egress(inward=frozenset({f"loopback6.example:{inside.port}"}), ask=ask)
    assert outcome(own, f"https://loopback6.example:{inside.port}/") == "no answer"
    own.close()
    assert inside.connections == 2


@pytest.mark.promise("P52")
def test_no_form_of_an_address_leads_inward(inside: Inside, shows: Shows) -> None:
    egress = Egress(ask=ask)
    urls = [form.format(port=inside.port) for form in FORMS]
    found = {url: outcome(egress, url) for url in urls}
    egress.close()
    wrong = {url: what for url, what in found.items() if what != "refused"}
    # A name that this machine does not know cannot be refused for where it leads to.
    assert set(wrong) <= {f"https://localhost.localdomain:{inside.port}/"}
    assert set(wrong.values()) <= {"no answer"}
    assert len(found) >= 80
    assert inside.connections == 0
    shows(f"{len(found)} forms of an address: {inside.connections} connections inside")


@pytest.mark.promise("P52")
def test_a_name_that_changes_its_answer_is_looked_up_once(
    inside: Inside, outside: list[str], shows: Shows
) -> None:
    answers = cycle([(OUTSIDE,), ("127.0.0.1",)])
    asked = []

    def rebinds(name: str) -> tuple[str, ...]:
        asked.append(name)
        return next(answers)

    egress = Egress(ask=rebinds)
    url = f"https://rebinding.example:{inside.port}/"
    found = [outcome(egress, url) for _ in range(6)]
    egress.close()
    assert found == ["no answer", "refused"] * 3
    assert len(asked) == len(found)  # nobody looks between the check and the connection
    assert outside == [OUTSIDE] * 3
    assert inside.connections == 0
    shows(f"{len(found)} rebindings: {len(asked)} look-ups, {inside.connections} connections")


class _Redirects(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    inside = 0

    def do_GET(self) -> None:
        status, form = self.path.strip("/").split("/")
        here = f"127.0.0.1:{self.inside}"
        wheres = {
            "full": f"http://{here}/",
            "short": f"//{here}/",
            "name": f"//localhost:{self.inside}/",
        }
        where = wheres[form]
        self.send_response(int(status))
        self.send_header("Location", where)
        self.send_header("Refresh", f"0; url={where}")
        self.send_header("Alt-Svc", f'h2="{here}"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


@pytest.mark.promise("P52")
def test_no_redirect_leads_inward(
    inside: Inside, shows: Shows, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{inside.port}")
    handler = type("Handler", (_Redirects,), {"inside": inside.port})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    place = f"127.0.0.1:{server.server_port}"
    # Even a place that may be called does not decide where else a call goes.
    egress = Egress(frozenset({place, f"127.0.0.1:{inside.port}"}))
    found = [
        outcome(egress, f"http://{place}/{status}/{form}")
        for status in (300, 301, 302, 303, 307, 308)
        for form in ("full", "short", "name")
    ]
    egress.close()
    server.shutdown()
    server.server_close()
    thread.join()
    assert found == ["no answer"] * 18
    assert inside.connections == 0
    shows(f"{len(found)} redirects and a proxy: {inside.connections} connections inside")


WRITTEN = [form for form in FORMS if ".example:" not in form and "localhost" not in form.lower()]


@pytest.mark.parametrize("form", WRITTEN)
def test_what_leads_inward_by_itself_is_refused_when_it_is_written_down(form: str) -> None:
    """Whoever registers an address is told at once; a name is looked at when it is called."""
    with pytest.raises(EgressRefused):
        check_address(form.format(port=8443))


@pytest.mark.parametrize(
    "url",
    [
        "https://parking.example/",
        "https://parking.example:8443/api/v1?city=wudang&x=%E5%81%9C",
        "https://xn--fiqs8s.example",
        "https://1.1.1.1/",
        "https://[2606:4700::1111]:8443/",
        "https://3com.example/",
    ],
)
def test_what_is_outside_may_be_written_down(url: str) -> None:
    check_address(url)


def test_a_listed_pair_of_loopback_may_be_called_as_it_is_listed() -> None:
    pairs = frozenset({"127.0.0.1:8020"})
    check_address("http://127.0.0.1:8020/base", pairs)
    for other in (
        "https://127.0.0.1:8020/",
        "http://127.0.0.1:8021/",
        "http://127.0.0.2:8020/",
        "http://localhost:8020/",
        "http://127.0.0.1/",
    ):
        with pytest.raises(EgressRefused):
            check_address(other, pairs)


def test_a_listed_name_of_loopback_leads_nowhere_else() -> None:
    """A pair of the sandbox is this machine, not whatever its name leads to."""
    egress = Egress(frozenset({"private.example"}), ask=ask)
    assert outcome(egress, "http://private.example/") == "refused"
    egress.close()
