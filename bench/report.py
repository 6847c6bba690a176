"""Writes docs/performance.md, docs/performance/results.json and the plots, from one result."""

import json
from pathlib import Path
from typing import Any

from bench.contestants import CONTESTANTS
from bench.plots import Bar, bar_chart, number
from bench.summary import Figure, Summary

BASE = "autobahn"
_LABELS = {contestant.name: contestant.label for contestant in CONTESTANTS}
_DOES = {contestant.name: contestant.does for contestant in CONTESTANTS}
_STAGES = {
    "accept": "accepted (TCP and WebSocket handshake)",
    "hello": "its hello and welcome",
    "join": "its join, the others being told",
}


class Report:
    def __init__(self, result: dict[str, Any]) -> None:
        self._result = result
        self._plan = result["plan"]
        self._summary = Summary(result["samples"], result["plan"])
        self._names = [name for name in _LABELS if name in result["contestants"]]

    def write(self, docs: Path) -> Path:
        """`docs/performance.md` and what belongs to it; returns the page's path."""
        folder = docs / "performance"
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self._result, indent=1, ensure_ascii=False)
        (folder / "results.json").write_text(text + "\n")
        plots = self._plots()
        for name, svg in plots.items():
            (folder / f"{name}.svg").write_text(svg)
        page = docs / "performance.md"
        page.write_text("\n".join(self._page(plots)).rstrip() + "\n")
        return page

    def _page(self, plots: dict[str, str]) -> list[str]:
        return [
            "# Performance",
            "",
            "Written by `make bench` (`python -m bench`); nothing here is typed in by hand. "
            "Every sample is in [performance/results.json](performance/results.json).",
            "",
            *self._expected(),
            *self._fanouts(plots),
            *self._connections(plots),
            *self._durables(plots),
            *self._doubts(),
            *self._method(),
            *self._machine(),
        ]

    def _expected(self) -> list[str]:
        rows = [
            [e.what, f"at most {e.bound:g}", number(e.measured), "yes" if e.met else "**no**"]
            for e in self._summary.expectations()
        ]
        if not rows:
            return []
        return ["## Expected", "", *_table(["", "bound", "measured", "met"], rows), ""]

    def _fanouts(self, plots: dict[str, str]) -> list[str]:
        members, size = self._plan["members"], self._plan["size"]
        lines = [
            f"## Fan-out to {members:,} members, {size}-byte messages{self._over()}",
            "",
            *_picture(plots, "fanout"),
        ]
        for measure in self._summary.fanouts():
            lines += [f"### {self._way(measure)}", "", *self._fanout_table(measure), ""]
        lines += [f"- {_LABELS[name]}: {_DOES[name]}." for name in self._names]
        words = (
            f"Bytes a delivery are those on the wire, frame head included. Where they are more "
            f"than {size} and a head, a JSON event is longer than that with hardly any text in it."
        )
        return [*lines, "", words, ""]

    def _over(self) -> str:
        compressed = ", permessage-deflate" if self._plan["deflate"] else ""
        return (", over TLS" if self._plan["tls"] else "") + compressed

    def _way(self, measure: str) -> str:
        if measure == "window 1":
            return "Window 1: the next post when the last member has the one before"
        if measure.startswith("window"):
            return f"{measure.capitalize()}: so many posts on their way at a time"
        return f"Paced: {measure}"

    def _fanout_table(self, measure: str) -> list[str]:
        rows = []
        for name in self._names:
            cpu = self._figure(name, measure, "cpu_us")
            if cpu is None:
                continue
            rows.append(
                [
                    _LABELS[name],
                    number(cpu.median),
                    _spread(cpu),
                    " + ".join(
                        _median(self._figure(name, measure, part)) for part in ("user_us", "system_us")
                    ),
                    _median(self._summary.ratio(name, BASE, measure, "cpu_us")),
                    _median(self._figure(name, measure, "per_second")),
                    _median(self._figure(name, measure, "p50_ms")),
                    _median(self._figure(name, measure, "p99_ms")),
                    _median(self._figure(name, measure, "wire_bytes")),
                    _busy(self._figure(name, measure, "load_busy")),
                ]
            )
        head = "server;CPU µs a delivery;least-most;user + system;beside Autobahn;deliveries/s;"
        head += "last receiver p50, ms;p99, ms;bytes a delivery;load busy"
        return _table(head.split(";"), rows)

    def _connections(self, plots: dict[str, str]) -> list[str]:
        rows = []
        for name in self._names:
            for stage, words in _STAGES.items():
                cpu = self._figure(name, stage, "cpu_us")
                if cpu is None:
                    continue
                ratio = self._summary.ratio(name, BASE, "accept", "cpu_us")
                beside = _median(ratio) if stage == "accept" else ""
                rows.append([_LABELS[name], words, number(cpu.median), _spread(cpu), beside])
        idle = []
        for name in self._names:
            rss = self._figure(name, "idle", "rss_kib")
            if rss:
                pss = _median(self._figure(name, "idle", "pss_kib"))
                idle.append([_LABELS[name], number(rss.median), _spread(rss), pss])
        stages = ["server", "CPU µs a connection, for", "", "least-most", "beside Autobahn"]
        sizes = ["server", "KiB an idle joined connection (RSS)", "least-most", "PSS"]
        lines = []
        for picture, head, found in (("accept", stages, rows), ("idle", sizes, idle)):
            if found:
                lines += [*_picture(plots, picture), *_table(head, found), ""]
        words = (
            "A JSON member is in the room after its hello and join; a plain member, guest's name "
            "and room included, when it is accepted; with Autobahn there is nothing to join."
        )
        return ["## A connection", "", words, "", *lines] if lines else []

    def _durables(self, plots: dict[str, str]) -> list[str]:
        rows = []
        for measure in self._summary.durables():
            for name in self._names:
                rate = self._figure(name, measure, "per_second")
                if rate:
                    rows.append(
                        [
                            measure,
                            number(rate.median),
                            _spread(rate),
                            _median(self._figure(name, measure, "p50_ms")),
                            _median(self._figure(name, measure, "p99_ms")),
                            _median(self._figure(name, measure, "cpu_us")),
                            _median(self._figure(name, measure, "commit_us")),
                        ]
                    )
        if not rows:
            return []
        head = "posters in one room;acknowledged posts/s;least-most;ok p50, ms;p99, ms;"
        head += "CPU µs a post;the disk's own 4 KiB append, µs"
        return [
            "## Acknowledged posts",
            "",
            "Each is on disk (fsync) before its `ok`, carries a key, and is delivered to every "
            "poster in the room. After each run the room's head must have risen by exactly the "
            "number acknowledged. The peers keep no log and acknowledge nothing.",
            "",
            *_picture(plots, "durable"),
            *_table(head.split(";"), rows),
            "",
        ]

    def _doubts(self) -> list[str]:
        doubts = self._summary.doubts(self._result["machine"])
        lines = [f"- {doubt[0].upper()}{doubt[1:]}." for doubt in doubts] or ["- None found."]
        return ["## To be doubted", "", *lines, ""]

    def _method(self) -> list[str]:
        plan = self._plan
        lines = [
            f"{plan['rounds']} round(s); in each, every server is started anew, measured and "
            "ended, and the order moves by one. Figures are medians of the rounds; ratios are "
            "taken within a round.",
            "Server and load are pinned to one core each, on loopback. What a delivery costs "
            "the kernel up to the receiver's socket buffer is spent in the server's send(2), and "
            "counted as the server's.",
            "CPU is user and system time of all the server's threads, from the scheduler's "
            "nanosecond clock. Its division into user and system is the kernel's, by sampling.",
            f"Each fan-out runs {plan['seconds']:g} s after {plan['warm_up']:g} s of warm-up, "
            "with one poster. Latency is from the post (paced: from when it was due) to the last "
            "receiver.",
            "Every connection's deliveries are counted; those of the poster and of every fiftieth "
            "member are compared with what was posted.",
            "Connections are opened sixteen at a time. Those of the first stage, up to a hundred, "
            "are not counted. Memory is the growth of the server's resident (RSS) and "
            "proportional (PSS) size; the kernel's socket buffers are in neither.",
        ]
        return ["## How it is measured", "", *(f"- {line}" for line in lines), ""]

    def _machine(self) -> list[str]:
        rows = []
        for name, value in self._result["machine"].items():
            if isinstance(value, dict):
                value = ", ".join(f"{key} {version}" for key, version in value.items())
            elif isinstance(value, bool):
                value = "yes" if value else "no"
            rows.append([name.replace("_", " "), str(value)])
        return ["## The machine", "", *_table(["", ""], rows), ""]

    def _plots(self) -> dict[str, str]:
        fanout = [(m, self._bars(m, "cpu_us")) for m in self._summary.fanouts()]
        stages = [(words, self._bars(stage, "cpu_us")) for stage, words in _STAGES.items()]
        durable = [(m, self._bars(m, "per_second")) for m in self._summary.durables()]
        charts = {
            "fanout": ("Server CPU for each delivery", "µs (less is better)", fanout),
            "accept": ("Server CPU for each connection", "µs (less is better)", stages),
            "idle": (
                "Memory of an idle joined connection",
                "KiB (less is better)",
                [("", self._bars("idle", "rss_kib"))],
            ),
            "durable": ("Acknowledged durable posts", "a second (more is better)", durable),
        }
        plots = {}
        for name, (title, unit, groups) in charts.items():
            filled = [(words, bars) for words, bars in groups if bars]
            if filled:
                plots[name] = bar_chart(title, unit, filled)
        return plots

    def _bars(self, measure: str, name: str) -> list[Bar]:
        bars = []
        for contestant in self._names:
            figure = self._figure(contestant, measure, name)
            if figure:
                kind = "ours" if contestant.startswith("chatroom") else "bar"
                kind = "floor" if contestant == "floor" else kind
                bars.append(Bar(_LABELS[contestant], figure, kind))
        return bars

    def _figure(self, contestant: str, measure: str, name: str) -> Figure | None:
        return self._summary.figure(contestant, measure, name)


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    """Names to the left, figures to the right."""
    rules = ["---:" if _is_number(cell) else "---" for cell in (rows[0] if rows else head)]
    lines = [head, rules, *rows]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def _is_number(cell: str) -> bool:
    return not cell or cell[0].isdigit()


def _picture(plots: dict[str, str], name: str) -> list[str]:
    return [f"![{name}](performance/{name}.svg)", ""] if name in plots else []


def _median(figure: Figure | None) -> str:
    return number(figure.median) if figure else ""


def _spread(figure: Figure) -> str:
    return f"{number(figure.least)}-{number(figure.most)}"


def _busy(figure: Figure | None) -> str:
    return f"{figure.median:.0%}" if figure else ""
