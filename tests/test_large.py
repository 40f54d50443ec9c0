"""A catalogue of thousands: exact on a few, in cells and without a head on many, right and fast on both."""

from __future__ import annotations

import pytest

from knowledge.catalogue import read_catalogue
from knowledge.encoder import Encoder, load_encoder
from knowledge.index import MAX_HEAD_CLASSES, build_index, load_index, save_index
from knowledge.large_catalogue import many_items, measure, probes, read_situations
from knowledge.normal import canonical
from knowledge.retriever import Retriever
from knowledge.search_encoder import own_encoder, search_encoder, static_face
from knowledge.verdict import Verdict

MOST = MAX_HEAD_CLASSES + 100


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load_encoder("builtin")


def test_items_are_made_by_situation_and_never_twice() -> None:
    ours = read_catalogue()
    many = many_items(ours, 2 * len(ours))
    names = [service.name for service in many]
    assert len(set(names)) == len(many) == 2 * len(ours)
    assert len(read_situations()) * len(ours) > 5900
    with pytest.raises(ValueError, match="only"):
        many_items(ours, 100_000)


def test_probes_are_the_same_every_time() -> None:
    many = many_items(read_catalogue(), 300)
    assert list(probes(many, 40)) == list(probes(many, 40))


def test_many_items_are_found_and_kept_on_disk(encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> None:
    many = many_items(read_catalogue(), MOST)
    index = build_index(many, (), (), encoder)
    assert index.head is None
    folder = tmp_path_factory.mktemp("index")
    save_index(index, folder, "mark")
    assert load_index(folder, "other") is None
    read = load_index(folder, "mark")
    assert read is not None
    retriever = Retriever(many, read)
    for probe in probes(many, 40):
        text = canonical(probe.text)
        vector = encoder.encode_query([text])[0]
        found = retriever.search(text, vector)
        if probe.how == "exact":
            assert found.best.service.code == probe.code, probe
            assert found.verdict is not Verdict.NO_SERVICE, probe
        fresh = Retriever(many, index).search(text, vector)
        assert [hit.service.code for hit in fresh.hits] == [hit.service.code for hit in found.hits]


def test_measure_tells_size_time_and_accuracy(encoder: Encoder) -> None:
    figures = measure(many_items(read_catalogue(), MOST), encoder, 100)
    assert figures.items == MOST
    assert len(figures.encode_ms) == len(figures.cpu_ms) == len(figures.wall_ms) == 100
    assert sum(figures.accuracy.values()) / len(figures.accuracy) > 0.9


def test_very_many_texts_are_searched_with_the_static_face(encoder: Encoder) -> None:
    ours = read_catalogue()
    assert search_encoder(ours, 50_000, encoder) is encoder
    assert search_encoder(many_items(ours, MOST), 0, encoder) is encoder
    many = many_items(ours, 1500)
    assert search_encoder(many, 0, encoder) is static_face()
    index = build_index(many, (), (), static_face())
    own = own_encoder(index)
    assert own is not None and own.encoder is static_face()
    query = "临时身份证（变更）"
    vector = encoder.encode_query([query])[0]
    found = Retriever(many, index).search(query, vector)
    assert found.best.service.name.zh == query
    assert found.similarity > 0.99
