"""What the tests of a cluster have in common; each module has a `cluster` of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .cluster import Cluster
from .load import Load, load_on


@pytest.fixture(scope="module")
def load(cluster: Cluster) -> Iterator[Load]:
    """People on it all the time."""
    with load_on(cluster) as load:
        yield load
