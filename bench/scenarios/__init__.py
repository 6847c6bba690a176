"""What is measured, in the order of the page."""

from bench.scenarios.compressed import DEFLATE_500
from bench.scenarios.encrypted import TLS_1000
from bench.scenarios.fanout import FANOUT_1000, PACED_4000
from bench.scenarios.large import LARGE_16000
from bench.scenarios.scenario import Scenario

SCENARIOS: tuple[Scenario, ...] = (FANOUT_1000, PACED_4000, LARGE_16000, TLS_1000, DEFLATE_500)
