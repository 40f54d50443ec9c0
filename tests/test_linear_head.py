"""Linear heads: the terms they read, the file they lie in, and a server without scikit-learn."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from knowledge.encoder import Encoder, load_encoder
from knowledge.linear_head import load_head, train_head
from knowledge.words import features

TEXTS = [
    "护照丢了怎么补办",
    "护照补办",
    "社保卡丢了",
    "社保卡补办",
    "lost my passport",
    "passport lost",
    "lost social card",
]
LABELS = ["passport", "passport", "card", "card", "passport", "passport", "card"]


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load_encoder("static")


def test_terms_weigh_as_scikit_learn_weighs_them(encoder: Encoder) -> None:
    head = train_head(TEXTS, LABELS, encoder, calibrated=False)
    vectoriser = TfidfVectorizer(analyzer=features, sublinear_tf=True, min_df=2, dtype=np.float32).fit(TEXTS)
    for text in ("护照护照丢了", "my passport is lost", "补办社保卡"):
        _, weights = head.terms.read(text)
        np.testing.assert_allclose(np.sort(weights), np.sort(vectoriser.transform([text]).data), atol=1e-6)


def test_text_of_unknown_terms_has_the_margins_of_its_vector(encoder: Encoder) -> None:
    head = train_head(TEXTS, LABELS, encoder, calibrated=False)
    for text in ("", "xyzzy"):
        rows, weights = head.terms.read(text)
        assert len(rows) == len(weights) == 0
        assert np.isfinite(head.margins(text, encoder.encode_query([text])[0])).all()


def test_head_read_from_disk_is_the_same(encoder: Encoder, tmp_path: Path) -> None:
    head = train_head(TEXTS, LABELS, encoder, calibrated=False)
    head.save(tmp_path / "head.joblib")
    vector = encoder.encode_query(["护照"])[0]
    assert (load_head(tmp_path / "head.joblib").margins("护照", vector) == head.margins("护照", vector)).all()


def test_server_starts_without_training_libraries() -> None:
    told = "import sys, connectors.cli; print({'sklearn', 'torch', 'scipy.optimize'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
