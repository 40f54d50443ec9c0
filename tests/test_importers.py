"""Imports: formats, columns by any name, lint rules, codes that stay, resuming, bad and malicious files, export."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from typer.testing import CliRunner

from connectors.cli import app
from knowledge.catalogue import Catalogue, Confidence, Fact, Kind, Service, Text, read_catalogue
from knowledge.city import catalogue_of, find_city, new_catalogue
from knowledge.importers.columns import column, roles
from knowledge.importers.cpsv_export import write_csv, write_json_ld
from knowledge.importers.formats import Format
from knowledge.importers.importing import Import, Options, Summary
from knowledge.importers.lint import findings
from knowledge.importers.row import ImportFault
from knowledge.importers.wording import wording

OPTIONS = Options(Text("测试清单", "Test list"), "2026-11-01")
OPEN311 = Path(__file__).resolve().parents[2] / "shared/data/service_catalogues/sf311_open311_service_list.json"


def run(
    path: Path, folder: Path, options: Options = OPTIONS, progress: Callable[[int], None] = lambda row: None
) -> tuple[Summary, Catalogue]:
    """Import a file into a folder and read the catalogue that came out."""
    base = read_catalogue.__wrapped__(folder) if (folder / "items.jsonl").exists() else new_catalogue()
    done = Import(path, folder, base, options).run(progress)
    return done, read_catalogue.__wrapped__(folder)


def one(folder: Path, values: dict[str, Any]) -> Service:
    """The item that one JSON object becomes."""
    path = folder / "one.json"
    path.write_text(json.dumps([values], ensure_ascii=False), encoding="utf-8")
    _, catalogue = run(path, folder / "city")
    return next(iter(catalogue))


def problems(folder: Path) -> list[dict[str, str]]:
    with (folder / "errors.csv").open(encoding="utf-8", newline="") as rows:
        return list(csv.DictReader(rows))


def table(path: Path, *lines: list[str], encoding: str = "utf-8") -> Path:
    with path.open("w", encoding=encoding, newline="") as out:
        csv.writer(out).writerows(lines)
    return path


def test_columns_go_by_chinese_english_and_schema_names() -> None:
    for name in ("事项名称", "name", "task_name"):
        found = column(name)
        assert found and found.field == "name"
    found = column("事项名称（英文）")
    assert found and (found.field, found.language) == ("name", "en")
    found = column("name_zh")
    assert found and found.language == "zh"
    assert column("whatever") is None
    assert len(roles()) >= 60


def test_a_full_item_of_the_national_model(tmp_path: Path) -> None:
    item = one(
        tmp_path,
        {
            "事项名称": "高龄津贴给付",
            "基本编码": "442108219000",
            "实施编码": "11440300007542195T3442108219000",
            "事项类型": "05",
            "实施主体": "市民政局",
            "服务对象": "自然人",
            "受理条件": "1. 本市户籍；2. 年满80周岁",
            "申请材料": [{"name": "身份证", "format": "原件", "copies": 1}, "银行卡"],
            "承诺办结时限": "5",
            "承诺办结时限单位": "工作日",
            "是否收费": "否",
            "办理形式": "窗口;网上",
            "设定依据": "某条例第三条",
            "人生事件": "退休养老",
        },
    )
    assert item.name == Text(zh="高龄津贴给付")
    assert item.everyday_name == item.name and item.description is None
    assert item.code == "N0001" and item.life_events == ["retirement"]
    assert item.record is not None
    assert item.record.local_codes["implementation_code"] == "11440300007542195T3442108219000"
    assert item.record.details["item_type"] == "行政给付"
    assert item.record.details["legal_basis"] == "某条例第三条"
    facts = dict(item.facts())
    assert [text.zh for text in facts["eligibility"].items] == ["本市户籍", "年满80周岁"]
    assert [text.zh for text in facts["materials"].items] == ["身份证 (原件, 1)", "银行卡"]
    assert facts["time_limit"].items == [Text("承诺5个工作日", "Promised: 5 working days")]
    assert facts["fee"].items == [Text("不收费", "Free of charge")]
    assert facts["channels"].items == [Text("窗口", "Window"), Text("网上", "Online")]
    assert {fact.confidence for fact in facts.values()} == {Confidence.UNSOURCED}
    assert all(fact.sources == [item.record.source] for fact in facts.values())


def test_two_languages_are_paired(tmp_path: Path) -> None:
    item = one(
        tmp_path,
        {"name_zh": "护照", "name_en": "Passport", "materials_zh": "照片\n身份证", "materials_en": "Photo\nID card"},
    )
    assert item.name == Text("护照", "Passport")
    assert item.materials is not None
    assert item.materials.items == [Text("照片", "Photo"), Text("身份证", "ID card")]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"promised_limit": "5", "case_type": "即办件"}, "case_type"),
        ({"promised_limit": "0", "case_type": "承诺件"}, "case_type"),
        ({"outputs": "建设用地规划许可证", "output_type": "出文办结"}, "output_type"),
        ({"outputs": "准予备案通知文", "output_type": "出证办结"}, "output_type"),
        ({"outputs": "立项批复", "output_type": "出证办结"}, "output_type"),
        ({"visits": "2"}, "visit_reason"),
        ({"visits": "0", "visit_reason": "面签"}, "visit_reason"),
        ({"visits": "once"}, "visits"),
        ({"visits": "0", "online": "否", "postal": "否"}, "postal"),
        ({"visits": "1", "visit_reason": "面签", "online_depth": "全程网办"}, "visits"),
        ({"item_type": "99"}, "item_type"),
    ],
)
def test_each_lint_rule_finds_its_row(tmp_path: Path, fields: dict[str, str], field: str) -> None:
    assert [found for found, _ in findings(fields, wording())] == [field]
    path = tmp_path / "rows.json"
    path.write_text(
        json.dumps([{"name": "某事项", "department": "某局", **fields}], ensure_ascii=False), encoding="utf-8"
    )
    done, catalogue = run(path, tmp_path / "kept")
    assert (done.kept, done.refused, done.warnings) == (1, 0, 1) and len(catalogue) == 1
    assert [(row["row"], row["field"], row["level"]) for row in problems(tmp_path / "kept")] == [
        ("1", field, "warning")
    ]
    strict, nothing = run(path, tmp_path / "strict", Options(OPTIONS.title, OPTIONS.checked_on, strict=True))
    assert (strict.kept, strict.refused) == (0, 1) and len(nothing) == 0


def test_an_item_in_order_breaks_no_rule() -> None:
    fields = {
        "promised_limit": "5",
        "case_type": "承诺件",
        "outputs": "营业执照证",
        "output_type": "出证办结",
        "visits": "0",
        "visit_reason": "",
        "online": "是",
        "online_depth": "四级",
        "item_type": "01",
    }
    assert not list(findings(fields, wording()))


def test_codes_never_change_and_lists_live_side_by_side(tmp_path: Path) -> None:
    city = tmp_path / "city"
    head = ["事项名称", "实施编码"]
    _, first = run(table(tmp_path / "a.csv", head, ["甲", "c1"], ["乙", "c2"], ["丙", "c3"]), city)
    before = {str(item.name.zh): item.code for item in first}
    other = Options(Text("另一清单"), "2026-11-02")
    _, both = run(table(tmp_path / "b.csv", head, ["丁", "d1"]), city, other)
    assert len(both) == 4
    _, again = run(table(tmp_path / "a2.csv", head, ["戊", "c5"], ["丙改名", "c3"], ["甲", "c1"]), city)
    after = {str(item.name.zh): item.code for item in again}
    assert after["甲"] == before["甲"] and after["丙改名"] == before["丙"]
    assert after["戊"] not in before.values() and "乙" not in after and "丁" in after
    assert {source.title.zh for source in again.sources.values()} == {"测试清单", "另一清单"}


def rows(count: int) -> list[list[str]]:
    return [[f"事项{number}", f"code-{number}", f"部门{number % 7}"] for number in range(count)]


class Killed(Exception):
    """Stands for a process that was killed."""


def test_a_killed_import_goes_on_and_ends_the_same(tmp_path: Path) -> None:
    head = ["事项名称", "实施编码", "部门"]
    lines = rows(1300)
    lines[40][0] = ""
    lines[900] = list(lines[100])
    path = table(tmp_path / "list.csv", head, *lines)
    whole, _ = run(path, tmp_path / "whole")

    def kill(at: int) -> Callable[[int], None]:
        def progress(row: int) -> None:
            if row == at:
                raise Killed

        return progress

    for at in (3, 777, 1203):
        with pytest.raises(Killed):
            run(path, tmp_path / "broken", progress=kill(at))
    assert not (tmp_path / "broken" / "items.jsonl").exists()
    done, _ = run(path, tmp_path / "broken")
    assert done.resumed_after == 1000
    assert (done.kept, done.refused) == (whole.kept, whole.refused) == (1298, 2)
    names = sorted(file.name for file in (tmp_path / "whole").iterdir())
    assert names == sorted(file.name for file in (tmp_path / "broken").iterdir())
    for name in names:
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "broken" / name).read_bytes(), name


def test_a_changed_file_is_not_resumed(tmp_path: Path) -> None:
    head = ["事项名称", "实施编码", "部门"]
    path = table(tmp_path / "list.csv", head, *rows(700))

    def kill(row: int) -> None:
        if row == 600:
            raise Killed

    with pytest.raises(Killed):
        run(path, tmp_path / "city", progress=kill)
    done, catalogue = run(table(path, head, *rows(20)), tmp_path / "city")
    assert done.resumed_after == 0 and len(catalogue) == 20


def test_workbook_rows_and_formula_cells(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for line in (["事项名称", "承诺办结时限"], ["甲", 5], ['=HYPERLINK("http://x")', 1], ["乙", "=1+1"], [None, None]):
        sheet.append(line)
    book.save(tmp_path / "list.xlsx")
    done, catalogue = run(tmp_path / "list.xlsx", tmp_path / "city")
    assert (done.kept, done.refused) == (1, 2)
    assert next(iter(catalogue)).time_limit == Fact(
        Confidence.UNSOURCED, ["I001"], [Text("承诺5个工作日", "Promised: 5 working days")]
    )
    assert [row["row"] for row in problems(tmp_path / "city") if "formula" in row["problem"]] == ["3", "4"]


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8-sig", "utf-16"])
def test_other_encodings_are_read_and_told(tmp_path: Path, encoding: str) -> None:
    path = table(tmp_path / "list.csv", ["事项名称", "部门"], ["居住证办理", "市公安局"], encoding=encoding)
    done, catalogue = run(path, tmp_path / "city")
    assert done.encoding == encoding
    assert next(iter(catalogue)).name.zh == "居住证办理"


def test_bytes_of_no_encoding_are_refused(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes(b"name\n\xff\xff\xff\x00\x81\n")
    with pytest.raises(ImportFault, match="neither"):
        run(tmp_path / "list.csv", tmp_path / "city")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv", "", "empty"),
        ("a.csv", "事项名称,事项名称\n甲,乙\n", "twice"),
        ("a.csv", '事项名称\n"甲\n', "line"),
        ("a.json", "{}", "no list"),
        ("a.json", "[{", "no JSON"),
        ("a.xlsx", "no workbook", "no workbook"),
        ("a.doc", "x", "read are"),
        ("a.xml", '<!DOCTYPE x [<!ENTITY a "b">]><services>&a;</services>', "no plain XML"),
        ("a.jsonld", '{"@context": "http://10.0.0.1/context", "@id": "urn:x"}', "fetched"),
        ("a.jsonld", '{"@context": {"@import": "http://10.0.0.1/"}, "@id": "urn:x"}', "imports"),
        ("a.jsonld", '{"@context": {}, "@graph": []}', "no cpsv:PublicService"),
        ("a.ttl", "<a", "no Turtle"),
    ],
)
def test_a_broken_file_says_what_is_wrong(tmp_path: Path, name: str, content: str, told: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(ImportFault, match=told):
        run(tmp_path / name, tmp_path / "city")


def test_huge_and_odd_rows_are_refused_alone(tmp_path: Path) -> None:
    lines = [["甲", "局"], ["x" * 30_000, "局"], ["", "局"], ["乙", "局", "zu viel"], ["丙" * 301, "局"], ["丁", "局"]]
    done, catalogue = run(table(tmp_path / "list.csv", ["事项名称", "部门"], *lines), tmp_path / "city")
    assert [item.name.zh for item in catalogue] == ["甲", "丁"]
    assert done.refused == 4
    assert [row["row"] for row in problems(tmp_path / "city")] == ["3", "4", "5", "6"]
    path = tmp_path / "list.jsonl"
    deep = "[" * 100_000
    path.write_text(
        f'{{"name": "甲"}}\nno json\n[1]\n{deep}\n{{"name": {{"a": 1}}, "materials": {{"items": [{{}}]}}}}\n', "utf-8"
    )
    done, catalogue = run(path, tmp_path / "lines")
    assert done.kept == 1 and done.refused == 4


def test_json_lists_in_an_envelope(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(
        '{"code": 0, "data": {"items": [{"task_name": "甲"}, {"task_name": "乙"}]}}', "utf-8"
    )
    done, catalogue = run(tmp_path / "a.json", tmp_path / "city")
    assert done.kept == 2 == len(catalogue)


def test_open311_services_become_things_to_report(tmp_path: Path) -> None:
    listed = [
        {
            "service_code": "1",
            "service_name": "Pothole",
            "description": "A hole",
            "keywords": "hole, road",
            "group": "Street",
        }
    ]
    (tmp_path / "a.json").write_text(json.dumps([*listed, {"service_name": "no code"}]), encoding="utf-8")
    done, catalogue = run(tmp_path / "a.json", tmp_path / "city")
    item = next(iter(catalogue))
    assert done.format is Format.OPEN311 and (done.kept, done.refused) == (1, 1)
    assert item.kind is Kind.DEMAND and item.name == Text(en="Pothole") and item.aliases.en == ["hole", "road"]
    assert item.record and item.record.local_codes == {"local_code": "1"}
    assert catalogue.groups[item.group] == Text(en="Street")
    xml = "<services><service><service_code>7</service_code><service_name>Graffiti</service_name></service></services>"
    (tmp_path / "a.xml").write_text(xml, encoding="utf-8")
    _, catalogue = run(tmp_path / "a.xml", tmp_path / "xml")
    assert [item.name.en for item in catalogue] == ["Graffiti"]


@pytest.mark.skipif(not OPEN311.exists(), reason="the shared data are not here")
def test_a_real_open311_list(tmp_path: Path) -> None:
    done, catalogue = run(OPEN311, tmp_path / "city")
    assert done.refused == 0 and len(catalogue) == done.kept > 20


def told(item: Service, catalogue: Catalogue) -> dict[str, Any]:
    """What an export has to bring back of an item, without what belongs to our own keys."""
    return {
        "code": item.code,
        "kind": item.kind,
        "texts": [item.name, item.everyday_name, item.description, item.agency_note, item.must_capture],
        "aliases": [set(item.aliases.zh), set(item.aliases.en), set(item.aliases.yue)],
        "audience": set(item.audience),
        "agency": catalogue.agency_name(item),
        "group": catalogue.groups[item.group],
        "events": {
            catalogue.life_events[key].zh for key in item.life_events if "深圳" not in catalogue.life_events[key].zh
        },
        "facts": {name: (fact.confidence, fact.items) for name, fact in item.facts()},
        "category": item.category,
    }


def test_cpsv_export_and_import_bring_everything_back(tmp_path: Path) -> None:
    ours = read_catalogue()
    path = tmp_path / "ours.jsonld"
    with path.open("w", encoding="utf-8") as out:
        write_json_ld(ours, "shenzhen", out)
    done, again = run(path, tmp_path / "city")
    assert done.format is Format.CPSV and (done.kept, done.refused) == (len(ours), 0)
    for item in ours:
        assert told(again[item.code], again) == told(item, ours), item.code


def test_csv_export_and_import(tmp_path: Path) -> None:
    ours = read_catalogue()
    path = tmp_path / "ours.csv"
    with path.open("w", encoding="utf-8", newline="") as out:
        write_csv(ours, out)
    done, again = run(path, tmp_path / "city")
    assert done.refused == 0 and len(again) == len(ours)
    for item in ours:
        assert again[item.code].name == item.name and again[item.code].description == item.description


def test_an_export_holds_no_cell_that_a_spreadsheet_runs(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps([{"name": "@深圳热线", "aliases": "-x"}]), encoding="utf-8")
    _, catalogue = run(tmp_path / "a.json", tmp_path / "city")
    with (tmp_path / "out.csv").open("w", encoding="utf-8", newline="") as out:
        write_csv(catalogue, out)
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as lines:
        cells = [cell for line in csv.reader(lines) for cell in line]
    assert "'@深圳热线" in cells and not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    _, again = run(tmp_path / "out.csv", tmp_path / "again")
    assert next(iter(again)).name.zh == "@深圳热线"


def test_foreign_cpsv_in_turtle(tmp_path: Path) -> None:
    (tmp_path / "a.ttl").write_text(
        """@prefix cpsv: <http://purl.org/vocab/cpsv#> . @prefix dct: <http://purl.org/dc/terms/> .
        @prefix cv: <http://data.europa.eu/m8g/> . @prefix skos: <http://www.w3.org/2004/02/skos/core#> .
        <https://example.org/s/1> a cpsv:PublicService ; dct:identifier "BP-1" ; dct:title "Building permit"@en ;
          dct:description "Permission to build"@en ; cv:hasCompetentAuthority <https://example.org/o/1> ;
          cv:hasChannel [ dct:description "Counter"@en ] .
        <https://example.org/o/1> skos:prefLabel "Town hall"@en .""",
        encoding="utf-8",
    )
    _, catalogue = run(tmp_path / "a.ttl", tmp_path / "city")
    item = next(iter(catalogue))
    assert item.name == Text(en="Building permit") and item.record
    assert item.record.local_codes == {"local_code": "BP-1"}
    assert catalogue.agency_name(item) == Text(en="Town hall")
    assert item.channels and item.channels.items == [Text(en="Counter")]


def test_the_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHENGDA_DATA_DIR", str(tmp_path / "data"))
    path = table(tmp_path / "list.csv", ["事项名称", "部门"], ["居住证办理", "市公安局"], ["", "市公安局"])
    arguments = ["import", str(path), "--city", "testcity", "--name", "测试市/Testville", "--source-title", "清单/List"]
    dry = CliRunner().invoke(app, [*arguments, "--dry-run"])
    assert dry.exit_code == 1 and "3,name,error,is missing" in dry.output
    assert not (tmp_path / "data").exists()
    real = CliRunner().invoke(app, arguments)
    assert real.exit_code == 1
    city = find_city("testcity", tmp_path / "data")
    assert city.profile.name == Text("测试市", "Testville")
    catalogue = catalogue_of(city)
    assert catalogue["N0001"].name.zh == "居住证办理" and "H01" in catalogue
    out = tmp_path / "out.jsonld"
    exported = CliRunner().invoke(app, ["export", "--city", "testcity", "--out", str(out)])
    assert exported.exit_code == 0
    assert "居住证办理" in out.read_text(encoding="utf-8")
