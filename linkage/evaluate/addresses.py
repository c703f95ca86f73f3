"""Do two ways to write an address name the same dwelling?"""

import re
import unicodedata

NUMERALS = {sign: value for value, sign in enumerate("零一二三四五六七八九")} | {"〇": 0}
IN_WORDS = re.compile(r"[零〇一二三四五六七八九十]+(?=幢|号楼|栋|座|单元)")
ROAD = re.compile(r"([\u4e00-\u9fff]{2}[路街巷弄道]\d+号)")
COMMUNITY = re.compile(r"(?:街道|[镇乡])([\u4e00-\u9fff]{2,}?)社区")
HIGHER_LEVELS = re.compile(r"^.*(?:街道|社区|[省市区县镇乡])(?=[\u4e00-\u9fff]{2,}\d)")


def same_dwelling(written: str | None, truth: str | None) -> bool:
    """Whether ``written`` has the building, unit and room (or group and house) of ``truth``, and its estate or road.

    Wordings such as 3-2-501, 三号楼2单元501 and 3幢2单元501室 are one; higher levels of the address may be left out.
    A unit that only one of the two mentions does not count against it, nor does an estate named after its community.
    """
    if not written or not truth:
        return False
    a, b = _plain(written), _plain(truth)
    if a == b:
        return True
    ours, theirs = _tail(a), _tail(b)
    if not ours or not _numbers_agree(ours, theirs):
        return False
    places = ROAD.findall(b) + [name[:2] for name in _estate(b)]
    return any(place in a for place in places) or any(re.search(f"{c}(?!社区)", a) for c in COMMUNITY.findall(b))


def _plain(text: str) -> str:
    text = re.sub(r"\s", "", unicodedata.normalize("NFKC", text))
    text = IN_WORDS.sub(lambda match: str(_number(match[0])), text)
    return re.sub(r"号楼|栋|座", "幢", text)


def _number(words: str) -> int:
    tens, ten, ones = words.partition("十")
    if not ten:
        return int("".join(str(NUMERALS[sign]) for sign in words))
    return (NUMERALS[tens] if tens else 1) * 10 + (NUMERALS[ones] if ones else 0)


def _tail(text: str) -> tuple[int, ...]:
    """Numbers after the estate or village: building, unit, room; the number of a road is no part of them."""
    return tuple(int(number) for number in re.findall(r"\d+", ROAD.sub("", text)))


def _numbers_agree(ours: tuple[int, ...], theirs: tuple[int, ...]) -> bool:
    if ours == theirs:
        return True
    short, long = sorted((ours, theirs), key=len)
    return len(short) == 2 and len(long) == 3 and short == (long[0], long[2])


def _estate(text: str) -> list[str]:
    before = ROAD.sub("/", text).split("/")[-1]
    name = re.match(r"([\u4e00-\u9fff]+)\d", HIGHER_LEVELS.sub("", before))
    return [name[1]] if name else []
