"""The evaluation as one HTML page that needs no network: tables, charts, and a comparison with another run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot.calibration import (
    calibration_error,
    confusions,
    coverage,
    latencies,
    latency_classes,
    matrix,
    reliability,
)
from bot.records import LANGUAGES, Record
from bot.run_file import Run
from connectors.evaluation import charts
from knowledge.catalogue import Catalogue
from knowledge.figures import Difference, Figure, Interval

MOST_CONFUSED = 25
ACCURACY = "accuracy@1"
RELIABILITY_FROM, COVERAGE_FROM = 0.0, 80.0
UNDERSTANDING = ("intents", "safety", "openings", "two demands")
WORDS = {
    "accuracy@1": "首位正确率",
    "recall@3": "前三召回率",
    "recall@5": "前五召回率",
    "MRR": "平均倒数排名",
    "answered": "直接作答",
    "consistent": "中英一致",
    "both right": "两句都对",
    "share": "比例",
    "accuracy": "正确率",
    "all": "全部",
    "style": "说法",
    "group": "类别",
    "search": "检索",
    "pairs": "中英对照",
    "intents": "意图",
    "safety": "险情",
    "openings": "首句",
    "two demands": "一句两诉求",
    "caught": "给出求救号码",
    "alarmed": "当作险情处理",
    "named rightly": "类型正确",
    "false alarms": "误报（低为好）",
    "false cautions": "多余提醒（低为好）",
    "outcome right": "结果正确",
    "found": "分出",
    "false splits": "误拆（低为好）",
    "encoder": "编码器",
    "model": "模型",
    "data": "学习数据",
    "eval": "评测数据",
}


@dataclass(frozen=True)
class Line:
    """A row of a table of figures."""

    zh: str
    en: str
    count: int
    cells: tuple[Interval | None, ...]


@dataclass(frozen=True)
class FigureTable:
    """Figures with one column a measure."""

    measures: tuple[str, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class BothLanguages:
    """A chart with its words in Chinese and in English."""

    zh: str
    en: str


def render_page(
    run: Run,
    figures: Sequence[Figure],
    regressions: Sequence[str],
    catalogue: Catalogue,
    old: Run | None = None,
    differences: Sequence[Difference] = (),
) -> str:
    """The page."""
    of = {part: [record for record in run.records if record.part == part] for part in ("search", "pairs", "openings")}
    intents = [record for record in run.records if record.part == "intents"]
    template = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    ).get_template("page.html")
    return template.render(
        run=run,
        old=old,
        words=WORDS,
        regressions=regressions,
        differences=differences,
        tables={
            "search": figure_table([figure for figure in figures if figure.part == "search"]),
            "pairs": figure_table([figure for figure in figures if figure.part == "pairs"]),
            "understanding": _measures_as_rows([figure for figure in figures if figure.part in UNDERSTANDING]),
        },
        charts=_charts(figures, of["search"], intents, differences),
        errors={
            f"{name} {language}": calibration_error([r for r in records if r.language == language])
            for name, records in (("search", of["search"]), ("intents", intents))
            for language in LANGUAGES
        },
        parted=[record for record in of["pairs"] if len(set(record.found)) > 1],
        intents=matrix(intents),
        outcomes=matrix(of["openings"]),
        services=[
            (_named(right, catalogue), _named(found, catalogue), count)
            for right, found, count in confusions(of["search"])[:MOST_CONFUSED]
        ],
        latency=latencies(of["search"]),
    )


def figure_table(figures: Sequence[Figure]) -> FigureTable:
    """One row a group, one column a measure, in the order of the figures."""
    measures = tuple(dict.fromkeys(figure.measure for figure in figures))
    lines = []
    for group in dict.fromkeys(figure.group for figure in figures):
        own = {figure.measure: figure for figure in figures if figure.group == group}
        count = len({key for figure in own.values() for key in figure.values})
        cells = tuple(own[measure].interval() if measure in own else None for measure in measures)
        lines.append(Line(_in_chinese(group), group, count, cells))
    return FigureTable(measures, tuple(lines))


def _measures_as_rows(figures: Sequence[Figure]) -> FigureTable:
    """One row a figure, for measures that share no groups."""
    lines = []
    for figure in figures:
        zh = f"{_in_chinese(figure.part)}·{_in_chinese(figure.measure)} {figure.group}"
        en = f"{figure.part}: {figure.measure} {figure.group}"
        lines.append(Line(zh, en, len(figure.values), (figure.interval(),)))
    return FigureTable(("share",), tuple(lines))


def _in_chinese(name: str) -> str:
    """A name with its first word, or all of it, in Chinese."""
    first, _, rest = name.partition(" ")
    return WORDS.get(name) or f"{WORDS.get(first, first)} {rest}".strip()


def _named(code: str, catalogue: Catalogue) -> str:
    if code not in catalogue:
        return code
    name = catalogue[code].everyday_name
    return f"{code} {name.zh} {name.en}"


def _charts(
    figures: Sequence[Figure],
    search: Sequence[Record],
    intents: Sequence[Record],
    differences: Sequence[Difference],
) -> dict[str, BothLanguages]:
    """All charts of the page."""
    in_search = [figure for figure in figures if figure.part == "search"]
    by_language = {language: [r for r in search if r.language == language] for language in LANGUAGES}
    headline = [one for one in differences if one.figure.headline]
    classes = latency_classes(search)[0]

    def grouped(prefix: str) -> tuple[list[str], dict[str, list[Interval | None]]]:
        own = [figure for figure in in_search if figure.measure == ACCURACY and figure.group.startswith(prefix)]
        return [f.group.removeprefix(prefix) for f in own], {ACCURACY: [f.interval() for f in own]}

    measures = [m for m in dict.fromkeys(figure.measure for figure in in_search) if m != "answered"]
    languages: dict[str, list[Interval | None]] = {
        language: [_interval(in_search, language, measure) for measure in measures] for language in LANGUAGES
    }
    return {
        "languages": _both(lambda t: charts.bars(t("按语言", "By language"), "%", measures, languages)),
        "styles": _both(lambda t: charts.bars(t("首位正确率，按说法", "Accuracy@1 by style"), "%", *grouped("style "))),
        "groups": _both(lambda t: charts.bars(t("首位正确率，按类别", "Accuracy@1 by group"), "%", *grouped("group "))),
        "reliability": _both(lambda t: _reliability_chart(t, t("检索", "Search"), by_language)),
        "intent_reliability": _both(
            lambda t: _reliability_chart(
                t, t("意图", "Intents"), {lang: [r for r in intents if r.language == lang] for lang in LANGUAGES}
            )
        ),
        "coverage": _both(
            lambda t: charts.curves(
                t("检索：覆盖率与正确率", "Search: coverage against accuracy"),
                t("作答的比例 %", "answered %"),
                t("其中正确 %", "right among them %"),
                {language: coverage(records) for language, records in by_language.items()},
                low=COVERAGE_FROM,
            )
        ),
        "latency": _both(
            lambda t: charts.columns(
                t("理解与检索耗时", "Time to read and search"),
                t("毫秒", "milliseconds"),
                t("条数", "questions"),
                classes,
                {language: latency_classes(records)[1] for language, records in by_language.items()},
            )
        ),
        "gains": _both(
            lambda t: charts.gains(
                t("主要指标之差（本次减对照）", "Headline differences (new less old)"),
                t("百分点", "points"),
                [one.figure.name for one in headline],
                [one.gain for one in headline],
            )
        ),
    }


Words = Callable[[str, str], str]


def _both(draw: Callable[[Words], str]) -> BothLanguages:
    """A chart drawn twice; `draw` is given a function that picks the words."""
    return BothLanguages(draw(lambda zh, en: zh), draw(lambda zh, en: en))


def _reliability_chart(t: Words, name: str, by_language: dict[str, list[Record]]) -> str:
    return charts.curves(
        f"{name}: {t('把握与正确率', 'belief against truth')}",
        t("把握 %", "belief %"),
        t("正确 %", "right %"),
        {language: reliability(records) for language, records in by_language.items()},
        ideal=t("理想", "ideal"),
        low=RELIABILITY_FROM,
    )


def _interval(figures: Sequence[Figure], group: str, measure: str) -> Interval | None:
    return next((f.interval() for f in figures if f.group == group and f.measure == measure), None)
