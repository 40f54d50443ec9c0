"""Building what the engine needs from the content: catalogue index, NLU and demand heads."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.cases.analysis import HEADS, read_demands, train_demand_heads
from bot.cases.split import CONNECTOR_FILE, SplitJudge, load_judge
from bot.cases.split_examples import CONTINUATION_FILE, train_split
from bot.nlu.intents import NLU_FILES, read_examples, train_intents
from bot.nlu.paths import read_path_lines, train_paths
from bot.nlu.safety import read_extra, train_safety
from bot.nlu.said import COMMANDS_FILE
from knowledge.catalogue import Catalogue, read_catalogue
from knowledge.city import City, catalogue_of, find_city, queries_of, uncovered_of
from knowledge.encoder import Encoder, load_encoder
from knowledge.index import Index, build_index, fingerprint, load_index, save_index
from knowledge.linear_head import LinearHead, load_head
from knowledge.queries import NLU_DATA, Query, read_training_queries, read_uncovered
from knowledge.trainer import RememberingEncoder, Trainer

Progress = Callable[[str], None]
STEPS = ("encoder", "texts", "vectors", "words", "head", "intents", "safety", "demands", "split", "paths")
CODE_FILES = ("linear_head.py", "words.py", "normal.py", "index.py", "encoder.py")
NLU_CODE = ("nlu/intents.py", "nlu/paths.py", "nlu/safety.py", "cases/split.py", "cases/split_examples.py")


@dataclass(frozen=True)
class Models:
    """Everything trained, ready to serve a city."""

    city: City
    catalogue: Catalogue
    encoder: Encoder
    index: Index
    intents: LinearHead
    safety: LinearHead
    demands: dict[str, LinearHead]
    split: SplitJudge
    paths: LinearHead


def load_or_train(
    data_dir: Path, encoder_name: str, progress: Progress = lambda step: None, city: City | None = None
) -> Models:
    """The models of the data folder, built anew where content or code changed since.

    Understanding is trained on the home city's language data and serves every city; search has an index a city.
    """
    city = city or find_city()
    progress("encoder")
    encoder = load_encoder(encoder_name)
    index = _index(city, data_dir, encoder, progress)
    catalogue, queries = read_catalogue(), read_training_queries()
    weights = f"{encoder.name}:{_code_digest()}"
    mark = fingerprint(catalogue, queries, read_uncovered(), weights)
    folder = data_dir / "nlu"
    own_code = (Path(__file__).parent / name for name in NLU_CODE)
    data = [
        *(NLU_DATA / name for name in NLU_FILES),
        *sorted(NLU_DATA.glob("*.csv")),
        CONNECTOR_FILE,
        CONTINUATION_FILE,
        COMMANDS_FILE,
    ]
    nlu_mark = mark + _digest([*data, *own_code])
    if _mark(folder) != nlu_mark:
        trainer = Trainer(RememberingEncoder(encoder, weights, data_dir / "encoded"), data_dir / "heads")
        _train_nlu(folder, queries, catalogue, trainer, progress)
        trainer.close()
        (folder / "mark.json").write_text(json.dumps(nlu_mark), encoding="utf-8")
    demands = {name: load_head(folder / f"{name}.joblib") for name in HEADS}
    intents, safety, paths = (load_head(folder / f"{name}.joblib") for name in ("intents", "safety", "paths"))
    judge = load_judge(folder / "split.joblib")
    return Models(city, catalogue_of(city), encoder, index, intents, safety, demands, judge, paths)


def _index(city: City, data_dir: Path, encoder: Encoder, progress: Progress) -> Index:
    """The search index of a city."""
    catalogue = catalogue_of(city)
    queries, uncovered = queries_of(city, catalogue), uncovered_of(city)
    weights = f"{encoder.name}:{_code_digest()}"
    mark = fingerprint(catalogue, queries, uncovered, weights)
    folder = index_folder(data_dir, city)
    index = load_index(folder, mark)
    if index is None:
        remembering = RememberingEncoder(encoder, weights, data_dir / "encoded")
        index = build_index(catalogue, queries, uncovered, remembering, progress)
        remembering.save()
        save_index(index, folder, mark)
    return index


def index_folder(data_dir: Path, city: City) -> Path:
    """Where the search index of a city lies."""
    return data_dir / "index" if city.home else data_dir / "index" / "cities" / city.key


def _code_digest() -> str:
    return _digest(Path(__file__).parents[1] / "knowledge" / name for name in CODE_FILES)


def _train_nlu(
    folder: Path, queries: Sequence[Query], catalogue: Catalogue, trainer: Trainer, progress: Progress
) -> None:
    situations = read_path_lines()
    safety = [*read_extra(), *((line.text, "list_services") for line in situations)]
    examples, demands = read_examples(), read_demands()
    progress("intents")
    intents = train_intents(examples, safety, queries, demands, catalogue, trainer)
    intents.save(folder / "intents.joblib")
    progress("safety")
    head = train_safety(examples, safety, queries, demands, catalogue, trainer)
    head.save(folder / "safety.joblib")
    progress("demands")
    for name, head in train_demand_heads(queries, catalogue, trainer).items():
        head.save(folder / f"{name}.joblib")
    progress("split")
    train_split(demands, queries, catalogue, trainer).save(folder / "split.joblib")
    progress("paths")
    train_paths(situations, queries, trainer).save(folder / "paths.joblib")


def _digest(files: object) -> str:
    digest = hashlib.sha256()
    for path in files:  # type: ignore[attr-defined]
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _mark(folder: Path) -> str | None:
    try:
        mark: str = json.loads((folder / "mark.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return mark
