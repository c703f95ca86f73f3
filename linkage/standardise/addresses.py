"""Addresses into elements (GB/T 39609-2020: division, street, community, road and number, estate, building, unit, room).

Distinct texts are parsed once. What one writing leaves out is learned from the others of the same night: which estate stands
at a road and number, which names mean the same estate, in which street an estate lies, which unit has a room. Every such rule
takes the majority of all records, so the order of input does not matter, and leaves a doubt as a doubt.
"""

from linkage.kernel.engine import Engine
from linkage.standardise.divisions import load_divisions
from linkage.standardise.tables import create_text_table

PACKAGE = "linkage.standardise"
DIGITS = "〇一二三四五六七八九"
MAJORITY = 0.6  # share of records that must agree before one name stands for another


def parse_addresses(engine: Engine) -> None:
    """``address_inputs`` -> ``parsed_addresses``: one row per input row, elements null where unknown.

    ``dwelling_key`` is street|estate|building|unit|room, or village|group|number; two records have the same key only
    if they name the same room. ``building_key`` leaves unit and room out.
    """
    load_divisions(engine)
    create_text_table(engine, "chinese_numbers", ["text", "digits"], chinese_numbers())
    for step in ("address_texts", "address_elements", "address_estates", "parsed_addresses"):
        engine.run_sql(PACKAGE, step, {"majority": MAJORITY})


def chinese_numbers() -> list[list[str | None]]:
    """Chinese numerals 1 to 99 as written on buildings, and the digits themselves."""
    rows: list[list[str | None]] = []
    for number in range(1, 100):
        tens, ones = divmod(number, 10)
        text = ("" if tens <= 1 else DIGITS[tens]) + ("十" if tens else "") + (DIGITS[ones] if ones else "")
        rows.append([text, str(number)])
    return rows
