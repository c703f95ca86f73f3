"""Who sees a number in part must not find the rest by trying.

A masked number shows its first three and last four characters, and the birth date may be shown beside it: what is left can be tried out. All such
tries have something in common, the birth date in the number or its end, so fruitless ones are counted by that: for a department, over some days,
each number once. Every route that answers differently when a number fits counts here: search, verification, match call.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from linkage.kernel.database import open_database
from linkage.kernel.state_tables import fruitless_tries_table
from linkage.portal import clock
from linkage.portal.desk import Desk, Refused

TRIES = fruitless_tries_table.c
RESIDENT_NUMBER_LENGTH = 18
BIRTH = slice(6, 14)
SHOWN_AT_FRONT, SHOWN_AT_END = 3, 4
HASH_LENGTH = 40


@dataclass
class Try:
    """One number that is tried; ``fits``: somebody was found by it, so it was no guess."""

    fits: bool = False


def in_common(number: str) -> tuple[str, ...]:
    """What stays the same while somebody tries the rest of ``number`` (in its one spelling)."""
    ends = f"{number[:SHOWN_AT_FRONT]} {number[-SHOWN_AT_END:]}"
    if len(number) != RESIDENT_NUMBER_LENGTH:
        return (ends,)
    return (f"born {number[BIRTH]}", f"ends {number[-SHOWN_AT_END:]}")


@contextmanager
def counted(desk: Desk, numbers: tuple[str, ...]) -> Iterator[Try]:
    """Count ``numbers`` as tried by the viewer's department, and count them no more should one fit.

    They are counted beforehand, so that many tries at once do not slip through. Raises Refused when too many were fruitless.
    """
    this = Try()
    if not numbers:
        yield this
        return
    rows = [row for number in numbers for row in _rows(desk, number)]
    limits = desk.settings.portal.guessing
    since = clock.moment().date() - timedelta(days=limits.days - 1)
    _insert(desk, rows)
    if _most_tries(desk, {row["tried"] for row in rows}, since) > limits.fruitless_tries:
        desk.details |= {"limit": "fruitless_tries"}
        raise Refused(
            429,
            f"{limits.days} 天内，与此号码出生日期或尾号相同的号码已有 {limits.fruitless_tries} 个查无此人，为防试猜，不再按号码查询；请核对证件原件，或按姓名与出生日期查找。",
            f"Within {limits.days} days {limits.fruitless_tries} numbers with this birth date or ending fitted nobody; to keep numbers from being guessed no "
            "more are tried. Check the paper, or search by name and birth date.",
        )
    try:
        yield this
    finally:
        if this.fits:
            _forget(desk, rows)


def _rows(desk: Desk, number: str) -> list[dict[str, object]]:
    """Rows of the table for one number: keyed hashes, for what is in common is as personal as the number."""
    keyed, who = desk.settings.audit.keyed_hash, desk.who.department
    day, value = clock.moment().date(), keyed(f"tried:{who}:{number}")[:HASH_LENGTH]
    return [
        {"tried": keyed(f"in common:{who}:{part}")[:HASH_LENGTH], "value_hash": value, "day": day}
        for part in in_common(number)
    ]


def _insert(desk: Desk, rows: list[dict[str, object]]) -> None:
    while True:
        try:
            with open_database(desk.settings.state).begin() as connection:
                for row in rows:
                    same = (TRIES.tried == row["tried"]) & (TRIES.value_hash == row["value_hash"])
                    again = sa.update(fruitless_tries_table).where(same).values(day=row["day"])
                    if connection.execute(again).rowcount == 0:
                        connection.execute(sa.insert(fruitless_tries_table), row)
            return
        except sa.exc.IntegrityError:
            continue  # another request tried the same number at the same moment: it counts once


def _most_tries(desk: Desk, tried: set[object], since: object) -> int:
    query = (
        sa.select(sa.func.count())
        .where(TRIES.tried.in_(sorted(map(str, tried))), TRIES.day >= since)
        .group_by(TRIES.tried)
        .order_by(sa.func.count().desc())
        .limit(1)
    )
    with open_database(desk.settings.state).connect() as connection:
        return int(connection.execute(query).scalar() or 0)


def _forget(desk: Desk, rows: list[dict[str, object]]) -> None:
    values = {str(row["value_hash"]) for row in rows}
    with open_database(desk.settings.state).begin() as connection:
        connection.execute(sa.delete(fruitless_tries_table).where(TRIES.value_hash.in_(sorted(values))))
