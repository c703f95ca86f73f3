"""GB/T 2260 divisions: where an abolished code lives on, names of codes, codes of names.

A dissolved unit's code is never reused (行政区划代码管理办法, 2025): an old code in an export is followed to its successor. Where a unit
was split among several, nobody can tell which part is meant: the old code stays, with a flag.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from linkage.kernel.engine import Engine
from linkage.kernel.reference import reference_path
from linkage.standardise.tables import create_text_table

PACKAGE = "linkage.standardise"
PROVINCE_ENDINGS = ("省", "市", "壮族自治区", "回族自治区", "维吾尔自治区", "自治区", "特别行政区")
CITY_ENDINGS = ("地区", "市", "盟")
# Written between two names, or in place of one, without saying anything.
FILLERS = ("市辖区", "省直辖县级行政区划", "自治区直辖县级行政区划")


def load_divisions(engine: Engine) -> None:
    """Make ``division_codes(code, current_code, name, is_split)`` and ``division_names(name, level, code)``.

    Every six-digit code since 1980 is a ``code``; ``is_split`` says that its successors are several and the old code stays.
    ``division_names`` has every name, present or former, with the code that counts today.
    """
    parameters = {name: str(reference_path(name)) for name in ("gb2260_all_history", "gb2260_successor")}
    engine.run_sql(PACKAGE, "divisions", parameters)


@dataclass(frozen=True)
class Division:
    """The divisions a text begins with; ``rest`` is what stands behind them.

    ``code`` is the county's (a city's, if it has no counties); null if there is none or several counties have the name.
    """

    province: str | None = None
    city: str | None = None
    county: str | None = None
    code: str | None = None
    rest: str = ""


@dataclass
class DivisionNames:
    """Names of divisions by level, each with the codes that it can mean."""

    provinces: dict[str, set[str]] = field(default_factory=dict)
    cities: dict[str, set[str]] = field(default_factory=dict)
    counties: dict[str, set[str]] = field(default_factory=dict)
    short_provinces: dict[str, set[str]] = field(default_factory=dict)
    short_cities: dict[str, set[str]] = field(default_factory=dict)
    city_codes_with_counties: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, rows: Iterable[tuple[str, str, str]]) -> "DivisionNames":
        """From (name, level, code)."""
        names = cls()
        by_level = {"province": names.provinces, "prefecture": names.cities, "county": names.counties}
        for name, level, code in rows:
            by_level[level].setdefault(name, set()).add(code)
            if level == "county" and not code.endswith("00"):  # 东莞县 became the city 441900
                names.city_codes_with_counties.add(code[:4])
        names.short_provinces = dict(_without(names.provinces, PROVINCE_ENDINGS))
        names.short_cities = dict(_without(names.cities, CITY_ENDINGS))
        return names

    def split(self, text: str) -> Division:
        """Read province, city and county from the left. A short name (浙江, 杭州) counts only before another division."""
        province, codes, rest = self._province(text)
        within = {code[:2] for code in codes}
        city, city_codes, rest = self._city(rest, within)
        county, county_codes, rest = self._county(rest, within, {code[:4] for code in city_codes})
        if county is None and len(city_codes) == 1:
            county_codes = {code for code in city_codes if code[:4] not in self.city_codes_with_counties}
        code = next(iter(county_codes)) if len(county_codes) == 1 else None
        return Division(province, city, county, code, rest)

    def _province(self, text: str) -> tuple[str | None, set[str], str]:
        name, codes, rest = longest(text, self.provinces)
        if name:
            while rest.startswith(name):
                rest = rest[len(name) :]
            return name, codes, without_filler(rest)
        name, codes, rest = longest(text, self.short_provinces)
        if name and self._goes_on(rest, {code[:2] for code in codes}):
            return self._full(codes, self.provinces), codes, rest
        return None, set(), text

    def _city(self, text: str, provinces: set[str]) -> tuple[str | None, set[str], str]:
        name, codes, rest = longest(text, self.cities, provinces)
        if name:
            while rest.startswith(name):
                rest = rest[len(name) :]
            return name, codes, without_filler(rest)
        name, codes, rest = longest(text, self.short_cities, provinces)
        if name and longest(rest, self.counties, {code[:4] for code in codes})[0]:
            return self._full(codes, self.cities), codes, rest
        return None, set(), text

    def _county(self, text: str, provinces: set[str], cities: set[str]) -> tuple[str | None, set[str], str]:
        # A county can have left its old city; it has hardly left its province.
        for within in (
            filter(None, (cities, provinces, {code[:2] for code in cities})) if cities or provinces else (None,)
        ):
            name, codes, rest = longest(text, self.counties, within)
            if name and not (name.endswith("市") and rest.startswith("场")):
                return name, codes, rest
        return None, set(), text

    def _goes_on(self, text: str, provinces: set[str]) -> bool:
        tables = (self.cities, self.short_cities, self.counties)
        return any(longest(text, names, provinces)[0] for names in tables)

    @staticmethod
    def _full(codes: set[str], names: dict[str, set[str]]) -> str | None:
        return min((name for name, own in names.items() if own & codes), default=None)


def longest(text: str, names: dict[str, set[str]], within: set[str] | None = None) -> tuple[str, set[str], str]:
    """The longest of ``names`` that ``text`` begins with, its codes that begin with one of ``within``, and the rest."""
    for length in range(min(len(text), 15), 1, -1):
        codes = names.get(text[:length])
        if codes and within:
            codes = {code for code in codes if code.startswith(tuple(within))}
        if codes:
            return text[:length], codes, text[length:]
    return "", set(), text


def without_filler(text: str) -> str:
    """``text`` without 市辖区 and the like in front."""
    for filler in FILLERS:
        if text.startswith(filler):
            return text[len(filler) :]
    return text


def _without(names: dict[str, set[str]], endings: tuple[str, ...]) -> Iterator[tuple[str, set[str]]]:
    for name, codes in names.items():
        ending = next((end for end in endings if name.endswith(end) and len(name) - len(end) >= 2), None)
        if ending:
            yield name.removesuffix(ending), codes


def split_divisions(engine: Engine, texts: str, made: str) -> None:
    """Table ``texts(text)`` -> temp table ``made(text, province, city, county, code, rest)``, one row per distinct text."""
    known = engine.con.execute("SELECT name, level, code FROM division_names ORDER BY ALL").fetchall()
    names = DivisionNames.of(known)
    rows = []
    for (text,) in engine.con.execute(f"SELECT DISTINCT text FROM {texts} WHERE text IS NOT NULL").fetchall():
        division = names.split(text)
        rows.append([text, division.province, division.city, division.county, division.code, division.rest])
    create_text_table(engine, made, ["text", "province", "city", "county", "code", "rest"], rows)
