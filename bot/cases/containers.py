"""Places in HEIC, MP4 and PDF files, blanked where they stand: lengths must stay, as tables point into the file."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from itertools import islice

from bot.errors import EvidenceKind

TIFF = (b"II*\x00", b"MM\x00*")
EXIF = b"Exif\x00\x00"
# XMP need not stand in its own envelope.
PACKETS = ((b"<x:xmpmeta", b"</x:xmpmeta>"), (b"<rdf:RDF", b"</rdf:RDF>"))
GPS_VALUE = re.compile(rb"gps[a-z]{2,30}(?:\s{0,3}=\s{0,3}[\"']|>)([^\"'<>]{1,100})", re.I)
ISO6709 = re.compile(rb"[+-]\d{2,6}(?:\.\d+)?[+-]\d{3,7}(?:\.\d+)?(?:[+-]\d+(?:\.\d+)?)?(?:CRS[\w:]{1,20})?/")
TEXT_PLACE = re.compile(rb"[+-]\d[\x20-\x7e]{3,200}")
# Boxes: the place of QuickTime as text, of 3GPP as numbers with a name; tables that say which value is what.
QUICKTIME, THREE_GPP, KEYS, VALUES = b"\xa9xyz", b"loci\x00\x00\x00\x00", b"keys\x00\x00\x00\x00", b"ilst"
PLACE_KEY = re.compile(rb"location|gps", re.I)
HEADER, DATA_HEADER, MOST_PLACE = 8, 16, 4096
MOST_TABLES, MOST_KEYS = 8, 512
GPS_TAG = 0x8825
ENTRY = 12
KINDS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
# No camera writes more; a file that does is made to keep a server busy.
MOST_BLOCKS, MOST_ENTRIES, MOST_DIRECTORIES, MOST_SIGNS = 8, 512, 4, 1024


def without_places(content: bytes) -> bytes:
    """A container without the places that Exif, XMP and the tables of a video tell.

    Raises EvidenceKind for what is made to keep a server busy.
    """
    clean = bytearray(content)
    for start in _blocks(content):
        _blank_gps(clean, start)
    texts = (
        *(found.span() for found in ISO6709.finditer(content)),
        *(one.span(1) for one in GPS_VALUE.finditer(content)),
    )
    for start, end in (*_packets(content), *_quicktime(content), *_keyed(content), *texts):
        clean[start:end] = b" " * (end - start)
    for start, end in _three_gpp(content):
        clean[start:end] = bytes(end - start)
    return bytes(clean)


def without_photo_places(content: bytes) -> bytes:
    """A paper without the places that photos in it tell; one that holds none stays as it is, with its signature.

    Raises EvidenceKind for what is made to keep a server busy.
    """
    clean = bytearray(content)
    for at in _signs(content, EXIF):
        if content[at + len(EXIF) : at + len(EXIF) + 4] in TIFF:
            _blank_gps(clean, at + len(EXIF))
    for found in GPS_VALUE.finditer(content):
        clean[found.start(1) : found.end(1)] = b" " * len(found[1])
    return bytes(clean)


def _all(content: bytes, sign: bytes) -> Iterator[int]:
    at = content.find(sign)
    while at >= 0:
        yield at
        at = content.find(sign, at + len(sign))


def _signs(content: bytes, sign: bytes, most: int = MOST_SIGNS) -> Iterator[int]:
    """Where a sign stands; raises EvidenceKind where it stands too often."""
    for number, at in enumerate(islice(_all(content, sign), most + 1)):
        if number == most:
            raise EvidenceKind("too many places", {"endings": "heic mp4"})
        yield at


def _blocks(content: bytes) -> list[int]:
    """Where TIFF blocks begin: those that are told to be Exif, and others whose first directory can be one."""
    found = []
    for sign in TIFF:
        for at in _signs(content, sign):
            if content[max(0, at - len(EXIF)) : at] == EXIF or _is_block(content, at):
                found.append(at)
    if len(found) > MOST_BLOCKS:
        raise EvidenceKind("too many blocks of Exif", {"endings": "heic"})
    return found


def _is_block(content: bytes, start: int) -> bool:
    order = "<" if content[start : start + 2] == b"II" else ">"
    try:
        place = start + struct.unpack_from(order + "I", content, start + 4)[0]
        count = struct.unpack_from(order + "H", content, place)[0]
        entries = range(place + 2, place + 2 + count * ENTRY, ENTRY) if count <= MOST_ENTRIES else ()
        return bool(entries) and all(struct.unpack_from(order + "2xH8x", content, one)[0] in KINDS for one in entries)
    except struct.error:
        return False


def _packets(content: bytes) -> Iterator[tuple[int, int]]:
    """The spans of XMP, each from its first word to its last."""
    for first, last in PACKETS:
        at = 0
        while (start := content.find(first, at)) >= 0 and (end := content.find(last, start)) >= 0:
            at = end + len(last)
            yield start, at


def _quicktime(content: bytes) -> Iterator[tuple[int, int]]:
    for at in _signs(content, QUICKTIME):
        found = TEXT_PLACE.search(content, at + len(QUICKTIME), at + 256)
        if found is not None:
            yield found.span()


def _three_gpp(content: bytes) -> Iterator[tuple[int, int]]:
    """All of a place but the version of its box; where its size cannot be, as much as a place needs."""
    for at in _signs(content, THREE_GPP):
        size = int.from_bytes(content[max(0, at - 4) : at])
        start, end = at + len(THREE_GPP), at - 4 + size
        yield start, end if start < end <= min(len(content), at + MOST_PLACE) else min(len(content), start + 64)


def _keyed(content: bytes) -> Iterator[tuple[int, int]]:
    """The values that a table of keys calls a location."""
    for at in _signs(content, KEYS, MOST_TABLES):
        wanted, place = set(), at + len(KEYS) + 4
        numbers = range(1, _long(content, at + len(KEYS)) + 1)
        for number, (start, end) in zip(numbers, _boxes(content, place, len(content)), strict=False):
            if PLACE_KEY.search(content, start + HEADER, min(end, start + 256)):
                wanted.add(number)
            place = end
        values = content.find(VALUES, place, place + MOST_PLACE)
        if values < 0 or not wanted:
            continue
        end = min(len(content), values - 4 + _long(content, values - 4))
        for start, last in _boxes(content, values + len(VALUES), end):
            first = start + HEADER + DATA_HEADER
            if _long(content, start + 4) in wanted and first < last <= end:
                yield first, last


def _boxes(content: bytes, place: int, end: int) -> Iterator[tuple[int, int]]:
    """The spans of the boxes of a table, one after the other; raises EvidenceKind for more than a table has."""
    number = 0
    while place + HEADER <= end and (size := _long(content, place)) >= HEADER:
        number += 1
        if number > MOST_KEYS:
            raise EvidenceKind("a table too long", {"endings": "heic mp4"})
        yield place, place + size
        place += size


def _long(content: bytes, at: int) -> int:
    return int.from_bytes(content[at : at + 4])


def _blank_gps(content: bytearray, start: int) -> None:
    """Blank the GPS part of the TIFF block that begins at `start`; a broken one is left."""
    order = "<" if content[start : start + 2] == b"II" else ">"
    try:
        offset = struct.unpack_from(order + "I", content, start + 4)[0]
        for _ in range(MOST_DIRECTORIES):
            if not offset:
                return
            place = start + offset
            end = place + 2 + _entries(content, place, order) * ENTRY
            for entry in range(place + 2, end, ENTRY):
                if struct.unpack_from(order + "H", content, entry)[0] == GPS_TAG:
                    _blank_directory(content, start, struct.unpack_from(order + "I", content, entry + 8)[0], order)
                    content[entry : entry + ENTRY] = bytes(ENTRY)
            offset = struct.unpack_from(order + "I", content, end)[0]
    except struct.error:
        return


def _entries(content: bytearray, place: int, order: str) -> int:
    """How many entries a directory has; raises EvidenceKind for more than any camera writes."""
    count = int(struct.unpack_from(order + "H", content, place)[0])
    if count > MOST_ENTRIES:
        raise EvidenceKind("a directory too long", {"endings": "heic"})
    return count


def _blank_directory(content: bytearray, start: int, offset: int, order: str) -> None:
    place = start + offset
    count = _entries(content, place, order)
    for entry in range(place + 2, place + 2 + count * ENTRY, ENTRY):
        kind, amount, value = struct.unpack_from(order + "HII", content, entry + 2)
        size = amount * KINDS.get(kind, 0)
        if 4 < size <= MOST_PLACE and start + value + size <= len(content):
            content[start + value : start + value + size] = bytes(size)
        content[entry : entry + ENTRY] = bytes(ENTRY)
