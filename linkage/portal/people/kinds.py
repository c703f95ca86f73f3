"""What persons can be looked up by."""

from dataclasses import dataclass
from typing import Literal, get_args

SearchKind = Literal["number", "name", "phone", "address", "dwelling", "household", "person", "record"]
SEARCH_KINDS: tuple[SearchKind, ...] = get_args(SearchKind)


@dataclass(frozen=True)
class Kind:
    """One way to look a person up. ``fields``: golden fields of which the viewer must see at least one."""

    kind: SearchKind
    zh: str
    en: str
    hint_zh: str
    hint_en: str
    fields: tuple[str, ...]


KINDS = (
    Kind(
        "number", "证件号码", "Identity number",
        "18 位或 15 位，大小写、空格不限；也可输护照、通行证号码", "18 or 15 digits, any spelling; passports and permits too",
        ("identity_number",),
    ),
    Kind(
        "name", "姓名", "Name",
        "可加出生日期；繁体、间隔号不限，曾用名也能查到", "With the birth date if known; former names are found too",
        ("full_name", "former_name"),
    ),
    Kind("phone", "电话", "Phone", "手机或带区号的固定电话；旧号码也能查到", "Mobile or landline with area code; old numbers are found too", ("phone",)),
    Kind(
        "address", "地址", "Address",
        "至少 4 个字，可用空格分开几段，如：银杏名苑12幢 303", "At least 4 characters; parts may be separated by blanks",
        ("residence_address", "hukou_address"),
    ),
    Kind("dwelling", "房屋编码", "Dwelling code", "实有房屋编码，完整输入", "The whole code of the real-housing base", ("dwelling_code",)),
    Kind(
        "household", "户号或家庭编号", "Household number or id",
        "户口簿户号，或以 H 开头的家庭编号", "Number in the household book, or an id beginning with H",
        ("household_number", "person_id"),
    ),
    Kind("person", "人员编号", "Person id", "以 P 开头；已停用的编号会引到继任编号", "Begins with P; retired ids lead to their successors", ("person_id",)),
    Kind("record", "部门记录号", "Department record", "来源:记录号，如 police:1234", "source:record number, e.g. police:1234", ("person_id",)),
)  # fmt: skip


def kind_named(name: str) -> Kind:
    """The kind of this name (one of SEARCH_KINDS)."""
    return next(kind for kind in KINDS if kind.kind == name)
