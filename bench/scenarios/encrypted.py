"""The thousand members over TLS."""

from functools import partial

from bench.scenarios.fanout import by_window
from bench.scenarios.scenario import FANOUT, Bound, Reading, Scenario

TLS_1000 = Scenario(
    name="tls",
    title="1,000 members over TLS",
    words="TLS 1.3 with one ECDSA P-256 key for all servers; window 1.",
    contestants=("chatroom", "nchan", "autobahn"),
    turn=partial(by_window, members=1000, windows=(1,), tls=True),
    columns=FANOUT,
    bounds=(
        Bound(
            "window 1, beside nchan's TLS",
            1.5,
            Reading("chatroom", "window 1"),
            Reading("nchan", "window 1"),
        ),
    ),
)
