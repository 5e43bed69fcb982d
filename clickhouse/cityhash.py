"""CityHash128 of version 1.0.2, the checksum in ClickHouse's compressed blocks.

Google's algorithm (https://github.com/google/cityhash); ClickHouse froze this version, and later ones differ. Some
20 MB a second: fit for what SQL clients fetch, which is all that uses it.
"""

from __future__ import annotations

from struct import unpack_from
from typing import Final

_MASK: Final = (1 << 64) - 1
_K0: Final = 0xC3A5C85C97CB3127
_K1: Final = 0xB492B66FBE98F273
_K2: Final = 0x9AE16A3B2F90404F
_K3: Final = 0xC949D7C7509E6557
_MULTIPLIER: Final = 0x9DDFEA08EB382D69

_WORD: Final = 8
_SEED_BYTES: Final = 16
_LONG_BYTES: Final = 128


def city_hash_128(data: bytes) -> tuple[int, int]:
    """Return the hash's low and high 64 bits; `data` has 8 bytes at least, as every block has."""
    size = len(data)
    if size >= _SEED_BYTES:
        low, high = unpack_from("<QQ", data)
        return _seeded(data[_SEED_BYTES:], low ^ _K3, high)
    return _seeded(b"", _fetch(data, 0) ^ (size * _K0 & _MASK), _fetch(data, size - _WORD) ^ _K1)


def _fetch(data: bytes, position: int) -> int:
    word: int = unpack_from("<Q", data, position)[0]
    return word


def _rotated(value: int, bits: int) -> int:
    """Rotate the low 64 bits of `value` to the right."""
    value &= _MASK
    return (value >> bits | value << (64 - bits)) & _MASK


def _mixed(value: int) -> int:
    value &= _MASK
    return value ^ value >> 47


def _joined(low: int, high: int) -> int:
    """Hash 16 bytes to 8."""
    high &= _MASK
    first = _mixed(((low ^ high) & _MASK) * _MULTIPLIER)
    return _mixed((high ^ first) * _MULTIPLIER) * _MULTIPLIER & _MASK


def _short(data: bytes) -> int:
    """Hash at most 16 bytes to 8."""
    size = len(data)
    if size > _WORD:
        last = _fetch(data, size - _WORD)
        return _joined(_fetch(data, 0), _rotated(last + size, size)) ^ last
    if size >= _WORD // 2:
        first, last = (unpack_from("<I", data, position)[0] for position in (0, size - 4))
        return _joined(size + (first << 3), last)
    if size:
        low, high = data[0] + (data[size >> 1] << 8), size + (data[-1] << 2)
        return _mixed(low * _K2 ^ high * _K3) * _K2 & _MASK
    return _K2


def _weak(data: bytes, position: int, first: int, second: int) -> tuple[int, int]:
    """Fold 32 bytes into two words."""
    w, x, y, z = unpack_from("<QQQQ", data, position)
    first += w
    second = _rotated(second + first + z, 21)
    middle = first + x + y
    return (middle + z) & _MASK, (second + _rotated(middle, 44) + first) & _MASK


def _murmur(data: bytes, a: int, b: int) -> tuple[int, int]:
    """Hash fewer than 128 bytes with a seed."""
    size = len(data)
    if size <= _SEED_BYTES:
        a = _mixed(a * _K1) * _K1 & _MASK
        c = (b * _K1 + _short(data)) & _MASK
        d = _mixed(a + (_fetch(data, 0) if size >= _WORD else c))
    else:
        c = _joined(_fetch(data, size - 8) + _K1, a)
        d = _joined(b + size, c + _fetch(data, size - 16))
        a += d
        for position in range(0, size - _SEED_BYTES, _SEED_BYTES):
            a = (a ^ _mixed(_fetch(data, position) * _K1) * _K1) * _K1 & _MASK
            b ^= a
            c = (c ^ _mixed(_fetch(data, position + 8) * _K1) * _K1) * _K1 & _MASK
            d ^= c
    a, b = _joined(a, c), _joined(d, b)
    return a ^ b, _joined(b, a)


def _seeded(data: bytes, x: int, y: int) -> tuple[int, int]:
    """Hash any number of bytes with a seed."""
    size = len(data)
    if size < _LONG_BYTES:
        return _murmur(data, x, y)
    z = size * _K1 & _MASK
    v0 = (_rotated(y ^ _K1, 49) * _K1 + _fetch(data, 0)) & _MASK
    v1 = (_rotated(v0, 42) * _K1 + _fetch(data, 8)) & _MASK
    w0 = (_rotated(y + z, 35) * _K1 + x) & _MASK
    w1 = _rotated(x + _fetch(data, 88), 53) * _K1 & _MASK
    rest = size % _LONG_BYTES
    for at in range(0, size - rest, _LONG_BYTES // 2):
        x = _rotated(x + y + v0 + _fetch(data, at + 16), 37) * _K1 ^ w1
        y = _rotated(y + v1 + _fetch(data, at + 48), 42) * _K1 ^ v0
        z = _rotated(z ^ w0, 33)
        v0, v1 = _weak(data, at, v1 * _K1, x + w0)
        w0, w1 = _weak(data, at + 32, z + w1, y)
        x, z = z, x & _MASK
    y += _rotated(w0, 37) * _K0 + z
    x += _rotated(v0 + z, 49) * _K0
    for tail in range(32, rest + 32, 32):
        at = size - tail
        y = _rotated(y - x, 42) * _K0 + v1
        w0 += _fetch(data, at + 16)
        x = _rotated(x, 49) * _K0 + w0
        w0 += v0
        v0, v1 = _weak(data, at, v0, v1)
    x, y = _joined(x, v0), _joined(y, w0)
    return (_joined(x + v1, w1) + y) & _MASK, _joined(x + w1, y + v1)
