"""What is measured, in the order of the page."""

from bench.scenarios.encrypted import TLS_1000
from bench.scenarios.fanout import FANOUT_1000, PACED_4000
from bench.scenarios.scenario import Scenario

SCENARIOS: tuple[Scenario, ...] = (FANOUT_1000, PACED_4000, TLS_1000)
