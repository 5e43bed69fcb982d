"""One record of every subject, and strategies that draw any record the schemas allow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from schemas import events
from schemas.codec import RECORD_TYPES, TUPLE_FIELDS
from schemas.registry import read_manifest

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

SAMPLES: Final[dict[str, Any]] = {
    "reddit.posts-key": "t3_1abcde",
    "reddit.posts-value": events.RedditPost(
        fullname="t3_1abcde",
        kind="submission",
        subreddit="movies",
        title="Dune: Part Two (2024) \N{EM DASH} discussion",
        body="Villeneuve & Zimmer \N{CLAPPER BOARD}",
        author="paul",
        url="https://www.imdb.com/title/tt15239678/",
        flair="Official Discussion",
        thread_id=None,
        thread_title=None,
        created_at=1_709_251_200_000,
        edited_at=1_709_251_260_000,
        observed_at=1_709_251_265_123,
        score=-3,
        upvote_ratio=0.97,
        num_comments=4_200,
        over_18=True,
        state="removed",
        removed_by="moderator",
        origin="backfill",
    ),
    "tmdb.popularity-key": 693_134,
    "tmdb.popularity-value": events.TitleSnapshot(
        tmdb_id=693_134,
        observed_at=1_709_251_200_000,
        source="trending_day",
        rank=1,
        popularity=1234.5,
        vote_count=3_000,
        vote_average=8.3,
    ),
    "tmdb.movies-key": 693_134,
    "tmdb.movies-value": events.Movie(
        tmdb_id=693_134,
        title="Dune: Part Two",
        original_title="Dune: Part Two",
        original_language="en",
        alternative_titles=("Dune 2", "\u6c99\u4e18 2"),
        release_date="2024-02-27",
        genres=("Science Fiction", "Adventure"),
        companies=("Legendary Pictures",),
        directors=("Denis Villeneuve",),
        cast=("Timoth\u00e9e Chalamet", "Zendaya"),
        collection="Dune Collection",
        runtime_minutes=167,
        budget_usd=190_000_000,
        revenue_usd=3_000_000_000,
        imdb_id="tt15239678",
        status="Released",
        popularity=1234.5,
        vote_count=3_000,
        vote_average=8.3,
        poster_path="/poster.jpg",
        observed_at=1_709_251_200_000,
        source="details",
    ),
    "movie.mentions-key": events.MentionKey(
        tmdb_id=693_134, platform="reddit", post_id="t1_kzyxwv", created_at=1_709_251_200_000
    ),
    "movie.mentions-value": events.Mention(
        community="movies",
        kind="comment",
        location="thread",
        method="title_year",
        confidence=0.875,
        thread_id="t3_1abcde",
        score=12,
        num_comments=None,
        observed_at=1_709_251_265_123,
        linker_version="0123abcd",
        sentiment=-0.375,
        author_sketch=33_921,
    ),
    "movie.terms-key": events.TermsKey(
        tmdb_id=693_134, platform="reddit", post_id="t1_kzyxwvp", created_at=1_709_251_200_000
    ),
    "movie.terms-value": events.MentionTerms(
        terms=("spice", "sandworm", "spice sandworm", "d\xe9j\xe0"), observed_at=1_709_251_265_123
    ),
    "movie.mention_counts-key": events.MentionCountKey(tmdb_id=693_134, day=19_783),
    "movie.mention_counts-value": events.MentionCount(
        mentions=300,
        submissions=20,
        comments=280,
        revision=(1 << 48) + 77,
        state="provisional",
        watermark=1_709_251_200_000,
        oldest_observed_at=1_709_251_265_123,
        newest_observed_at=1_709_251_266_000,
        closed_revision=0,
    ),
    "tmdb.rankings-key": "popular",
    "tmdb.rankings-value": events.Ranking(observed_at=1_709_251_200_000, tmdb_ids=(693_134, 603)),
    "trend.alerts-key": events.AlertKey(kind="burst", detail="began", tmdb_id=693_134, at=1_709_251_200_000),
    "trend.alerts-value": events.Alert(
        happened_at=1_709_251_265_123,
        state="began",
        began_at=1_709_251_265_123,
        score=4.5,
        mentions=8,
        expected=0.25,
        hours=1,
        authors=5,
        rank_before=None,
        rank_after=None,
        since=None,
        version="burst-1",
    ),
    "pipeline.coverage-key": events.CoverageKey(source="reddit", listing="new:movies+boxoffice"),
    "pipeline.coverage-value": events.PollReport(
        started_at=1_709_251_200_000,
        finished_at=1_709_251_201_000,
        outcome="overflowed",
        requests=10,
        items=1_000,
        known=0,
        gap_from=1_709_250_000_000,
        gap_to=1_709_251_000_000,
        error=None,
        rate_limit_remaining=589.5,
        rate_limit_reset_seconds=321.0,
        covered_from=1_709_250_000_000,
        covered_to=1_709_250_500_000,
    ),
    "pipeline.dead_letters-key": "reddit.posts",
    "pipeline.dead_letters-value": events.DeadLetter(
        stage="link",
        source="reddit.posts",
        partition=3,
        offset=1 << 40,
        reason="corrupt_record",
        error="reddit.posts-value: EOFError",
        key=b"\x00\x00\x00\x00\x01\x12t3_1abcde",
        value=b"\x00\xff",
        value_size=40_000_000,
        code_version="0.1.0",
        failed_at=1_709_251_266_000,
    ),
}

# The wire bytes of the samples under the manifest's ids: what a consumer of another make has stored.
GOLDEN: Final[dict[str, str]] = {
    "reddit.posts-key": "00000000011274335f316162636465",
    "reddit.posts-value": (
        "00000000021274335f316162636465000c6d6f76696573024844756e653a20506172742054776f2028323032342920e2"
        "80942064697363757373696f6e3056696c6c656e657576652026205a696d6d657220f09f8eac02087061756c024c6874"
        "7470733a2f2f7777772e696d64622e636f6d2f7469746c652f747431353233393637382f02264f6666696369616c2044"
        "697363757373696f6e00008090fcf4be6302c0b983f5be63c68984f5be6305020ad7a3703d0aef3f02d041010402126d"
        "6f64657261746f72106261636b66696c6c"
    ),
    "tmdb.popularity-key": "00000000039cce54",
    "tmdb.popularity-value": (
        "00000000049cce548090fcf4be63187472656e64696e675f64617902020200000000004a934002f02e029a99999999992040086c697665"
    ),
    "tmdb.movies-key": "00000000059cce54",
    "tmdb.movies-value": (
        "00000000069cce541c44756e653a20506172742054776f021c44756e653a20506172742054776f0204656e040c44756e"
        "65203210e6b299e4b8982032000214323032342d30322d3237041e536369656e63652046696374696f6e12416476656e"
        "747572650002244c6567656e6461727920506963747572657300022044656e69732056696c6c656e6575766500042454"
        "696d6f7468c3a965204368616c616d65740e5a656e6461796100021e44756e6520436f6c6c656374696f6e02ce020280"
        "ae99b5010280f882ad16021474743135323339363738021052656c65617365640200000000004a934002f02e029a9999"
        "999999204002162f706f737465722e6a70678090fcf4be630e64657461696c73"
    ),
    "movie.mentions-key": "00000000079cce540c7265646469741274315f6b7a797877768090fcf4be63",
    "movie.mentions-value": (
        "00000000110c6d6f766965730206147469746c655f79656172000000000000ec3f021274335f3161626364651800c689"
        "84f5be63103031323361626364086c69766502000000000000d8bf02829204"
    ),
    "movie.terms-key": "00000000129cce540c7265646469741474315f6b7a79787776708090fcf4be63",
    "movie.terms-value": (
        "0000000013080a73706963651073616e64776f726d1c73706963652073616e64776f726d0c64c3a96ac3a000c68984f5be63"
    ),
    "movie.mention_counts-key": "00000000099cce548eb502",
    "movie.mention_counts-value": "000000000fd80428b0049a81808080808001008090fcf4be63c68984f5be63a09784f5be6300",
    "tmdb.rankings-key": "00000000160e706f70756c6172",
    "tmdb.rankings-value": "00000000178090fcf4be63049cce54b60900",
    "trend.alerts-key": "00000000140a62757273740a626567616e9cce548090fcf4be63",
    "trend.alerts-value": (
        "0000000015c68984f5be630002c68984f5be63020000000000001240021002000000000000d03f0202020a0000000e62757273742d31"
    ),
    "pipeline.coverage-key": "000000000b0c726564646974286e65773a6d6f766965732b626f786f6666696365",
    "pipeline.coverage-value": (
        "00000000108090fcf4be63d09ffcf4be630214d00f000280d2e9f3be630280dbe3f4be63000200000000006c82400200"
        "000000001074400280d2e9f3be6302c0d6a6f4be63"
    ),
    "pipeline.dead_letters-key": "000000000d187265646469742e706f737473",
    "pipeline.dead_letters-value": (
        "000000000e086c696e6b187265646469742e706f7374730206028080808080401c636f72727570745f7265636f726438"
        "7265646469742e706f7374732d76616c75653a20454f464572726f72021e00000000011274335f316162636465020400"
        "ff80e892260a302e312e30a09784f5be63"
    ),
}

_PRIMITIVES: Final[dict[str, SearchStrategy[Any]]] = {
    "null": st.none(),
    "boolean": st.booleans(),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "double": st.floats(allow_nan=False),
    "string": st.text(),
    "bytes": st.binary(),
}


def any_record(subject: str) -> SearchStrategy[Any]:
    """Return a strategy for every record or primitive that the newest schema of a subject allows."""
    schema = read_manifest()[subject][-1].schema
    record_type = RECORD_TYPES.get(subject)
    if record_type is None:
        return _values(schema)
    arguments = {field["name"]: _values(field["type"]) for field in schema["fields"]}
    for name in TUPLE_FIELDS.get(record_type, ()):
        arguments[name] = arguments[name].map(tuple)
    return st.builds(record_type, **arguments)


def _values(declared: Any) -> SearchStrategy[Any]:
    if isinstance(declared, list):
        return st.one_of(*(_values(branch) for branch in declared))
    if isinstance(declared, str):
        return _PRIMITIVES[declared]
    if declared["type"] == "enum":
        return st.sampled_from(declared["symbols"])
    if declared["type"] == "array":
        return st.lists(_values(declared["items"]), max_size=5)
    return _PRIMITIVES[declared["type"]]
