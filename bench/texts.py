"""What is said: texts of an exact length that begin with their number."""

import json
import random
from collections.abc import Callable
from functools import lru_cache

Text = Callable[[int, int], str]
"""`text(number, width)`: exactly `width` ASCII characters, at least 8."""

Data = Callable[[int], dict[str, object]]
"""What goes along with a text: for every number another object, always as many bytes as JSON."""

_WORDS = """\
about after again all also always and another any are around ask back because been before
better between both bring but call came can change come could day did different does down each early
even every far feel few find first for from further get give good great group had half hand have here
home house how idea into its just keep kind know large last late learn left less let life like line
little live long look made make many may mean meet might mine minute more most much must name near need
never new next night nothing now number off often old once one only open other our out over own part
people place point problem quite rather read right room said same say school see seem several should
show side since small some soon start state still stop such sure system take talk tell than that the
their them then there these they thing think this those though three time today together told tomorrow
too turn two under until upon use very wait want was water way week well went were what when where which
while who whole why will wish with without word work world would write year yes yesterday yet you
young
""".split()  # noqa: SIM905


def repeated(number: int, width: int) -> str:
    """As cheap as can be; compresses to nothing."""
    return f"{number:08d}".ljust(width, "x")


@lru_cache(256)
def prose(number: int, width: int) -> str:
    """English words in any order: compresses about as the talk of people does."""
    # The same for everybody who asks: sender and checker, one contestant and the next.
    chance = random.Random(number)
    words = " ".join(chance.choices(_WORDS, k=width // 3))
    return f"{number:08d} {words}"[:width].ljust(width, ".")


def readings(number: int) -> dict[str, object]:
    """What an application sends along: five devices' readings, always as many bytes as JSON."""
    chance = random.Random(number)
    rows = [
        {"device": f"sensor-{at}", "value": chance.randrange(10_000, 100_000), "ok": True} for at in range(5)
    ]
    return {"number": 10_000_000 + number, "readings": rows}


def event(number: int, width: int) -> str:
    """Readings and prose in JSON, shaped as chatroom's own events: what a peer is given to pass on."""
    head = (
        f'{{"type":"message","room":"lobby","seq":{number},"at":{1_790_000_000_000 + number},'
        '"by":{"id":"g5d41402abc4b2a76b9719d91","name":"member-0"},"text":"'
    )
    tail = f'","data":{json.dumps(readings(number), separators=(",", ":"))}}}'
    return f"{head}{prose(number, width - len(head) - len(tail))}{tail}"
