from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.fields import Fields, encodable
from tests.producers.anything import JSON


class TestReading:
    """Each method returns its type or None, and says when a value was unusable."""

    @pytest.mark.parametrize(
        ("value", "expected", "wrong"),
        [
            ("Dune", "Dune", []),
            ("", None, []),
            (None, None, []),
            (7, None, ["x"]),
            (["Dune"], None, ["x"]),
            ("x" * 11, None, ["x"]),
            ("a\ud800b", "a\ufffdb", []),
            ("\ud83c\udfac", "\U0001f3ac", []),
        ],
    )
    def test_text(self, value: object, expected: str | None, wrong: list[str]) -> None:
        """Texts within the limit; surrogate pairs are joined, lone ones replaced."""
        said: list[str] = []

        assert Fields({"x": value}, said.append).text("x", 10) == expected
        assert said == wrong

    @pytest.mark.parametrize(
        ("value", "expected", "wrong"),
        [
            (7, 7, []),
            (7.0, 7, []),
            ("7", 7, []),
            (2_923_706_026, 2_923_706_026, []),
            (2**53 + 1, 2**53 + 1, []),
            (7.5, None, ["x"]),
            (True, None, ["x"]),
            ("seven", None, ["x"]),
            (float("nan"), None, ["x"]),
            (10**400, None, ["x"]),
            ("1e400", None, ["x"]),
            ("9" * 5000, None, ["x"]),
            ({}, None, ["x"]),
            (None, None, []),
        ],
    )
    def test_integer(self, value: object, expected: int | None, wrong: list[str]) -> None:
        """Whole numbers in any spelling, exact beyond 2^53, within 64 bits."""
        said: list[str] = []

        assert Fields({"x": value}, said.append).integer("x") == expected
        assert said == wrong

    @pytest.mark.parametrize(
        ("value", "expected"),
        [(0, 0.0), (1, 1.0), ("0.5", 0.5), (-0.1, None), (1.1, None), (True, None), (10**400, None)],
    )
    def test_number(self, value: object, expected: float | None) -> None:
        """Finite numbers within the bounds."""
        assert Fields({"x": value}).number("x", 0, 1) == expected

    def test_nested(self) -> None:
        """Objects and lists of objects read on; what is none of them reads as empty and is told."""
        said: list[str] = []
        fields = Fields({"a": {"b": [{"c": 1}, 7, {"c": 2}]}, "d": "text", "e": None}, said.append)

        assert [one.integer("c") for one in fields.object("a").objects("b")] == [1, 2]
        assert fields.object("d").text("x", 1) is None
        assert fields.objects("d") == []
        assert fields.objects("e") == []
        assert said == ["b", "d", "d"]

    @pytest.mark.parametrize("raw", [None, [], "text", 7])
    def test_no_object_at_all(self, raw: object) -> None:
        """Anything but an object has no fields."""
        assert Fields(raw).text("x", 5) is None


@given(raw=st.dictionaries(st.just("x"), JSON) | JSON)
def test_nothing_raises(raw: object) -> None:
    """Whatever the JSON, every method returns its type or None."""
    fields = Fields(raw)

    assert isinstance(fields.text("x", 100), str | None)
    assert isinstance(fields.integer("x"), int | None)
    assert isinstance(fields.number("x"), float | None)
    assert isinstance(fields.flag("x"), bool)
    assert isinstance(fields.objects("x"), list)
    assert isinstance(fields.object("x"), Fields)


@given(st.text(alphabet=st.characters()))
def test_encodable_text_encodes(text: str) -> None:
    """Any text becomes UTF-8, and text that could already does not change."""
    encodable(text).encode()
    if text.isascii():
        assert encodable(text) == text
