"""Calling several systems at once, each with the caller's context and all by one deadline."""

import contextvars
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, wait
from typing import TypeVar

from app.core.deadline import within

T = TypeVar("T")


def gather(
    pool: Executor, calls: Sequence[Callable[[], T]], *, seconds: float
) -> list[T | Exception]:
    """Run every call in the pool and return, in their order, what each gave or raised.

    A call that has not answered after `seconds` is a `TimeoutError`; its thread goes on until its
    own deadline, which is the same moment.
    """

    def run(call: Callable[[], T]) -> T:
        with within(seconds):
            return call()

    futures = [pool.submit(contextvars.copy_context().run, run, call) for call in calls]
    wait(futures, timeout=seconds)
    results: list[T | Exception] = []
    for future in futures:
        if not future.done():
            future.cancel()
            results.append(TimeoutError("no answer by the deadline"))
            continue
        error = future.exception()
        if error is None:
            results.append(future.result())
        elif isinstance(error, Exception):
            results.append(error)
        else:
            raise error
    return results
