"""The fictional district: the departments' layouts, the same bytes from the same seed, rows that stay, truth for every row."""

import csv
import hashlib
import io
from datetime import date
from pathlib import Path

import duckdb
import pytest

from linkage.fiction.district import generate
from linkage.fiction.people import WEIGHTS
from linkage.kernel.errors import ConfigurationError

# As the departments deliver them.
HEADERS = {
    "police/户籍常住人口_20260302.csv": "人员编号,户号,公民身份号码,姓名,曾用名,性别,民族,出生日期,与户主关系,婚姻状况,户籍地址,户类型,所属派出所,联系电话,人员状态,迁入日期,更新时间",
    "police/流动人口登记_20260302.csv": "登记编号,证件类型,证件号码,姓名,性别,民族,出生日期,户籍地区划代码,户籍地详址,现住区县,现住街道,现住详址,居住事由,联系电话,登记日期,居住证号,注销日期,更新时间",
    "health/居民健康档案_20260302.csv": "档案编号,姓名,性别,出生日期,证件类型,证件号码,民族,户籍地址,现住省,现住市,现住区县,现住街道,现住社区,现住详址,本人电话,联系人姓名,联系人电话,家庭档案号,户主姓名,与户主关系,母亲姓名,母亲证件号,建档机构,建档日期,档案状态,更新日期",
}  # fmt: skip


def decode(path: Path) -> str:
    data = path.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("gb18030" if not data.startswith(b"\xef\xbb\xbf") else "utf-8-sig", errors="replace")


def hashes(folder: Path) -> dict[str, str]:
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*.*"))
    }


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("district")
    generate(800, 2, 4, folder)
    return folder


@pytest.mark.parametrize("name", sorted(HEADERS))
def test_layouts(district: Path, name: str) -> None:
    assert decode(district / "night=2026-03-02" / name).splitlines()[0] == HEADERS[name]


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(district: Path, tmp_path: Path) -> None:
    generate(800, 2, 4, tmp_path / "same")
    assert hashes(tmp_path / "same") == hashes(district)
    generate(800, 1, 5, tmp_path / "other")
    assert hashes(tmp_path / "other").items().isdisjoint(hashes(district).items())


def test_most_rows_are_the_same_bytes_the_next_night(district: Path) -> None:
    for table in ("police/户籍常住人口", "health/居民健康档案"):
        first, second = (
            set((district / f"night={day}" / f"{table}_{day.replace('-', '')}.csv").read_bytes().splitlines())
            for day in ("2026-03-02", "2026-03-03")
        )
        assert first != second
        assert len(first & second) > 0.97 * len(first)


def test_the_truth_knows_every_record(district: Path) -> None:
    for day in ("2026-03-02", "2026-03-03"):
        truth = district / "truth" / f"night={day}"
        known = {r[0] for r in duckdb.sql(f"SELECT record_id FROM '{truth}/records.parquet'").fetchall()}
        for name in ("police/户籍常住人口", "police/流动人口登记", "health/居民健康档案"):
            rows = list(
                csv.reader(io.StringIO(decode(district / f"night={day}" / f"{name}_{day.replace('-', '')}.csv")))
            )
            assert {row[0] for row in rows[1:] if len(row) == len(rows[0])} <= known
        assert not duckdb.sql(
            f"SELECT * FROM '{truth}/records.parquet' WHERE true_person_id NOT IN (SELECT true_person_id FROM '{truth}/persons.parquet')"
        ).fetchall()


@pytest.mark.slow
def test_who_lives_in_one_dwelling_is_one_household(tmp_path: Path) -> None:
    """Also in a district so large that the dwellings nearly run out."""
    generate(20_000, 1, 9, tmp_path)
    shared = duckdb.sql(
        f"""SELECT house_code FROM read_parquet('{tmp_path}/truth/*/persons.parquet')
        WHERE actual_household_id <> '' AND house_code <> '' GROUP BY house_code HAVING count(DISTINCT actual_household_id) > 1"""
    ).fetchall()
    assert shared == []


def test_every_true_number_is_valid_and_fits_its_person(district: Path) -> None:
    rows = duckdb.sql(
        f"SELECT id_no, dob, sex FROM '{district}/truth/night=2026-03-02/persons.parquet' WHERE id_no[1] NOT IN ('8', '9')"
    ).fetchall()
    assert len(rows) > 700
    for number, born, sex in rows:
        assert number[17] == "10X98765432"[sum(int(d) * w for d, w in zip(number[:17], WEIGHTS, strict=True)) % 11]
        assert number[6:14] == f"{born:%Y%m%d}"
        assert (int(number[16]) % 2 == 1) == (sex == "男")


def test_dirt_profiles(tmp_path: Path) -> None:
    missing = {}
    for profile in ("clean", "default", "heavy"):
        generate(600, 1, 9, tmp_path / profile, dirt=profile)
        rows = list(
            csv.reader(
                io.StringIO(decode(tmp_path / profile / "night=2026-03-02" / "health/居民健康档案_20260302.csv"))
            )
        )
        missing[profile] = sum(row[5] == "" for row in rows[1:] if len(row) == 26) / len(rows)
    assert missing["clean"] < 0.01 < 0.1 < missing["default"] < missing["heavy"]


def test_an_unknown_profile_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="spotless"):
        generate(100, 1, 1, tmp_path, dirt="spotless", first_night=date(2026, 3, 2))
