"""Stripe's library speaks through the one client: no other way leads out of this house."""

from collections.abc import Mapping

import stripe

from app.core.egress import Egress, EgressRefused, NoAnswer

CONNECT_SECONDS = 2.0


class StripeWire(stripe.HTTPClient):
    """Sends what the library has made; `total_seconds` bounds one call, however slowly it comes."""

    name = "egress"

    def __init__(self, egress: Egress, total_seconds: float) -> None:
        super().__init__()
        self._egress = egress
        self._total_seconds = total_seconds

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: str | None = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        """Return content, status and headers; raise `stripe.APIConnectionError` without an answer.

        The library repeats what may be repeated, under the same key.
        """
        try:
            reply = self._egress.request(
                method.upper(),
                url.replace("[", "%5B").replace("]", "%5D"),  # the library leaves them as they are
                connect_seconds=CONNECT_SECONDS,
                total_seconds=self._total_seconds,
                content=None if post_data is None else post_data.encode(),
                headers=headers,
            )
            return reply.body.decode(), reply.status, reply.headers
        except (NoAnswer, UnicodeDecodeError) as error:
            can_help = not isinstance(error, EgressRefused)
            raise stripe.APIConnectionError(  # type: ignore[no-untyped-call] # the library's own
                str(error), should_retry=can_help
            ) from error

    def close(self) -> None:
        """Leave the connections open: they are the house's."""
