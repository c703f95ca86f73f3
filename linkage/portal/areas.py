"""The areas that the register knows: streets, communities and grids. Names of places, no residents' data."""

from linkage.kernel.engine import quote_name
from linkage.kernel.errors import ConfigurationError
from linkage.portal.accounts import check_area
from linkage.portal.desk import Desk
from linkage.portal.viewer import AREA_COLUMNS


def known_areas(desk: Desk) -> dict[str, list[str]]:
    """Level -> names, of the current release; empty before the first one."""
    if desk.settings.state.current_release() is None:
        return {}
    found = {}
    for level, column in AREA_COLUMNS.items():
        if column is not None:
            name = quote_name(column)
            rows = desk.register.rows(
                f"SELECT DISTINCT {name} AS name FROM persons WHERE {name} IS NOT NULL ORDER BY 1"
            )
            found[level] = [str(row["name"]) for row in rows]
    return found


def parse_area(desk: Desk, level: str, name: str) -> tuple[str, str]:
    """Level and name of an area as it was filled in. Raises ConfigurationError when the register knows no such area: a mistyped name would
    show nothing, and nobody would know why."""
    area = (level, name.strip() if level != "district" else "")
    check_area(*area)
    known = known_areas(desk)
    if known and level != "district" and area[1] not in known[level]:
        raise ConfigurationError(
            f"总库中没有这个区域：{area[1]}。The register knows no such {level}.", remedy="Choose a name of the list."
        )
    return area
