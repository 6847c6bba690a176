"""What is measured, in the order of the page."""

from bench.scenarios.accepting import ACCEPT, ACCEPT_TLS
from bench.scenarios.compressed import DEFLATE_500
from bench.scenarios.crossing import CROSS_NODE
from bench.scenarios.durability import DURABLE
from bench.scenarios.encrypted import TLS_1000
from bench.scenarios.events import EVENTS_1000
from bench.scenarios.fanout import FANOUT_1000, PACED_4000
from bench.scenarios.growing import GROWING
from bench.scenarios.growth import GROWTH
from bench.scenarios.identity import IDENTITY
from bench.scenarios.large import LARGE_16000
from bench.scenarios.logins import LOGINS
from bench.scenarios.nodes import NODES
from bench.scenarios.postgresql import POSTGRESQL
from bench.scenarios.publish import PUBLISH
from bench.scenarios.rooms import SMALL_ROOMS
from bench.scenarios.scenario import Scenario
from bench.scenarios.storm import STORM
from bench.scenarios.webhooks import WEBHOOKS

SCENARIOS: tuple[Scenario, ...] = (
    FANOUT_1000,
    PACED_4000,
    LARGE_16000,
    EVENTS_1000,
    TLS_1000,
    DEFLATE_500,
    SMALL_ROOMS,
    ACCEPT,
    ACCEPT_TLS,
    STORM,
    GROWTH,
    DURABLE,
    PUBLISH,
    IDENTITY,
    LOGINS,
    WEBHOOKS,
    POSTGRESQL,
    NODES,
    CROSS_NODE,
    GROWING,
)
