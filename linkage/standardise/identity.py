"""Identity numbers: the documents they belong to, and how far each can be trusted (grades A to X).

The rules stand in ``sql/identity_macros.sql`` and ``sql/parsed_identities.sql``; here are the tables they look into.
"""

from datetime import date

from linkage.kernel.engine import Engine
from linkage.kernel.reference import reference_rows
from linkage.standardise.tables import create_text_table
from linkage.standardise.vocabulary import placeholder_numbers

PACKAGE = "linkage.standardise"


def parse_identities(engine: Engine, night: date) -> None:
    """Grade every row of ``identity_inputs(text, from_number_cell, declared_kind)`` into ``parsed_identities``.

    ``text`` is the cell as it came (never null), ``from_number_cell`` says that a spreadsheet held it as a number,
    ``declared_kind`` is the document kind the department states (a value of ``identity_kind``) or null.
    """
    create_text_table(engine, "placeholder_numbers", ["number"], [[n] for n in placeholder_numbers()])
    areas = [[row["code"]] for row in reference_rows("gb2260_all_history")]
    create_text_table(engine, "known_areas", ["code"], areas)
    countries = [[row["numeric3"], row["alpha3"]] for row in reference_rows("gb2659_country")]
    create_text_table(engine, "known_countries", ["numeric3", "alpha3"], countries)
    engine.run_sql(PACKAGE, "identity_macros")
    engine.run_sql(PACKAGE, "parsed_identities", {"night": night})
