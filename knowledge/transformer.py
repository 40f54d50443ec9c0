"""The small transformer at run time: int8 rows looked up with numpy, an int8 ONNX body, no torch."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from knowledge.pieces import Pieces
from knowledge.vectors import EncoderError, Vectors, normalise_rows

FORMAT = "chengda-transformer-1"
CONFIG_FILE, PIECES_FILE = "config.json", "pieces.txt"
ROWS_FILE, SCALES_FILE, BODY_FILE = "rows.npy", "scales.npy", "body.onnx"
INPUT, OUTPUT = "rows", "mean"
LARGEST_POOL = 4  # threads
MANY = 64  # texts from which on several are encoded at once


class TransformerEncoder:
    """Six BERT layers over word pieces; one text at a time, so no row depends on its neighbours."""

    def __init__(
        self, pieces: Pieces, rows: NDArray[np.int8], scales: Vectors, body: Any, config: dict[str, Any]
    ) -> None:
        """Take `rows` of shape (pieces, dimension), one scale a row, and the body's ONNX session."""
        self.name = str(config["name"])
        self.static_share = float(config["static_share"])  # of the static face, where both are summed
        self.dimension = int(rows.shape[1])
        self.pieces, self.longest = pieces, int(config["longest"])
        self._rows, self._scales, self._body = rows, scales, body

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a folder written by `knowledge.transformer_export`; raise EncoderError if unfit."""
        try:
            config = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
            units = (folder / PIECES_FILE).read_text(encoding="utf-8").split("\n")[:-1]
            rows = np.asarray(np.load(folder / ROWS_FILE, mmap_mode="r"))
            scales = np.load(folder / SCALES_FILE).astype(np.float32)
            body = (folder / BODY_FILE).read_bytes()
        except (OSError, ValueError, EOFError) as error:
            raise EncoderError(f"no readable transformer encoder in {folder}: {error}") from error
        if config.get("format") != FORMAT:
            raise EncoderError(f"{folder / CONFIG_FILE} is not of format {FORMAT}")
        if not len(units) == len(rows) == len(scales) or rows.shape[1] != config.get("dimension"):
            raise EncoderError(f"the files in {folder} do not belong together")
        try:
            return cls(Pieces(units), rows, scales, _session(body, folder), config)
        except KeyError as error:
            raise EncoderError(f"{error} is missing in {folder}") from error

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        return self._encode(texts)

    def encode_document(self, texts: Sequence[str]) -> Vectors:
        return self._encode(texts)

    def _encode(self, texts: Sequence[str]) -> Vectors:
        if len(texts) == 1:
            return normalise_rows(self._row(texts[0])[None])
        distinct = list(dict.fromkeys(texts))
        if len(distinct) < MANY:
            found = [self._row(text) for text in distinct]
        else:
            with ThreadPoolExecutor(min(LARGEST_POOL, os.cpu_count() or 1)) as pool:
                found = list(pool.map(self._row, distinct, chunksize=MANY))
        place = {text: number for number, text in enumerate(distinct)}
        rows = np.array(found, dtype=np.float32).reshape(-1, self.dimension)
        return normalise_rows(rows[[place[text] for text in texts]])

    def _row(self, text: str) -> Vectors:
        """The mean row of a text; zeros where no word of it is known."""
        pieces = self.pieces.read(text, self.longest)
        if not pieces:
            return np.zeros(self.dimension, dtype=np.float32)
        inputs = self._rows[pieces] * self._scales[pieces, None]
        row: Vectors = self._body.run([OUTPUT], {INPUT: inputs[None]})[0][0]
        return row


def _session(body: bytes, folder: Path) -> Any:
    """A session of one thread; raise EncoderError for a graph that cannot run."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(body, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own errors share no base class but this
        raise EncoderError(f"{folder / BODY_FILE} cannot be run: {error}") from error
