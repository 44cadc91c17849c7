"""The way out: a token and a fresh proof on each attempt, and another attempt where it is safe."""

import itertools
import threading
import time
from urllib.parse import urlencode

import httpx

from wudang_client.credentials import ASSERTION_TYPE, Credentials, DpopKey

TRIES = 4
LONGEST_WAIT = 10.0
RENEWED_BEFORE = 30.0
_PASSING = frozenset({429, 503})
_REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE"})
_UNAUTHORIZED = 401


class NoToken(httpx.HTTPError):
    """The city gave no token; the message is what it said."""


class CityTransport(httpx.BaseTransport):
    """Sends what `httpx` gives it in the name of a client.

    Tried again, four times at most: what is safe to repeat (`GET`, `PUT`, `DELETE`, and anything
    with an `Idempotency-Key`) when the connection broke or the answer was 429 or 503, after what
    `Retry-After` says. Everything else is the caller's to decide.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        scope: str = "",
        inner: httpx.BaseTransport | None = None,
    ) -> None:
        self._credentials = credentials
        self._scope = scope
        self._inner = inner or httpx.HTTPTransport()
        self._key = DpopKey()
        self._lock = threading.Lock()
        self._token, self._good_until, self._nonce = "", 0.0, ""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, signed, as often as that is safe; return the last answer."""
        request.read()
        has_learnt = False
        for attempt in itertools.count(1):
            may_repeat = attempt < TRIES and _is_repeatable(request)
            try:
                response = self._send(request)
            except httpx.TransportError:
                if not may_repeat:
                    raise
                time.sleep(_wait(attempt, None))
                continue
            if response.status_code == _UNAUTHORIZED and not has_learnt:
                has_learnt = True  # refused at the door: nothing has happened
                self._learn(response)
                response.close()
                continue
            if response.status_code not in _PASSING or not may_repeat:
                return response
            response.close()
            time.sleep(_wait(attempt, response))
        raise AssertionError("an answer or an error has ended the loop")

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()

    def _send(self, request: httpx.Request) -> httpx.Response:
        token = self._own_token(request)
        place = str(request.url.copy_with(query=None, fragment=None))
        proof = self._key.prove(request.method, place, token=token, nonce=self._nonce)
        request.headers["Authorization"] = f"DPoP {token}"
        request.headers["DPoP"] = proof
        return self._inner.handle_request(request)

    def _learn(self, response: httpx.Response) -> None:
        """Take the nonce that is asked for, or let go of a token that is worth nothing."""
        if "DPoP-Nonce" in response.headers:
            self._nonce = response.headers["DPoP-Nonce"]
        else:
            self._good_until = 0.0

    def _own_token(self, request: httpx.Request) -> str:
        with self._lock:
            if time.monotonic() >= self._good_until:
                self._renew(request)
            return self._token

    def _renew(self, request: httpx.Request) -> None:
        url = f"{self._credentials.issuer}/oauth/token"
        for _ in range(2):
            answer = self._inner.handle_request(self._token_request(url, request))
            answer.read()
            if "DPoP-Nonce" not in answer.headers:
                break
            self._nonce = answer.headers["DPoP-Nonce"]
        if answer.is_error:
            raise NoToken(f"{answer.status_code} {answer.text}")
        given = answer.json()
        self._token = given["access_token"]
        self._good_until = time.monotonic() + given["expires_in"] - RENEWED_BEFORE

    def _token_request(self, url: str, request: httpx.Request) -> httpx.Request:
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self._credentials.assertion(),
            **({"scope": self._scope} if self._scope else {}),
        }
        return httpx.Request(
            "POST",
            url,
            content=urlencode(form),
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "DPoP": self._key.prove("POST", url, nonce=self._nonce),
            },
            extensions={"timeout": request.extensions.get("timeout", {})},
        )


def _is_repeatable(request: httpx.Request) -> bool:
    return request.method in _REPEATABLE or "Idempotency-Key" in request.headers


def _wait(attempt: int, response: httpx.Response | None) -> float:
    """Return how long to wait: what the city says, or a little more each time."""
    said = "" if response is None else response.headers.get("Retry-After", "")
    return min(float(said) if said.isdigit() else 0.2 * 2**attempt, LONGEST_WAIT)
