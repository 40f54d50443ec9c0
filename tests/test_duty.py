"""The duty list: it covers what it must, the most specific line wins, and what is wrong is named with its line."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cases.duty import DutyList, Matter, check_duty, difference, duty_of, missing_lines, read_duty
from bot.cases.units import Place, Units, duty_folder, read_units, units_of
from connectors.cli import app
from knowledge.catalogue import Kind
from knowledge.city import catalogue_of, city_in, find_city
from knowledge.yaml_file import ContentError

NANSHAN, YUEHAI = Place("南山区"), Place("南山区", "粤海街道")
FOLDER = duty_folder(find_city())
assert FOLDER is not None


@pytest.fixture(scope="module")
def duty() -> DutyList:
    return duty_of(find_city())


@pytest.fixture(scope="module")
def units() -> Units:
    return units_of(find_city())


def lead(duty: DutyList, matter: Matter, place: Place = NANSHAN, kind: str | None = None, text: str = "") -> str:
    line = duty.line(matter, place, kind, text)
    assert line is not None
    return line.lead


def test_every_name_and_every_item_has_a_line(duty: DutyList) -> None:
    catalogue = catalogue_of(find_city())
    assert missing_lines(duty, catalogue) == ()
    assert check_duty(find_city()) == ()
    assert len([one for one in catalogue if one.kind is Kind.DEMAND]) == 30
    assert len({line.subcategory for line in duty.lines if line.subcategory}) >= 113
    assert all(duty.line(Matter(category=one.zh), NANSHAN) for one in catalogue.categories)


def test_the_most_specific_line_wins(duty: DutyList) -> None:
    assert lead(duty, Matter("H06", None, "市容环卫")) == "TPB_D"
    assert lead(duty, Matter("H06"), text="车停在人行道上") == "UMB_D"
    assert lead(duty, Matter("H18"), Place("大鹏新区")) == "STREET"
    assert lead(duty, Matter("H18"), NANSHAN) == "PNRB_D"
    assert lead(duty, Matter(None, "车辆乱停放", "市容环卫")) == "TPB_D"
    assert lead(duty, Matter(None, None, "市容环卫")) == "UMB_D"
    assert lead(duty, Matter("H99", "车辆乱停放", "市容环卫")) == "TPB_D"
    assert duty.line(Matter(category="不存在"), NANSHAN) is None


def test_place_words_and_type_narrow_a_line(duty: DutyList, units: Units) -> None:
    assert lead(duty, Matter("H10"), NANSHAN, text="前海梦海大道塌了一块") == "QIANHAI"
    assert lead(duty, Matter("H10"), NANSHAN, text="前海路有个坑") == "TB_D"
    assert lead(duty, Matter("H10"), Place("宝安区"), text="前海梦海大道塌了一块") == "TB_D"
    assert lead(duty, Matter("H15"), text="The power is out in our block") == "POWER_CO"
    assert lead(duty, Matter("H15"), text="家里停水一天") == "WATER_CO"
    assert lead(duty, Matter(None, "劳动社保", "劳动社保"), kind="consult", text="社保怎么转") == "SIFA_D"
    assert lead(duty, Matter(None, "劳动社保", "劳动社保"), kind="complaint", text="公司不交社保") == "HRB_D"


def test_a_unit_of_a_place(units: Units) -> None:
    assert units.at("UMB_D", NANSHAN) == "UMB_D:南山区"
    assert units.at("STREET", YUEHAI) == "STREET:南山区/粤海街道"
    assert units.at("STREET", NANSHAN) is None
    assert units.nearest("STREET", NANSHAN) == "DISTRICT_GOV:南山区"
    assert units.nearest("STREET", Place()) == "HOTLINE"
    assert units.located(None, "粤海街道") == YUEHAI
    assert units.name("UMB_D:南山区").zh == "南山区城市管理和综合执法局"
    assert units.name("STREET:南山区/粤海街道").en == "Yuehai Subdistrict Office"
    assert units.name("DISTRICT_GOV:大鹏新区").zh == "大鹏新区管理委员会"
    every = list(units.every())
    assert len(every) == len(set(every)) and all(units.known(unit) for unit in every)
    assert all("{" not in units.name(unit).zh + units.name(unit).en for unit in every)
    for wrong in ("UMB_D", "UMB_D:北京", "STREET:南山区", "XX", "PSB:南山区"):
        assert not units.known(wrong)


def test_a_city_without_a_list_has_no_lines() -> None:
    other = find_city("shanghai")
    assert duty_of(other).lines == ()
    assert check_duty(other) == ()


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("X1,市容环卫,,,,,,,NOBODY,,STREET,name", "'NOBODY' is no unit"),
        ("X1,不存在,,,,,,,UMB_D,,STREET,name", "'不存在' is no first-level name"),
        ("X1,市容环卫,,H77,,,,,UMB_D,,STREET,name", "H77 is no item"),
        ("X1,市容环卫,,H08,,北区,,,UMB_D,,STREET,name", "北区 is no district"),
        ("X1,市容环卫,,H08,,南山区,民治街道,,UMB_D,,STREET,name", "民治街道 is no sub-district of 南山区"),
        ("X1,市容环卫,,H08,,,,(,UMB_D,,STREET,name", "words are not a pattern"),
        ("H08,市容环卫,,H08,,南山区,,,UMB_D,,STREET,name", "says again what line"),
        ("X1,市政设施,,H08,,,,,TB_D,,STREET,name", "says again what line"),
        ("X1,市容环卫,,H08,loud,,,,UMB_D,,STREET,name", "type is 'loud'"),
        ("X1,市容环卫,,H08,,,,,UMB_D,,STREET,hearsay", "basis is 'hearsay'"),
        ("X1,市容环卫,,H08", "not 12 columns"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, units: Units, row: str, problem: str) -> None:
    path = tmp_path / "duty.csv"
    text = (FOLDER / "duty.csv").read_text(encoding="utf-8")
    path.write_text(f"{text}{row}\n", encoding="utf-8")
    with pytest.raises(ContentError) as caught:
        read_duty(path, units, catalogue_of(find_city()))
    assert problem in str(caught.value)
    assert caught.value.line == len(text.splitlines()) + 1


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("umb,a,b,city,,desk", "is no key"),
        ("AB,a,,city,,desk", "both languages"),
        ("AB,a,b,moon,,desk", "level is 'moon'"),
        ("AB,a,b,city,,pigeon", "channel is 'pigeon'"),
        ("AB,{subdistrict}a,b,district,,desk", "a district unit has no"),
        ("AB,a,b,city,NOBODY,desk", "parent 'NOBODY'"),
    ],
)
def test_wrong_units_are_named(tmp_path: Path, row: str, problem: str) -> None:
    path = tmp_path / "units.csv"
    path.write_text(f"# units\nkey,zh,en,level,parent,channel\n{row}\n", encoding="utf-8")
    with pytest.raises(ContentError, match=problem) as caught:
        read_units(path, {"南山区": "Nanshan"})
    assert caught.value.line == 3


def test_the_version_and_the_difference(tmp_path: Path, duty: DutyList, units: Units) -> None:
    assert duty.version.startswith("2026-11-27-") and len(duty.version) == 19
    old = (FOLDER / "duty.csv").read_text(encoding="utf-8")
    lines = [line for line in old.splitlines() if not line.startswith("H29,")]
    path = tmp_path / "duty.csv"
    path.write_text(
        "\n".join(lines).replace("H08,市政设施,,H08,,,,,UMB_D,", "H08,市政设施,,H08,,,,,POWER_CO,"), "utf-8"
    )
    before = read_duty(path, units, catalogue_of(find_city()))
    assert before.version != duty.version
    told = {one.id: one.told() for one in difference(before, duty)}
    assert told == {"H08": "~ H08: lead POWER_CO -> UMB_D", "H29": "+ H29: lead UMB_D"}
    shown = CliRunner().invoke(app, ["duty", "diff", str(path)])
    assert shown.exit_code == 0 and "~ H08: lead POWER_CO -> UMB_D" in shown.output


def test_a_city_swaps_files(tmp_path: Path) -> None:
    """Another city's folder with its own two files is all it takes."""
    shutil.copytree(FOLDER.parent / "cities" / "shanghai", tmp_path, dirs_exist_ok=True)
    (tmp_path / "duty").mkdir()
    with (tmp_path / "duty" / "units.csv").open("w", encoding="utf-8", newline="") as lines:
        csv.writer(lines).writerows(
            [
                ["key", "zh", "en", "level", "parent", "channel"],
                ["UMB", "市绿化市容局", "City Bureau", "city", "", "desk"],
            ]
        )
    columns = next(row for row in (FOLDER / "duty.csv").read_text("utf-8").splitlines() if row.startswith("id,"))
    rows = ["# version: 2026-01-01", columns, "C05,市容环卫,,,,,,,UMB,,UMB,name"]
    (tmp_path / "duty" / "duty.csv").write_text("\n".join(rows), encoding="utf-8")
    city = city_in("elsewhere", (tmp_path,))
    own = duty_of(city)
    line = own.line(Matter(category="市容环卫"), Place())
    assert line is not None and own.units.at(line.lead, Place()) == "UMB"
    assert own.version.startswith("2026-01-01-")
    assert "no line for" in str(check_duty(city)[0])


def test_the_command_checks() -> None:
    shown = CliRunner().invoke(app, ["duty", "check"])
    assert shown.exit_code == 0, shown.output
    assert "lines" in shown.output and "no errors" in shown.output
