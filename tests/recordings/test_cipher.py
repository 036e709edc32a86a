"""Sealed values open with their key and in their place, and nowhere else; keys rotate; the key file is private."""

from __future__ import annotations

import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings.cipher import KeyFault, KeyRing

RING = KeyRing.generate()


@given(st.binary(max_size=200), st.text(max_size=30))
def test_what_is_sealed_opens_again(plain: bytes, context: str) -> None:
    sealed = RING.seal(plain, context)
    assert RING.unseal(sealed, context) == plain
    assert sealed != RING.seal(plain, context)


@given(st.binary(min_size=1, max_size=60), st.data())
def test_any_change_is_found(plain: bytes, data: st.DataObject) -> None:
    sealed = bytearray(RING.seal(plain, "debtor.name"))
    at = data.draw(st.integers(0, len(sealed) - 1))
    sealed[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(KeyFault):
        RING.unseal(bytes(sealed), "debtor.name")
    with pytest.raises(KeyFault):
        RING.unseal(bytes(sealed[: data.draw(st.integers(0, len(sealed) - 1))]), "debtor.name")


def test_a_value_does_not_open_in_another_field() -> None:
    with pytest.raises(KeyFault, match="moved from another field"):
        RING.unseal(RING.seal(b"x", "debtor.name"), "promise.words")


@given(st.text(), st.text())
def test_the_blind_index_tells_equal_from_different(one: str, other: str) -> None:
    same = RING.blind_index(one, "number") == RING.blind_index(other, "number")
    assert same == (one == other)
    assert RING.blind_index(one, "number") != RING.blind_index(one, "name")
    assert RING.blind_index(one, "number") != KeyRing.generate().blind_index(one, "number")


def test_rotation_seals_anew_and_still_opens_the_old(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    first = KeyRing.load_or_create(path)
    sealed, index = first.seal(b"x", "c"), first.blind_index("n", "number")
    second = first.rotate(path)
    assert second.active.id != first.active.id
    loaded = KeyRing.load(path)
    assert loaded.ids() == second.ids()
    assert loaded.active.id == second.active.id
    assert loaded.unseal(sealed, "c") == b"x"
    assert loaded.blind_index("n", "number") == index
    with pytest.raises(KeyFault, match="not in the ring"):
        first.unseal(loaded.seal(b"y", "c"), "c")


def test_the_key_file_is_private_and_refused_when_it_is_not(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "keys.json"
    ring = KeyRing.load_or_create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert KeyRing.load_or_create(path).ids() == ring.ids()
    path.chmod(0o640)
    with pytest.raises(KeyFault, match="chmod 600"):
        KeyRing.load(path)


@pytest.mark.parametrize("content", ["", "{}", '{"keys": []}', '{"keys": [{"id": 1}], "index_secret": "x"}', "\x00"])
def test_a_damaged_key_file_says_so(tmp_path: Path, content: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(KeyFault, match=r"damaged|at least one key"):
        KeyRing.load(path)
    with pytest.raises(KeyFault, match="does not exist"):
        KeyRing.load(tmp_path / "none.json")


def test_workers_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    together = threading.Barrier(8)

    def start(_: int) -> tuple[str, ...]:
        together.wait()
        return KeyRing.load_or_create(path).ids()

    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(start, range(8)))
    assert len(found) == 1
    assert list(tmp_path.iterdir()) == [path]


def test_keys_do_not_show_in_text() -> None:
    assert "hidden" in repr(RING.active)
    assert repr(RING.active.secret)[2:10] not in repr(RING.active)
