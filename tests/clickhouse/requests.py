"""Plain HTTP to a test's ClickHouse, for what clickhouse_connect does not show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import clickhouse_connect
import httpx

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from cinepulse.settings import Settings


def http(settings: Settings, **options: Any) -> httpx.Client:
    """Return a plain HTTP client with the settings' user, password and database."""
    return httpx.Client(
        base_url=f"http://{settings.clickhouse_host}:{settings.clickhouse_port}",
        auth=(settings.clickhouse_user, settings.clickhouse_password.get_secret_value()),
        params={"database": settings.clickhouse_database},
        timeout=30,
        trust_env=False,
        **options,
    )


def run(client: httpx.Client, sql: str, **params: str) -> str:
    """Run a statement by POST and return its answer; fails the test on an error."""
    response = client.post("/", content=sql.encode(), params=params)
    assert response.status_code == httpx.codes.OK, response.text
    return response.text


def error_code(response: httpx.Response) -> int:
    """Return ClickHouse's error code of an answer, 0 where it tells none."""
    return int(response.headers.get("x-clickhouse-exception-code", "0"))


def stock_client(settings: Settings, **options: Any) -> Client:
    """Return clickhouse_connect's own client, as it comes."""
    return clickhouse_connect.get_client(
        host=settings.clickhouse_host,
        port=settings.clickhouse_port,
        username=settings.clickhouse_user,
        password=settings.clickhouse_password.get_secret_value(),
        database=settings.clickhouse_database,
        **options,
    )
