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


def box(kind: bytes, payload: bytes) -> bytes:
    """A box of an MP4 or HEIC file."""
    return struct.pack(">I", 8 + len(payload)) + kind + payload


def tiff_with_place(order: str) -> bytes:
    """A TIFF block whose second directory tells a latitude; the first tells the device only."""
    sign = {"<": b"II*\x00", ">": b"MM\x00*"}[order]
    latitude = struct.pack(order + "6I", 22, 1, 32, 1, 35, 1)
    first = struct.pack(order + "H HHI4s HHII I", 2, 0x010F, 2, 4, b"cam\x00", 0x0112, 3, 1, 1 << 16, 8 + 30)
    second = struct.pack(order + "H HHII I", 1, GPS, 4, 1, 8 + 30 + 18, 0)
    place = struct.pack(order + "H HHI4s HHII I", 2, 1, 2, 2, b"N\x00\x00\x00", 2, 5, 3, 8 + 30 + 18 + 30, 0)
    return sign + struct.pack(order + "I", 8) + first + second + place + latitude


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("prefix", [b"\x00\x00\x00\x06Exif\x00\x00", b"\x00\x00\x00\x00"])
def test_exif_of_a_heic_with_or_without_its_prefix(order: str, prefix: bytes) -> None:
    heic = box(b"ftyp", b"heic") + box(b"mdat", prefix + tiff_with_place(order) + b"II*\x00picture MM\x00*data")
    clean = without_traces("image/heic", heic)
    assert struct.pack(order + "2I", 32, 1) in heic and struct.pack(order + "2I", 32, 1) not in clean
    assert len(clean) == len(heic) and b"cam" in clean and clean.endswith(b"II*\x00picture MM\x00*data")


def test_a_video_keeps_no_place_in_any_of_its_tables() -> None:
    name = "市民中心".encode() + b"\x00"
    numbers = struct.pack(">ii", int(113.8766 * 65536), int(22.5431 * 65536))
    loci = box(b"loci", b"\x00" * 4 + b"\x15\xc7" + name + b"\x00" + numbers + b"\x00" * 4 + b"earth\x00\x00")
    text = b"+22.5431+113.8766+010CRSWGS_84/"
    data = box(b"data", b"\x00\x00\x00\x01" + b"\x00" * 4 + b"Civic Centre")
    keyed = box(b"data", b"\x00\x00\x00\x01" + b"\x00" * 4 + b"+2232.58+11352.6")
    other = box(b"data", b"\x00\x00\x00\x01" + b"\x00" * 4 + b"Mr Camera")
    names = (b"com.apple.quicktime.location.name", b"com.apple.quicktime.make", b"com.apple.quicktime.location.ISO6709")
    keys = box(b"keys", struct.pack(">II", 0, 3) + b"".join(box(b"mdta", one) for one in names))
    values = (box(struct.pack(">I", number), one) for number, one in enumerate((data, other, keyed), 1))
    xyz = box(b"\xa9xyz", b"\x00\x0d\x15\xc7+2232+11352")
    packet = b"<rdf:RDF><exif:GPSLatitude>22,32.5N</exif:GPSLatitude></rdf:RDF>"
    told = loci + xyz + box(b"meta", keys + box(b"ilst", b"".join(values))) + box(b"uuid", packet) + box(b"free", text)
    video = box(b"ftyp", b"isom") + box(b"moov", box(b"udta", told)) + box(b"mdat", b"pictures 22+113")
    clean = without_traces("video/mp4", video)
    for place in (numbers, name, b"Civic Centre", b"2232", b"22.5431", b"22,32"):
        assert place in video and place not in clean, place
    assert len(clean) == len(video) and b"Mr Camera" in clean and clean.endswith(b"pictures 22+113")
    assert without_traces("video/mp4", clean) == clean


@pytest.mark.parametrize(
    "tables",
    [
        box(b"keys", struct.pack(">II", 0, 0)) * 9,
        box(b"keys", struct.pack(">II", 0, 2**32 - 1) + box(b"mdta", b"") * 513),
        box(b"keys", struct.pack(">II", 0, 1) + box(b"mdta", b"gps")) + box(b"ilst", box(b"\0\0\0\1", b"") * 513),
    ],
)
def test_a_video_with_more_tables_or_longer_ones_than_a_camera_writes_is_refused(tables: bytes) -> None:
    with pytest.raises(EvidenceKind):
        without_traces("video/mp4", box(b"ftyp", b"isom") + tables)


def test_a_table_may_have_as_many_keys_as_are_read() -> None:
    keys = box(b"keys", struct.pack(">II", 0, 512) + box(b"mdta", b"make") * 511 + box(b"mdta", b"gps"))
    value = box(struct.pack(">I", 512), box(b"data", b"\0\0\0\1" + b"\0" * 4 + b"Civic Centre"))
    video = box(b"ftyp", b"isom") + keys + box(b"ilst", value) + box(b"free", b"") * 600
    assert b"Civic" not in without_traces("video/mp4", video)


def test_a_paper_loses_the_places_of_its_photos_and_nothing_else() -> None:
    packet = b"<rdf:Description exif:GPSLatitude='22,32.5N' dc:title='form'/>"
    paper = b"%PDF-1.7 stream Exif\x00\x00" + tiff_with_place(">") + b" endstream " + packet
    clean = without_traces("application/pdf", paper)
    assert len(clean) == len(paper) and b"22,32" not in clean and struct.pack(">2I", 32, 1) not in clean
    assert b"cam" in clean and b"dc:title='form'" in clean
