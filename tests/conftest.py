"""Fixtures for all tests: each room's shared ones live in `tests/fixtures/` and are named here."""

from __future__ import annotations

pytest_plugins = [
    "tests.fixtures.kafka",
]
