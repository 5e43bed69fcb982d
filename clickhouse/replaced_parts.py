"""What merges have replaced: kept for a while in case that what they made of it turns out to be spoiled.

ClickHouse keeps such parts for so long (`old_parts_lifetime`, `engine_config.REPLACED_SECONDS`). After a start it
counts from when a part was made, not from when it was replaced, so that most would go at once
(https://github.com/ClickHouse/ClickHouse/issues/111875).
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

# A table's folder lies below the first digits of its id, and a part is named by its partition, blocks and level.
_PARTS: Final = "store/*/*/*_*_*_*"


def grant_lifetime(store: Path) -> None:
    """Let parts that are replaced live for their whole time from now on; for an engine that is not open.

    A folder that cannot be touched is left to the engine, which says what is wrong with it.
    """
    for part in store.glob(_PARTS):
        with suppress(OSError):
            os.utime(part)
