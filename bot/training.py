"""Building what the engine needs from the content: catalogue index, NLU and demand heads."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.cases.boundaries import CONNECTOR_FILE
from bot.cases.demand_heads import HEADS, read_demands, rows_of, train_demand_heads
from bot.cases.letters import read_letters
from bot.cases.split import SplitJudge, load_judge
from bot.cases.split_examples import CONTINUATION_FILE, train_split
from bot.errors import StaleModels
from bot.model_folder import ModelFolder
from bot.nlu.intents import NLU_FILES, read_examples, train_intents
from bot.nlu.paths import read_path_lines, train_paths
from bot.nlu.safety import read_border, read_extra, train_safety
from bot.nlu.said import COMMANDS_FILE
from knowledge.catalogue import Catalogue, read_catalogue
from knowledge.city import City, catalogue_of, find_city, queries_of, strangers_of
from knowledge.encoder import Encoder, load_encoder
from knowledge.facts import FactRows, fact_texts
from knowledge.index import MAX_HEAD_CLASSES, Index, build_index, fingerprint, load_index, save_index
from knowledge.learned import learned_of
from knowledge.linear_head import LinearHead, load_head
from knowledge.queries import NLU_DATA, Query, read_strangers, read_training_queries
from knowledge.search_encoder import search_encoder
from knowledge.trainer import RememberingEncoder, Trainer

Progress = Callable[[str], None]
STEPS = ("encoder", "texts", "vectors", "words", "head", "intents", "safety", "demands", "split", "paths")
CODE_FILES = (
    "linear_head.py",
    "fitting.py",
    "words.py",
    "pinyin.py",
    "normal.py",
    "index.py",
    "encoder.py",
    "transformer.py",
    "pieces.py",
    "vocabulary.py",
    "models/static/config.json",
    "models/transformer/config.json",
)
NLU_CODE = (
    "nlu/intents.py",
    "nlu/paths.py",
    "nlu/safety.py",
    "cases/boundaries.py",
    "cases/demand_heads.py",
    "cases/letters.py",
    "cases/split.py",
    "cases/split_signs.py",
    "cases/split_examples.py",
)


@dataclass(frozen=True)
class Models:
    """Everything trained, ready to serve a city; `parts` are the names of its parts in the model folder."""

    city: City
    catalogue: Catalogue
    encoder: Encoder
    index: Index
    intents: LinearHead
    safety: LinearHead
    demands: dict[str, LinearHead]
    split: SplitJudge
    paths: LinearHead
    facts: FactRows | None = None
    parts: tuple[str, ...] = ()


def load_or_train(
    data_dir: Path,
    encoder_name: str,
    progress: Progress = lambda step: None,
    city: City | None = None,
    learned_dir: Path | None = None,
    train: bool = True,
) -> Models:
    """The models of the data folder, built anew where content or code changed since, and pointed to as those in use.

    Understanding is trained on the home city's language data and serves every city; search has an index a city.
    `learned_dir` is the folder of accepted lines, `learned` in the data folder when not given. Without `train`,
    raises StaleModels where something would have to be built.
    """
    city = city or find_city()
    learned_dir = learned_dir or data_dir / "learned"
    progress("encoder")
    encoder = load_encoder(encoder_name)
    folder = ModelFolder(data_dir)
    whole, index, searched = _index(city, learned_dir, data_dir, encoder, progress, train)
    learned = learned_of(find_city(), learned_dir)
    catalogue = learned.added_to(read_catalogue())
    shipped = read_training_queries()
    queries = (*shipped, *learned.queries_for(catalogue))
    weights = f"{encoder.name}:{_code_digest()}"
    mark = fingerprint(catalogue, queries, (*read_strangers(), *learned.strangers()), weights)
    own_code = (Path(__file__).parent / name for name in NLU_CODE)
    data = [
        *(NLU_DATA / name for name in NLU_FILES),
        *sorted(NLU_DATA.glob("*.csv")),
        *sorted(NLU_DATA.glob("demands_*.jsonl")),
        CONNECTOR_FILE,
        CONTINUATION_FILE,
        COMMANDS_FILE,
    ]
    understood = folder.part("nlu", hashlib.sha256((mark + _digest([*data, *own_code])).encode()).hexdigest())
    if not understood.exists():
        _refuse_unless(train)
        with folder.making(understood) as fresh:
            trainer = Trainer(RememberingEncoder(encoder, weights, data_dir / "encoded"), data_dir / "heads")
            _train_nlu(fresh, queries, shipped, catalogue, trainer, progress)
            trainer.close()
    demands = {name: load_head(understood / f"{name}.joblib") for name in HEADS}
    intents, safety, paths = (load_head(understood / f"{name}.joblib") for name in ("intents", "safety", "paths"))
    judge = load_judge(understood / "split.joblib")
    facts, told = _facts(whole, f"{city.key}:{weights}", folder, encoder, train)
    if train:
        folder.point_to(searched, understood, *told)
    parts = tuple(part.name for part in (searched, understood, *told))
    return Models(city, whole, encoder, index, intents, safety, demands, judge, paths, facts, parts)


def _facts(
    catalogue: Catalogue, weights: str, folder: ModelFolder, encoder: Encoder, train: bool
) -> tuple[FactRows | None, tuple[Path, ...]]:
    """The encoded facts of a catalogue and where they stand; none of thousands of items, which would take minutes."""
    texts = fact_texts(catalogue) if len(catalogue) <= MAX_HEAD_CLASSES else []
    if not texts:
        return None, ()
    part = folder.part("facts", hashlib.sha256("\n".join((weights, *texts)).encode()).hexdigest())
    if not part.exists():
        _refuse_unless(train)
        with folder.making(part) as fresh:
            FactRows.of(texts, encoder).save(fresh)
    return FactRows.load(part), (part,)


def _index(
    city: City, learned_dir: Path, data_dir: Path, encoder: Encoder, progress: Progress, train: bool
) -> tuple[Catalogue, Index, Path]:
    """The catalogue of a city with what was taught, its search index, and where that stands."""
    learned = learned_of(city, learned_dir)
    catalogue = learned.added_to(catalogue_of(city))
    queries = (*queries_of(city, catalogue), *learned.queries_for(catalogue))
    strangers = (*strangers_of(city), *learned.strangers())
    encoder = search_encoder(catalogue, len(queries), encoder)
    weights = f"{encoder.name}:{_code_digest()}"
    mark = fingerprint(catalogue, queries, strangers, weights)
    folder = ModelFolder(data_dir)
    part = folder.part("index" if city.home else f"index_{city.key}", mark)
    index = load_index(part, mark)
    if index is None:
        _refuse_unless(train)
        with folder.making(part) as fresh:
            remembering = RememberingEncoder(encoder, weights, data_dir / "encoded")
            index = build_index(catalogue, queries, strangers, remembering, progress)
            remembering.save()
            save_index(index, fresh, mark)
    return catalogue, index, part


def _refuse_unless(train: bool) -> None:
    if not train:
        raise StaleModels("the content changed since the models were trained; run `chengda train`")


def _code_digest() -> str:
    return _digest(Path(__file__).parents[1] / "knowledge" / name for name in CODE_FILES)


def _train_nlu(
    folder: Path,
    queries: Sequence[Query],
    shipped: Sequence[Query],
    catalogue: Catalogue,
    trainer: Trainer,
    progress: Progress,
) -> None:
    """Train every head; sentences that editors taught ask for services, so only the intents learn from them."""
    situations = read_path_lines()
    safety = [*read_extra(), *((line.text, "list_services") for line in situations)]
    examples, demands = read_examples(), read_demands()
    progress("intents")
    intents = train_intents(examples, safety, queries, demands, catalogue, trainer)
    intents.save(folder / "intents.joblib")
    progress("safety")
    own = read_catalogue()
    head = train_safety(examples, [*safety, *read_border()], shipped, demands, own, trainer)
    head.save(folder / "safety.joblib")
    progress("demands")
    letters = read_letters()
    for name, head in train_demand_heads([*demands, *rows_of(letters)], shipped, own, trainer).items():
        head.save(folder / f"{name}.joblib")
    progress("split")
    train_split(demands, letters, shipped, own, trainer).save(folder / "split.joblib")
    progress("paths")
    train_paths(situations, shipped, trainer).save(folder / "paths.joblib")


def _digest(files: object) -> str:
    digest = hashlib.sha256()
    for path in files:  # type: ignore[attr-defined]
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
