"""What explanations and previews tell of others: persons who live with somebody, were kept out, or would become one with somebody."""

import re
from collections.abc import Collection, Sequence

from linkage.portal.desk import Desk

PERSON_ID = re.compile("P[0-9A-HJKMNP-TV-Z]{16}")


def told_of(desk: Desk, text: str) -> str:
    """``text`` without the lines that name a person whom the viewer may not see; everybody who is still named is put on record."""
    lines = text.split("\n")
    view = desk.view("persons")
    if view.who != "true":
        named = sorted({person for line in lines for person in PERSON_ID.findall(line)})
        seen = set(view.ids(desk.register.con, named))
        kept = [line for line in lines if seen.issuperset(PERSON_ID.findall(line))]
        if len(kept) < len(lines):
            kept += [
                "",
                str(
                    desk.t(
                        "涉及您权限范围以外人员的内容未显示。", "What is about persons outside your rights is left out."
                    )
                ),
            ]
        lines = kept
    desk.persons |= {person for line in lines for person in PERSON_ID.findall(line)}
    return "\n".join(lines)


def told_sentences(desk: Desk, sentences: Sequence[tuple[str, str]], persons: Collection[str]) -> list[tuple[str, str]]:
    """``sentences`` (Chinese, English) without the ids of those of ``persons`` whom the viewer may not see; the others that are named are put
    on record."""
    view = desk.view("persons")
    seen = set(persons) if view.who == "true" else set(view.ids(desk.register.con, sorted(persons)))
    hidden = set(persons) - seen

    def shown(text: str, instead: str) -> str:
        return PERSON_ID.sub(lambda found: instead if found[0] in hidden else found[0], text)

    desk.persons |= {person for zh, _ in sentences for person in PERSON_ID.findall(zh)} & seen
    return [(shown(zh, "范围外的一人"), shown(en, "a person outside your area")) for zh, en in sentences]
