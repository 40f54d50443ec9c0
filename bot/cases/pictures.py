"""Photos without what a camera wrote beside them: place, device, owner, thumbnails."""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from PIL import Image, ImageOps, UnidentifiedImageError

from bot.errors import EvidenceKind, EvidenceTooLarge

# Pillow's format and how it is written again; what is not here is no picture that Pillow writes.
WRITTEN: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "image/jpeg": ("JPEG", {"quality": 90, "optimize": True}),
    "image/png": ("PNG", {"optimize": True}),
    "image/webp": ("WEBP", {"quality": 90}),
}
KEPT = ("transparency", "gamma", "icc_profile")
# A phone's largest; a decoded picture takes three bytes a pixel.
MOST_PIXELS = 64_000_000
# In a HEIC or MP4 container: where Exif, XMP and the place of a video stand. Lengths must stay, so they are blanked.
EXIF = re.compile(rb"Exif\x00\x00(?=II\*\x00|MM\x00\*)")
XMP, XMP_END = b"<x:xmpmeta", b"</x:xmpmeta>"
PLACE = re.compile(rb"(?<=\xa9xyz....)[+-][0-9.+/-]{4,60}", re.DOTALL)
ISO6709 = re.compile(rb"[+-]\d{2}(?:\.\d+)?[+-]\d{3}(?:\.\d+)?(?:[+-]\d+(?:\.\d+)?)?/")
GPS_TAG = 0x8825
ENTRY = 12
# No camera writes more; a file that does is made to keep a server busy.
MOST_BLOCKS, MOST_ENTRIES = 8, 512

# The size of a picture is looked at before it is decoded, here and not by Pillow's warnings.
Image.MAX_IMAGE_PIXELS = None


def without_traces(media_type: str, content: bytes) -> bytes:
    """A file as it may be kept: pictures are written anew, places in other containers blanked, papers as they are.

    Raises EvidenceKind for what is no picture inside, EvidenceTooLarge for one of too many pixels.
    """
    if media_type in WRITTEN:
        return _written_anew(*WRITTEN[media_type], content)
    if media_type in ("image/heic", "video/mp4"):
        return _blanked(content)
    return content


def _written_anew(kind: str, options: Mapping[str, Any], content: bytes) -> bytes:
    out = io.BytesIO()
    try:
        with Image.open(io.BytesIO(content), formats=(kind,)) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise EvidenceTooLarge("too many pixels", {"megabytes": MOST_PIXELS // 1_000_000})
            upright = ImageOps.exif_transpose(picture)
            if kind == "JPEG" and upright.mode not in ("L", "RGB"):
                upright = upright.convert("RGB")
            upright.info = {name: value for name, value in upright.info.items() if name in KEPT}
            upright.save(out, kind, exif=b"", **options)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, struct.error) as error:
        raise EvidenceKind("no picture inside", {"endings": kind.lower()}) from error
    return out.getvalue()


def _blanked(content: bytes) -> bytes:
    clean = bytearray(content)
    blocks = [found.end() for found in islice(EXIF.finditer(content), MOST_BLOCKS + 1)]
    if len(blocks) > MOST_BLOCKS:
        raise EvidenceKind("too many blocks of Exif", {"endings": "heic"})
    for start in blocks:
        _blank_gps(clean, start)
    places = (found.span() for pattern in (PLACE, ISO6709) for found in pattern.finditer(content))
    for start, end in (*_packets(content), *places):
        clean[start:end] = b" " * (end - start)
    return bytes(clean)


def _packets(content: bytes) -> Iterator[tuple[int, int]]:
    """The spans of XMP, each from its first word to its last."""
    at = 0
    while (start := content.find(XMP, at)) >= 0 and (end := content.find(XMP_END, start)) >= 0:
        at = end + len(XMP_END)
        yield start, at


def _blank_gps(content: bytearray, start: int) -> None:
    """Blank the GPS part of the TIFF block that begins at `start`; a broken one is left."""
    order = "<" if content[start : start + 2] == b"II" else ">"
    try:
        place = start + struct.unpack_from(order + "I", content, start + 4)[0]
        count = _entries(content, place, order)
        for entry in range(place + 2, place + 2 + count * ENTRY, ENTRY):
            if struct.unpack_from(order + "H", content, entry)[0] == GPS_TAG:
                _blank_directory(content, start, struct.unpack_from(order + "I", content, entry + 8)[0], order)
                content[entry : entry + ENTRY] = bytes(ENTRY)
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
        size = amount * {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1}.get(kind, 0)
        if 4 < size <= 256 and start + value + size <= len(content):
            content[start + value : start + value + size] = bytes(size)
        content[entry : entry + ENTRY] = bytes(ENTRY)
