"""Which films the catalogue has, told by `tmdb.movies` itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.codec import Codec
from schemas.reader import TopicReader
from schemas.registry import schema_ids
from schemas.topics import TMDB_MOVIES

if TYPE_CHECKING:
    from cinepulse.settings import Settings


def films_in_catalog(settings: Settings) -> set[int]:
    """Return the ids of the films in `tmdb.movies`.

    Raises BrokerUnavailable when Kafka does not answer, ConfigurationInvalid when the topic does not exist.
    """
    codec, found = Codec(schema_ids(settings)), set[int]()
    with TopicReader(settings, TMDB_MOVIES.name, "backfill") as reader:
        for record in reader.to_end():
            tmdb_id: int = codec.decode(TMDB_MOVIES.key_subject, record.key or b"")
            (found.discard if record.value is None else found.add)(tmdb_id)
    return found
