"""Any JSON, for the readers of foreign records."""

from __future__ import annotations

from hypothesis import strategies as st

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(alphabet=st.characters(), max_size=30)
    | st.sampled_from(
        ["", "0", "1e400", "NaN", "\ud800", "[deleted]", 2**63, -(2**63) - 1, 10**400, 0.0, -1, "2024-13-45"]
    )
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def spoiled(good: dict[str, object]) -> st.SearchStrategy[dict[str, object]]:
    """Return a good object of which some fields are replaced by anything, or are missing."""
    return st.builds(
        lambda changes, missing: {name: value for name, value in (good | changes).items() if name not in missing},
        st.dictionaries(st.sampled_from(sorted(good)), JSON, max_size=6),
        st.sets(st.sampled_from(sorted(good)), max_size=3),
    )
