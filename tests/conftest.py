"""What all tests share."""

import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from . import postgresql
from .logs import Logs

# The machine may be busy with something else: no test is a matter of time.
settings.register_profile(
    "chatroom", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("chatroom")


@pytest.fixture
def logs() -> Iterator[Logs]:
    """What is logged while the test runs."""
    with Logs() as caught:
        yield caught


def pytest_sessionfinish() -> None:
    """End what the session has started for all of its tests."""
    postgresql.end_all()


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what runs in the background so, and every process started here would inherit it:
    # then Ctrl-C could not be tested.
    signal.signal(signal.SIGINT, signal.default_int_handler)
