"""Text to films: pure, no input or output besides this package's own data files.

A catalogue becomes an index of names; a message's tokens are looked up in it; each name found is judged in its context
and resolved to one film. `link` does all of it for one message.
"""

from __future__ import annotations

from stream_processors.linking.catalog import Catalog
from stream_processors.linking.linker import DEFAULT_THRESHOLD, link
from stream_processors.linking.message import LinkedMention, Message, message_of
from stream_processors.linking.version import LINKER_VERSION

__all__ = ["DEFAULT_THRESHOLD", "LINKER_VERSION", "Catalog", "LinkedMention", "Message", "link", "message_of"]
