"""Which encoder search uses: for tens of thousands of texts of imported items, the static face alone.

The summed encoder takes about 2 ms a text, so 48,000 texts take minutes to index; its static face takes 0.05 ms.
"""

from __future__ import annotations

from functools import lru_cache

from knowledge.catalogue import Catalogue
from knowledge.encoder import NAME, STATIC, Encoder, RecentEncoder, load_encoder
from knowledge.index import MAX_HEAD_CLASSES, Index, documents_of

MAX_SUMMED_TEXTS = 10_000


@lru_cache(maxsize=1)
def static_face() -> Encoder:
    """The built-in encoder's fast part, loaded once."""
    return load_encoder(STATIC)


def search_encoder(catalogue: Catalogue, queries: int, encoder: Encoder) -> Encoder:
    """The encoder to index a catalogue and its `queries` training lines with, the given one unless they are many."""
    if encoder.name != NAME or len(catalogue) <= MAX_HEAD_CLASSES:
        return encoder
    texts = queries + sum(1 for item in catalogue for _ in documents_of(item))
    return static_face() if texts > MAX_SUMMED_TEXTS else encoder


@lru_cache(maxsize=1)
def _reader() -> RecentEncoder:
    """The fast part with a memory, as queries come again within a conversation."""
    return RecentEncoder(static_face())


def own_encoder(index: Index) -> RecentEncoder | None:
    """The encoder that has to read queries anew for an index of many texts; None where their vectors fit already."""
    many = len(index.codes) > MAX_HEAD_CLASSES
    return _reader() if many and index.encoder == static_face().name else None
