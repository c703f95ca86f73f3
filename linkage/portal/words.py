"""Words that many pages need: moments in the district's time, names of departments, roles, actions and purposes."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from linkage.portal.action_words import ACTIONS, OUTCOMES
from linkage.portal.desk import Desk
from linkage.portal.viewer import OFFICE
from linkage.report.page import SOURCES


def words_of(desk: Desk) -> dict[str, Callable[[Any], str]]:
    """The words in the request's language."""

    def local(moment: datetime | str | None) -> str:
        if moment is None:
            return "—"
        found = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
        aware = found if found.tzinfo else found.replace(tzinfo=UTC)
        return f"{aware.astimezone(desk.settings.zone):%Y-%m-%d %H:%M:%S}"

    def department(name: str) -> str:
        zh, en = SOURCES.get(name, (name, name)) if name != OFFICE else ("数据管理办公室", "data office")
        return str(desk.t(zh, en))

    def role_name(name: str) -> str:
        role = desk.settings.access.role(name)
        return str(desk.t(role.zh, role.en)) if role else name

    def action(name: str) -> str:
        zh, en = ACTIONS.get(name, (name, name))
        return str(desk.t(zh, en))

    def outcome(name: str) -> str:
        zh, en = OUTCOMES.get(name, (name, name))
        return str(desk.t(zh, en))

    def purpose_name(code: str | None) -> str:
        found = desk.settings.portal.purpose(code)
        return str(desk.t(found.zh, found.en)) if found else code or "—"

    return {
        "local": local,
        "department": department,
        "role_name": role_name,
        "action_name": action,
        "outcome_name": outcome,
        "purpose_name": purpose_name,
    }
