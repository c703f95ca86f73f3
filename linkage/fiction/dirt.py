"""How records are damaged on their way into an export: rates are data, damage is seeded."""

from collections.abc import Callable
from importlib.resources import files
from random import Random

from linkage.kernel.config import ClosedModel, parse_yaml
from linkage.kernel.errors import ConfigurationError

PROFILES = ("clean", "default", "heavy")


class Dirt(ClosedModel):
    """Shares between 0 and 1; see ``data/dirt_default.yaml`` for what each means."""

    number_missing: dict[str, float]
    number_typo: float
    number_fifteen: float
    number_masked: float
    number_placeholder: float
    number_excel: float
    number_wrapped: float
    number_of_relative: float
    name_typo: float
    name_blank: float
    name_note: float
    name_dropped: float
    name_nickname: float
    separator_variant: float
    birth_missing: float
    birth_year_only: float
    birth_typo: float
    birth_swapped: float
    birth_filler: float
    sex_missing: float
    phone_missing: float
    phone_placeholder: float
    phone_several: float
    phone_changed: float
    address_alias: float
    address_truncated: float
    address_missing: float
    duplicate_rows: float
    broken_rows: float
    junk_rows: float
    newline_rows: float


def read_dirt(profile: str) -> Dirt:
    """The rates of a profile. Raises ConfigurationError if there is none of that name."""
    if profile not in PROFILES:
        raise ConfigurationError(f"There is no dirt profile {profile!r}.", remedy=f"Use one of {', '.join(PROFILES)}.")
    text = (files("linkage.fiction") / "data" / f"dirt_{profile}.yaml").read_text(encoding="utf-8")
    return Dirt.model_validate(parse_yaml(text))


SOUND_ALIKE = (
    "伟炜玮维", "杰洁捷婕", "婷停亭", "静敬靖境", "丽利莉俐", "强蔷", "军君均钧", "磊蕾垒", "涛韬", "明鸣铭", "超抄", "敏闽", "霞侠",
    "燕艳雁彦", "芳方", "英瑛莹颖", "华桦骅", "国帼", "建剑健键", "志智治致", "海亥", "波博勃", "宇雨语羽", "轩宣萱", "浩昊皓", "涵晗函",
    "梓子紫", "欣新心鑫馨", "怡宜仪", "佳嘉家加", "雪学", "玉钰育", "云芸耘", "红宏洪虹", "秀绣", "文雯纹", "林琳霖", "思斯丝", "诗施", "晨辰臣",
)  # fmt: skip
ALIKE = {char: group.replace(char, "") for group in SOUND_ALIKE for char in group}
SEPARATORS = "•・‧.。- "
PLACEHOLDER_NUMBERS = ("111111111111111111", "000000000000000000", "无", "999999999999999999", "330106000000000000")
PLACEHOLDER_PHONES = ("13800000000", "13000000000", "0", "无", "13800138000")


def damage_number(number: str, dirt: Dirt, rng: Random, *, relative: str | None, maskable: bool) -> str:
    """An identity number as a department wrote it down."""
    if not number:
        return ""
    damages: tuple[tuple[float, Callable[[], str]], ...] = (
        (dirt.number_typo, lambda: _typo(number, rng)),
        (
            dirt.number_fifteen,
            lambda: number[:6] + number[8:17] if len(number) == 18 and number[6:8] == "19" else number,
        ),
        (dirt.number_masked if maskable else 0.0, lambda: number[:4] + "*" * (len(number) - 8) + number[-4:]),
        (dirt.number_placeholder, lambda: rng.choice(PLACEHOLDER_NUMBERS)),
        (dirt.number_wrapped, lambda: _wrap(number, rng)),
        (dirt.number_of_relative if relative else 0.0, lambda: relative or number),
    )
    draw = rng.random()
    for rate, damage in damages:
        if draw < rate:
            return damage()
        draw -= rate
    return number


def _typo(number: str, rng: Random) -> str:
    place = rng.randrange(6, len(number) - 1)
    if rng.random() < 0.3:
        return number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    if rng.random() < 0.1:
        return number[:place] + number[place + 1 :]
    return (
        number[:place]
        + str((int(number[place]) + rng.randint(1, 9)) % 10 if number[place].isdigit() else 1)
        + number[place + 1 :]
    )


def _wrap(number: str, rng: Random) -> str:
    if number.endswith("X"):
        return number[:-1] + rng.choice(("Ｘ", "x", "*"))
    return rng.choice(
        (f"'{number}", f" {number}", f"{number}\t", f"{number[:6]} {number[6:14]} {number[14:]}", f"`{number}")
    )


def damage_name(name: str, dirt: Dirt, rng: Random, *, careful: bool) -> str:
    """A name as a department wrote it down; ``careful`` departments only pad it."""
    if "·" in name and rng.random() < dirt.separator_variant * (0.1 if careful else 1):
        name = name.replace("·", rng.choice(SEPARATORS))
    if rng.random() < dirt.name_blank * (0.1 if careful else 1):
        name = rng.choice((f" {name}", f"{name} ", f"{name}\u3000", f"{name[0]}\u3000{name[1:]}"))
    if careful or not "\u4e00" <= name.strip()[0] <= "\u9fff":
        return name
    draw = rng.random()
    if draw < dirt.name_typo:
        places = [i for i, char in enumerate(name) if char in ALIKE and i]
        if places:
            place = rng.choice(places)
            return name[:place] + rng.choice(ALIKE[name[place]]) + name[place + 1 :]
    elif draw < dirt.name_typo + dirt.name_note:
        return name + rng.choice(("(外婆)", "（租客）", "1", "（二女儿）"))
    elif draw < dirt.name_typo + dirt.name_note + dirt.name_dropped and len(name) == 3:
        return name[0] + name[2]
    elif draw < dirt.name_typo + dirt.name_note + dirt.name_dropped + dirt.name_nickname and "·" not in name:
        return rng.choice((f"老{name[0]}", f"{name[0]}师傅", f"{name[0]}阿姨"))
    return name


def damage_phone(phone: str, dirt: Dirt, rng: Random) -> str:
    """A telephone cell: missing, placeholder, several numbers, prefixes, dashes."""
    draw = rng.random()
    if draw < dirt.phone_missing or not phone:
        return ""
    if draw < dirt.phone_missing + dirt.phone_placeholder:
        return rng.choice(PLACEHOLDER_PHONES)
    if draw < dirt.phone_missing + dirt.phone_placeholder + dirt.phone_several:
        other = f"1{rng.choice('35789')}{rng.randrange(10**9):09d}"
        return rng.choice(
            (
                f"{phone}/{other}",
                f"{phone}、{other}",
                f"{phone};{other}",
                f"+86{phone}",
                f"{phone[:3]}-{phone[3:7]}-{phone[7:]}",
                f"{phone}(儿子)",
            )
        )
    return phone
