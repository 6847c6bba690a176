"""What people copy who run several servers: HAProxy's configurations, Compose, Kubernetes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from chatroom.leaving import GOODBYE
from chatroom.options import Options
from tools.cluster.place import Place

EXAMPLES = Path(__file__).parents[2] / "examples"
COMPOSE = yaml.safe_load((EXAMPLES / "compose/compose.yaml").read_text())
KUBERNETES = {
    (one["kind"], one["metadata"]["name"]): one
    for one in yaml.safe_load_all((EXAMPLES / "kubernetes/chatroom.yaml").read_text())
}
POD = KUBERNETES["Deployment", "chatroom"]["spec"]["template"]
(CONTAINER,) = POD["spec"]["containers"]
NODES = {name: one for name, one in COMPOSE["services"].items() if one.get("image") == "chatroom"}


def settled(arguments: list[str], folder: Path) -> Options:
    """What a server makes of the arguments, with a password in place of the one that is not here."""
    (folder / "password").write_text("secret\n")
    options = Options()
    options.parseOptions(
        [
            re.sub(r"password-file=\S+", f"password-file={folder / 'password'}", one).replace(
                "$(POD_NAME)", "chatroom-7d9f8b6c54-abcde"
            )
            for one in arguments
        ]
    )
    return options


def seconds(given: str) -> float:
    assert given.endswith("s")
    return float(given.removesuffix("s"))


@pytest.mark.parametrize("file", ["haproxy/haproxy.cfg", "compose/haproxy.cfg"])
def test_haproxy_takes_its_configuration(file: str) -> None:
    haproxy = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
    if haproxy is None:
        reason = "HAProxy is not installed: tools/system-packages test"
        pytest.fail(reason) if os.environ.get("CHATROOM_REQUIRE_ALL") else pytest.skip(reason)
    checked = subprocess.run(
        [haproxy, "-c", "-f", str(EXAMPLES / file)], capture_output=True, text=True, check=False, timeout=60
    )
    assert checked.returncode == 0, checked.stderr
    assert "WARNING" not in checked.stderr


def test_on_the_usual_ports_a_cluster_has_haproxys_configuration_as_it_stands(tmp_path: Path) -> None:
    there = (EXAMPLES / "haproxy/haproxy.cfg").read_text()
    assert Place(9000, tmp_path).balancing() == there
    moved = Place(9100, tmp_path)
    assert moved.nodes == {"node1": 9101, "node2": 9102, "node3": 9103}
    assert re.findall(r"127\.0\.0\.1:(\d+)", moved.balancing()) == [
        *("9100", "9101", "9102", "9103", "9101", "9102", "9103", "9110")
    ]


def test_both_of_haproxys_configurations_do_the_same() -> None:
    def rules(file: str) -> list[str]:
        text = (EXAMPLES / file).read_text()
        found = re.search(r"^backend nodes\n(.*?)^backend", text, re.MULTILINE | re.DOTALL)
        assert found is not None
        return re.findall(r"^    (balance \w+|http-check expect .*|server \w+)", found[1], re.MULTILINE)

    assert rules("haproxy/haproxy.cfg") == rules("compose/haproxy.cfg")


class TestCompose:
    def test_a_server_understands_what_it_is_started_with(self, tmp_path: Path) -> None:
        assert set(NODES) == {"node1", "node2", "node3"}
        for name, node in NODES.items():
            options = settled(node["command"], tmp_path)
            assert options["node"] == name
            assert options.drain + GOODBYE < seconds(node["stop_grace_period"])

    def test_each_server_is_started_as_the_others_are(self) -> None:
        commands = [
            [one for one in node["command"] if not one.startswith("--node=")] for node in NODES.values()
        ]
        assert commands[0] == commands[1] == commands[2]

    def test_haproxy_is_believed_and_knows_every_server(self) -> None:
        (network,) = COMPOSE["networks"]["default"]["ipam"]["config"]
        assert all(f"--trusted-proxy={network['subnet']}" in node["command"] for node in NODES.values())
        configuration = (EXAMPLES / "compose/haproxy.cfg").read_text()
        assert set(re.findall(r"server \w+ (\w+):9000", configuration)) == set(NODES)

    def test_what_is_referred_to_is_there(self) -> None:
        for service in COMPOSE["services"].values():
            assert set(service.get("depends_on", ())) <= set(COMPOSE["services"])
            assert set(service.get("secrets", ())) <= set(COMPOSE["secrets"])
            assert {one["source"] for one in service.get("configs", ())} <= set(COMPOSE["configs"])
        built = COMPOSE["x-node"]["build"]
        assert (EXAMPLES.parent / built["dockerfile"]).is_file()

    def test_no_password_stands_in_a_command_line(self) -> None:
        for service in COMPOSE["services"].values():
            assert "PASSWORD" not in str(service.get("command", ""))

    def test_what_the_image_is_built_from_is_there(self) -> None:
        ignored = (EXAMPLES / "compose/Dockerfile.dockerignore").read_text()
        kept = re.findall(r"^!(.+)$", ignored, re.MULTILINE)
        assert [name for name in kept if not (EXAMPLES.parent / name).exists()] == []
        assert {"chatroom", "twisted", "web", "setup.cfg", "pyproject.toml"} <= set(kept)


class TestKubernetes:
    def test_a_server_understands_what_it_is_started_with(self, tmp_path: Path) -> None:
        options = settled(CONTAINER["args"], tmp_path)
        assert options["node"] == "chatroom-7d9f8b6c54-abcde"
        assert options.drain + GOODBYE < POD["spec"]["terminationGracePeriodSeconds"]

    def test_whoever_is_not_ready_is_found_out_before_connections_are_closed(self, tmp_path: Path) -> None:
        probe = CONTAINER["readinessProbe"]
        assert probe["httpGet"]["path"] == "/readyz"
        assert (
            probe["periodSeconds"] * probe["failureThreshold"]
            < settled(CONTAINER["args"], tmp_path).drain / 3
        )

    def test_what_selects_pods_selects_these(self) -> None:
        labels = POD["metadata"]["labels"]
        assert KUBERNETES["Deployment", "chatroom"]["spec"]["selector"]["matchLabels"] == labels
        assert KUBERNETES["PodDisruptionBudget", "chatroom"]["spec"]["selector"]["matchLabels"] == labels
        assert KUBERNETES["Service", "chatroom"]["spec"]["selector"] == labels

    def test_ports_are_called_as_they_are(self) -> None:
        names = {port["name"]: port["containerPort"] for port in CONTAINER["ports"]}
        assert names["http"] == 9000
        assert {port["targetPort"] for port in KUBERNETES["Service", "chatroom"]["spec"]["ports"]} <= set(
            names
        )
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            assert CONTAINER[probe]["httpGet"]["port"] in names
        assert str(names["metrics"]) == POD["metadata"]["annotations"]["prometheus.io/port"]
        assert f"--metrics=tcp:{names['metrics']}" in CONTAINER["args"]

    def test_every_way_in_leads_to_the_service(self) -> None:
        for kind, name in KUBERNETES:
            if kind == "Ingress":
                (rule,) = KUBERNETES[kind, name]["spec"]["rules"]
                assert f"--host={rule['host']}" in CONTAINER["args"]
                (path,) = rule["http"]["paths"]
                assert path["backend"]["service"] == {"name": "chatroom", "port": {"name": "http"}}

    def test_what_is_scaled_is_there(self) -> None:
        wanted: dict[str, Any] = KUBERNETES["HorizontalPodAutoscaler", "chatroom"]["spec"]
        assert wanted["scaleTargetRef"]["name"] == "chatroom"
        assert wanted["minReplicas"] >= KUBERNETES["Deployment", "chatroom"]["spec"]["replicas"]

    def test_no_password_stands_in_a_command_line(self) -> None:
        assert not re.search(r"://\w+:\w+@", " ".join(CONTAINER["args"]))
