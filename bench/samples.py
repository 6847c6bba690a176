"""From what a run showed to a sample's plain numbers: µs of server CPU, ms of latency, KiB."""

import statistics

from bench.accounting import Cost
from bench.course import Sample
from bench.durable import Acknowledged
from bench.fanout import Fanout
from bench.joining import Joining

MICRO = 1e6
MILLI = 1e3


def cost_figures(cost: Cost, count: int) -> Sample:
    """What each of `count` cost."""
    each = MICRO / count
    return {
        "cpu_us": cost.total * each,
        "user_us": cost.user * each,
        "system_us": cost.system * each,
        "per_second": count / cost.wall,
        "server_busy": cost.busy,
    }


def latency_figures(seconds: list[float]) -> Sample:
    return {
        "p50_ms": statistics.median(seconds) * MILLI,
        "p99_ms": percentile(seconds, 0.99) * MILLI,
    }


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def fanout_figures(result: Fanout) -> Sample:
    return {
        **cost_figures(result.cost, result.deliveries),
        **latency_figures(result.latencies),
        "posts": result.posts,
        "deliveries": result.deliveries,
        "wire_bytes": result.wire_bytes,
        "strange": result.strange,
        "load_busy": result.load_busy,
    }


def joining_figures(joined: Joining) -> Sample:
    """Every stage by its name, all of them together, and what an idle connection keeps."""
    return {
        "cpu_us": sum(joined.stages.values()) * MICRO,
        **{f"{stage}_us": seconds * MICRO for stage, seconds in joined.stages.items()},
        "per_second": joined.per_second,
        "rss_kib": joined.idle.rss,
        "pss_kib": joined.idle.pss,
        "connections": joined.connections,
    }


def durable_figures(result: Acknowledged) -> Sample:
    return {
        **cost_figures(result.cost, result.posts),
        **latency_figures(result.latencies),
        "posts": result.posts,
        "kept": result.kept,
        "load_busy": result.load_busy,
    }
