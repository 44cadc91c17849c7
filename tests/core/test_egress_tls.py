"""TLS to an address that was looked at, under the name that was called."""

import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from app.core.clock import now
from app.core.egress import Egress, NoAnswer

LIMITS = {"connect_seconds": 20.0, "total_seconds": 20.0}


class Provider(BaseHTTPRequestHandler):
    """Answers with the name it was called by."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = self.headers["Host"].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


class Quiet(ThreadingHTTPServer):
    """A server that does not complain about callers who hang up."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing."""


class House:
    """A server with a certificate for one name, and what it was asked."""

    def __init__(self, folder: Path) -> None:
        self.names: list[str | None] = []
        self.ca = folder / "ca.pem"
        self.looked_up: list[str] = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(_certificates(folder, self.ca))
        context.sni_callback = lambda _socket, name, _context: self.names.append(name)
        self.server = Quiet(("127.0.0.1", 0), Provider)
        self.server.socket = context.wrap_socket(
            self.server.socket, server_side=True, do_handshake_on_connect=False
        )
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    @property
    def port(self) -> int:
        return self.server.server_port

    def look_up(self, name: str) -> tuple[str, ...]:
        self.looked_up.append(name)
        return ("127.0.0.1",)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def _certificates(folder: Path, ca: Path) -> Path:
    """Make an authority and, signed by it, a certificate for provider.example."""
    ca_key, key = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "The city's own")])
    moment = now()

    def certificate(subject: x509.Name, key: Ed25519PrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(moment - timedelta(minutes=5))
            .not_valid_after(moment + timedelta(days=1))
        )

    own = certificate(issuer, ca_key).add_extension(x509.BasicConstraints(True, None), True)  # noqa: FBT003
    ca.write_bytes(own.sign(ca_key, None).public_bytes(Encoding.PEM))
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "provider")])
    leaf = certificate(subject, key).add_extension(
        x509.SubjectAlternativeName([x509.DNSName("provider.example")]), critical=False
    )
    both = folder / "server.pem"
    both.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + leaf.sign(ca_key, None).public_bytes(Encoding.PEM)
    )
    return both


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.close()


@pytest.fixture
def calls(house: House) -> Iterator[Callable[..., str]]:
    """Return what calls the server under a name that leads to it."""
    made: list[Egress] = []

    def call(name: str = "provider.example", times: int = 1) -> str:
        pair = f"{name}:{house.port}"
        egress = Egress(inward=frozenset({pair}), ask=house.look_up)
        made.append(egress)
        bodies = {egress.request("GET", f"https://{pair}/", **LIMITS).body for _ in range(times)}
        assert len(bodies) == 1
        return bodies.pop().decode()

    yield call
    for egress in made:
        egress.close()


def test_the_name_is_what_the_server_hears_and_proves(
    house: House, calls: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`SSL_CERT_FILE` is how an operator says whom else to trust."""
    monkeypatch.setenv("SSL_CERT_FILE", str(house.ca))
    assert calls() == f"provider.example:{house.port}"
    assert house.names == ["provider.example"]


def test_a_connection_that_is_kept_goes_on_to_where_it_went(
    house: House, calls: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(house.ca))
    calls(times=3)
    assert house.looked_up == ["provider.example"]
    assert house.names == ["provider.example"]


def test_a_certificate_for_another_name_is_none(
    house: House, calls: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(house.ca))
    with pytest.raises(NoAnswer, match="no TLS") as refused:
        calls("another.example")
    assert house.names == ["another.example"]
    assert not refused.value.may_have_acted


def test_an_authority_that_nobody_knows_vouches_for_nothing(calls: Callable[..., str]) -> None:
    with pytest.raises(NoAnswer, match="no TLS") as refused:
        calls()
    assert not refused.value.may_have_acted


def test_what_may_lead_inward_for_one_pair_may_not_for_another(house: House) -> None:
    egress = Egress(inward=frozenset({f"provider.example:{house.port}"}), ask=house.look_up)
    for other in ("provider.example", f"other.example:{house.port}"):
        with pytest.raises(NoAnswer, match="nothing may be called"):
            egress.request("GET", f"https://{other}/", **LIMITS)
    egress.close()
    assert house.names == []
