"""Fixtures for all tests: each room's shared ones live in `tests/fixtures/` and are named here."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from cinepulse.settings import PREFIX, Settings, variable_of

if TYPE_CHECKING:
    from collections.abc import Iterator

# A busy machine makes an example slow, not wrong. Where a change is judged, the examples are few and the same at each
# run; at a desk they are new ones, so that the search goes on.
JUDGED = "CI" in os.environ
settings.register_profile(
    "cinepulse", settings(), deadline=None, derandomize=JUDGED, max_examples=25 if JUDGED else 100
)
settings.load_profile("cinepulse")

pytest_plugins = [
    "tests.fixtures.leftovers",
    "tests.fixtures.clickhouse",
    "tests.fixtures.kafka",
    "tests.fixtures.world",
    "tests.fixtures.registry",
    "tests.fixtures.tls",
    "tests.fixtures.secure_kafka",
]


@pytest.fixture(scope="session", autouse=True)
def own_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Hide the developer's settings and running stack: tests see the defaults and a data directory of their own."""
    known = {variable_of(name) for name in Settings.model_fields}
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name in known or name.startswith(PREFIX)]:
            patch.delenv(name)
        # Some runners name a width; what goes to a file or a pipe has none.
        patch.delenv("COLUMNS", raising=False)
        patch.setenv("CINEPULSE_DATA_DIR", str(tmp_path_factory.mktemp("data_dir")))
        yield
