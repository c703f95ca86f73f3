"""GB/T 2260 divisions: names of codes, codes of names, and where an abolished code lives on.

A dissolved unit's code is never reused (行政区划代码管理办法, 2025): an old code in an export is followed to its
successor; where a unit was split among several the old code stays.
"""

from linkage.kernel.engine import Engine
from linkage.kernel.reference import reference_path

PACKAGE = "linkage.standardise"


def load_divisions(engine: Engine) -> None:
    """Make ``division_codes(code, current_code)`` and ``division_names(code, province, city, county)``."""
    parameters = {
        name: str(reference_path(name)) for name in ("gb2260_current", "gb2260_all_history", "gb2260_successor")
    }
    engine.run_sql(PACKAGE, "divisions", parameters)
