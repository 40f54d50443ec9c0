"""What a camera writes beside a photo is not kept."""

from __future__ import annotations

import io
import struct

import pytest
from PIL import Image, PngImagePlugin

from bot.cases import pictures
from bot.cases.pictures import without_traces
from bot.errors import EvidenceKind, EvidenceTooLarge

GPS, ORIENTATION = 0x8825, 0x0112


def photo(kind: str, size: tuple[int, int] = (40, 20), mode: str = "RGB") -> bytes:
    """A picture that tells place, device and owner."""
    exif = Image.Exif()
    exif[0x010F], exif[0x013B], exif[ORIENTATION] = "Camera 13800138000", "张三", 6
    exif.get_ifd(GPS).update({1: "N", 2: (22.0, 32.0, 35.0), 3: "E", 4: (114.0, 3.0, 36.0)})
    out = io.BytesIO()
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "owner 张三 13800138000")
    options = {"pnginfo": info} if kind == "PNG" else {}
    Image.new(mode, size, None).save(out, kind, exif=exif, **options)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photo_loses_its_place_its_device_and_its_owner(kind: str) -> None:
    before = photo(kind)
    assert Image.open(io.BytesIO(before)).getexif().get_ifd(GPS)
    after = without_traces(f"image/{kind.lower()}", before)
    with Image.open(io.BytesIO(after)) as clean:
        assert clean.format == kind and not clean.getexif() and clean.size == (20, 40)
        assert not {"exif", "xmp", "Comment"} & set(clean.info)
    assert b"13800138000" not in after and "张三".encode() not in after
    assert without_traces(f"image/{kind.lower()}", before) == after


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_pictures_of_other_colours(mode: str) -> None:
    assert Image.open(io.BytesIO(without_traces("image/jpeg", photo("JPEG", mode=mode)))).mode in ("L", "RGB")


def test_what_is_no_picture_inside_is_refused() -> None:
    for content in (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + b"\x00" * 40, photo("JPEG")[:200], photo("PNG")):
        with pytest.raises(EvidenceKind):
            without_traces("image/jpeg", content)


def test_too_many_pixels_are_refused_before_they_are_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MOST_PIXELS", 799)
    with pytest.raises(EvidenceTooLarge):
        without_traces("image/png", photo("PNG"))


def test_places_in_containers_are_blanked_and_lengths_stay() -> None:
    tiff = photo("JPEG")
    start = tiff.index(b"Exif\x00\x00")
    heic = (
        b"\x00\x00\x00\x18ftypheic" + tiff[start : start + 400] + b"<x:xmpmeta exif:GPSLatitude='22,32N'></x:xmpmeta>"
    )
    clean = without_traces("image/heic", heic)
    assert len(clean) == len(heic) and b"GPSLatitude" not in clean
    assert struct.pack(">II", 32, 1) not in clean and struct.pack("<II", 32, 1) not in clean
    video = b"\x00\x00\x00\x20ftypisom\xa9xyz\x00\x12\x15\xc7+22.5431+113.8766/rest"
    assert b"22.5431" not in without_traces("video/mp4", video)
    assert without_traces("application/pdf", b"%PDF-1.7 +22.5431+113.8766/") == b"%PDF-1.7 +22.5431+113.8766/"


def test_what_is_made_to_keep_a_server_busy_is_refused() -> None:
    block = b"Exif\x00\x00II*\x00\x08\x00\x00\x00"
    many, long = block * 9, block + b"\xff\xff" + bytes(64)
    for content in (many, long):
        with pytest.raises(EvidenceKind):
            without_traces("image/heic", content)
    unclosed = b"<x:xmpmeta " * 100_000
    assert without_traces("image/heic", unclosed) == unclosed
