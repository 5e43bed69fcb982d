"""How far consumer groups have come, for commands that must not run ahead of them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaException

from cinepulse.errors import BrokerUnavailable
from clickhouse.offsets import Partition, committed
from schemas.provision import admin_client, describe_topics

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cinepulse.settings import Settings
    from schemas.topics import Topic

PAUSE_SECONDS: Final = 0.2
ANSWER_SECONDS: Final = 15.0


class Consumers:
    """Asks Kafka what groups have committed."""

    def __init__(self, settings: Settings) -> None:
        self._admin = admin_client(settings)

    def wait(self, group: str, ends: Mapping[Partition, int], seconds: float) -> bool:
        """Return True once the group has committed all of the offsets, False when it has not in time."""
        deadline = time.monotonic() + seconds
        while self._is_behind(group, ends):
            if time.monotonic() > deadline:
                return False
            time.sleep(PAUSE_SECONDS)
        return True

    def behind(self, ends: Mapping[Partition, int]) -> set[str]:
        """Return the groups that read some of these partitions and have not come so far."""
        if not ends:
            return set()
        try:
            found = self._admin.list_consumer_groups(request_timeout=ANSWER_SECONDS).result(ANSWER_SECONDS)
        except (KafkaException, TimeoutError) as error:
            raise BrokerUnavailable("Kafka does not tell its consumer groups") from error
        return {group.group_id for group in found.valid if self._is_behind(group.group_id, ends, joined=True)}

    def keep_up(self, topic: Topic, seconds: float) -> Callable[[], bool]:
        """Return a function that says whether the topic's readers have all read what is older than `seconds`.

        It knows what is so old from its earlier calls.
        """
        seen: list[tuple[float, dict[Partition, int]]] = []

        def keeps_up() -> bool:
            now = time.monotonic()
            state = describe_topics(self._admin, [topic])[topic.name]
            partitions = () if state is None else state.partitions
            seen.append((now, {Partition(topic.name, one.number): one.next_offset for one in partitions}))
            old = [ends for at, ends in seen if at <= now - seconds]
            return not old or not self.behind({partition: end for partition, end in old[-1].items() if end})

        return keeps_up

    def _is_behind(self, group: str, ends: Mapping[Partition, int], *, joined: bool = False) -> bool:
        """Return whether the group has yet to commit an offset; with `joined`, only where it has committed any."""
        if not ends:
            return False
        at = committed(self._admin, group, list(ends))
        return any(at.get(partition, end if joined else 0) < end for partition, end in ends.items())
