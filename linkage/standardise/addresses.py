"""Addresses into elements (GB/T 39609-2020: division, street, community, road and number, estate, building, unit, room).

Distinct texts are parsed once. What one writing leaves out is learned from the others of the same night: which estate stands
at a road and number, which names mean the same estate, in which street an estate lies, which unit has a room. Every such rule
counts records and breaks ties by name, so the order of input does not matter, and a doubt stays a doubt: no key.
"""

import re
from dataclasses import dataclass

from linkage.kernel.engine import Engine
from linkage.standardise.address_aliases import AddressAliases
from linkage.standardise.divisions import load_divisions, split_divisions
from linkage.standardise.tables import create_text_table
from linkage.standardise.vocabulary import missing_words

PACKAGE = "linkage.standardise"
DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "○": 0, "两": 2}
# A Han numeral before the sign of an element; 一号路 is a name.
NUMERAL = re.compile(
    r"([〇零○一二三四五六七八九十百]+)(?=幢|栋|座|单元|室|村民小组|小组|组|社(?!区)|队|层|楼|弄|号(?![路街桥巷]))"
)


@dataclass(frozen=True)
class Learning:
    """How sure the night must be before it says what a writing means. Shares of records."""

    majority: float = 0.6
    """Share of the records at one place that must use a name for it to be the place's name."""
    sure: float = 0.95
    """Share of a name's records that must mean one estate for the others to mean it too."""
    few: float = 0.1
    """Share of a building's records below which its units are slips: it has none."""
    known_rooms: float = 0.6
    """Share of a building's units times rooms that must be known before a room seen in one unit only is taken to be in no other."""
    building_digits: int = 18
    """Leading characters of a dwelling code that are its building's: 6 county, 3 street, 3 community, 2 grid, 4 building."""


def parse_addresses(engine: Engine, aliases: AddressAliases | None = None, learning: Learning | None = None) -> None:
    """``address_inputs`` -> ``parsed_addresses``: one row per input row, elements null where unknown.

    ``dwelling_key`` is street|estate|building|unit|room, county|road and number|building|unit|room where no estate is known, or
    county|town|village|group|number. Two records have the same key only if they name the same room: it is null while the estate
    or the unit is in doubt. The unit in it is empty where buildings have no units. ``building_key`` ends with the building.
    """
    load_divisions(engine)
    load_names(engine, aliases or AddressAliases())
    parameters = vars(learning or Learning())
    for step in ("address_macros", "address_texts"):
        engine.run_sql(PACKAGE, step, parameters)
    convert_numerals(engine)
    engine.run_sql(PACKAGE, "address_heads")
    split_divisions(engine, "address_heads", "head_divisions")
    split_divisions(engine, "address_columns", "column_divisions")
    for step in (
        "address_elements",
        "address_rows",
        "address_sites",
        "address_named",
        "address_dwellings",
        "parsed_addresses",
    ):
        engine.run_sql(PACKAGE, step, parameters)


def load_names(engine: Engine, aliases: AddressAliases) -> None:
    """Small tables that the SQL looks up."""
    create_text_table(engine, "steward_estates", ["alias", "street", "estate"], aliases.estate_rows())
    create_text_table(engine, "steward_roads", ["old_road", "road"], aliases.road_rows())
    create_text_table(engine, "address_missing_words", ["word"], [[word] for word in sorted(missing_words())])


def convert_numerals(engine: Engine) -> None:
    """``address_numerals(text)`` -> ``arabic_numerals(text, arabic)``."""
    texts = engine.con.execute("SELECT text FROM address_numerals").fetchall()
    create_text_table(engine, "arabic_numerals", ["text", "arabic"], [[text, with_digits(text)] for (text,) in texts])


def with_digits(text: str) -> str:
    """``新金都小区十号楼`` -> ``新金都小区10号楼``; numerals that belong to a name stay."""
    return NUMERAL.sub(lambda found: number_of(found[1]), text)


def number_of(numeral: str) -> str:
    """``十二`` -> ``12``, ``一百零三`` -> ``103``, ``三〇一`` -> ``301``; what is no number stays."""
    if not set(numeral) & set("十百"):
        return "".join(str(DIGITS[char]) for char in numeral)
    match = re.fullmatch(
        r"(?:([一二三四五六七八九])?百)?[零〇]?(?:([一二三四五六七八九])?(十))?([一二三四五六七八九])?", numeral
    )
    if not match:
        return numeral
    hundreds = (DIGITS[match[1]] if match[1] else 1) if "百" in numeral else 0
    tens = (DIGITS[match[2]] if match[2] else 1) if match[3] else 0
    return str(100 * hundreds + 10 * tens + (DIGITS[match[4]] if match[4] else 0))
