"""What a searcher typed, read by the rules that read the departments' records: ``linkage/standardise``."""

import re
import threading
from datetime import date
from functools import cache

from linkage.kernel.engine import Engine
from linkage.standardise.addresses import with_digits
from linkage.standardise.dates import parse_dates
from linkage.standardise.identity import parse_identities
from linkage.standardise.names import parse_name
from linkage.standardise.phones import parse_phones
from linkage.standardise.tables import create_text_table
from linkage.standardise.vocabulary import missing_words

PACKAGE = "linkage.standardise"
# What is written plainly needs no rule; the rules take ten times as long as all the rest of a look-up. (Tests hold the two together.)
PLAIN_NUMBER = re.compile(r"[0-9]{17}[0-9Xx]")
PLAIN_PHONE = re.compile(r"1[3-9][0-9]{9}")
PLAIN_DAY = re.compile(r"(?:19|20)[0-9]{6}|(?:19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}")
CHECK_WEIGHTS, CHECK_CHARACTERS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2), "10X98765432"
PRECISIONS = {"day": "%Y-%m-%d", "month": "%Y-%m-01", "year": "%Y-01-01"}


class Reader:
    """One small engine that keeps the tables of the rules; safe for threads, one text at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._engine = Engine(threads=1, memory_limit="256MB")
        self._night = date.min
        create_text_table(self._engine, "address_missing_words", ["word"], [[word] for word in sorted(missing_words())])

    def number(self, text: str, night: date) -> str | None:
        """An identity number in its one spelling (18 characters, upper case); None when it is none that can be looked up."""
        plain = re.sub(r"\s", "", text).upper()
        if PLAIN_NUMBER.fullmatch(plain):
            return plain if _check_holds(plain) else None
        with self._lock:
            self._ready(night)
            self._inputs("identity_inputs", "false AS from_number_cell, CAST(NULL AS VARCHAR) AS declared_kind", text)
            self._engine.run_sql(PACKAGE, "parsed_identities", {"night": night})
            number = self._engine.scalar("SELECT number FROM parsed_identities")
            return str(number) if number else None

    def phones(self, text: str) -> tuple[str, ...]:
        """Usable telephone numbers in ``text``."""
        plain = re.sub(r"[\s-]", "", text)
        if PLAIN_PHONE.fullmatch(plain):
            return (plain,)
        with self._lock:
            self._inputs("phone_inputs", "", text)
            parse_phones(self._engine)
            return tuple(self._engine.scalar("SELECT phones FROM parsed_phones"))

    def birth_date(self, text: str, night: date) -> tuple[date, str] | None:
        """The day and how precise it is (day, month, year); None when there is no such day."""
        if PLAIN_DAY.fullmatch(text.strip()):
            try:
                return date.fromisoformat(text.strip()), "day"
            except ValueError:
                return None
        with self._lock:
            self._ready(night)
            self._inputs("date_inputs", "false AS from_number_cell, 'auto' AS format", text)
            self._engine.run_sql(PACKAGE, "parsed_dates", {"night": night})
            rows = self._engine.rows("SELECT day, fineness FROM parsed_dates WHERE day IS NOT NULL AND problem IS NULL")
            return (rows[0]["day"], rows[0]["fineness"]) if rows else None

    def address_parts(self, text: str) -> tuple[str, ...]:
        """Parts of an address, cut at blanks, in half-width characters and Arabic digits."""
        with self._lock:
            found = []
            for part in text.replace("\u3000", " ").split():
                self._inputs("address_inputs", "", part)
                self._engine.run_sql(PACKAGE, "address_texts")
                cleaned = self._engine.scalar("SELECT cleaned FROM address_texts")
                found.append(with_digits(str(cleaned or "")))
            return tuple(part for part in found if part)

    def _inputs(self, table: str, more: str, text: str) -> None:
        columns = f"$text AS text{', ' + more if more else ''}"
        self._engine.con.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT {columns}", {"text": text.strip()})

    def _ready(self, night: date) -> None:
        """Load what the rules for numbers and dates look into."""
        if self._night == date.min:
            self._inputs("identity_inputs", "false AS from_number_cell, CAST(NULL AS VARCHAR) AS declared_kind", "")
            self._inputs("date_inputs", "false AS from_number_cell, 'auto' AS format", "")
            parse_identities(self._engine, night)
            parse_dates(self._engine, night)
            self._night = night


@cache
def reader() -> Reader:
    """The reader of this process."""
    return Reader()


def _check_holds(number: str) -> bool:
    """GB 11643-1999: the 18th character checks the 17 before it."""
    total = sum(weight * int(digit) for weight, digit in zip(CHECK_WEIGHTS, number[:17], strict=True))
    return CHECK_CHARACTERS[total % 11] == number[17]


def name_key(text: str) -> str | None:
    """What a name is matched on: variants and traditional characters folded, no separators."""
    return parse_name(text.strip()).name_key or None


def birth_values(day: date, precision: str) -> tuple[str, ...]:
    """How departments may have given a birth date that fits: the day itself, or its month or year alone."""
    known = {"day": ("day", "month", "year"), "month": ("month", "year"), "year": ("year",)}[precision]
    return tuple(f"{day.strftime(PRECISIONS[name])} {name}" for name in known)


def own_number(text: str) -> str:
    """A department's own number (household, dwelling): blanks and apostrophes away, full-width digits folded."""
    return re.sub(r"[\s'`]", "", text.translate(str.maketrans("０１２３４５６７８９－　", "0123456789- ")))
