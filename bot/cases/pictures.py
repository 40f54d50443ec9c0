"""Photos without what a camera wrote beside them: place, device, owner, thumbnails."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from typing import Any

from PIL import Image, ImageOps, UnidentifiedImageError

from bot.cases.containers import without_photo_places, without_places
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

# The size of a picture is looked at before it is decoded, here and not by Pillow's warnings.
Image.MAX_IMAGE_PIXELS = None


def without_traces(media_type: str, content: bytes) -> bytes:
    """A file as it may be kept: pictures are written anew, places in other files are blanked.

    Raises EvidenceKind for what is no picture inside, EvidenceTooLarge for one of too many pixels.
    """
    if media_type in WRITTEN:
        return _written_anew(*WRITTEN[media_type], content)
    if media_type in ("image/heic", "video/mp4"):
        return without_places(content)
    return without_photo_places(content)


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
