"""Names: display, matching key, sound, kind."""

import re
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.kernel.engine import Engine
from linkage.standardise.characters import reading_table, toneless
from linkage.standardise.names import parse_name, parse_names

SHOWN_AND_MATCHED = [
    # name, as it came, full_name, name_key, kind
    ("plain", "李建敏", "李建敏", "李建敏", "ordinary"),
    ("tab in front", "\t程阿珠", "程阿珠", "程阿珠", "ordinary"),
    ("ideographic blank behind", "沈莎婷　", "沈莎婷", "沈莎婷", "ordinary"),
    ("no-break blank", "\u00a0沈莎婷", "沈莎婷", "沈莎婷", "ordinary"),
    ("zero-width", "朱\u200b元\ufeff璋", "朱元璋", "朱元璋", "ordinary"),
    ("blank inside", "黄 梓月", "黄梓月", "黄梓月", "ordinary"),
    ("ideographic blank inside", "王　元", "王元", "王元", "ordinary"),
    ("blank behind a compound surname", "诸葛 江松", "诸葛江松", "诸葛江松", "ordinary"),
    ("number behind", "李英珏2", "李英珏", "李英珏", "ordinary"),
    ("circled number behind", "李英珏②", "李英珏", "李英珏", "ordinary"),
    ("mark behind", "陈红霞*", "陈红霞", "陈红霞", "ordinary"),
    ("mark behind two characters", "谢晨*", "谢晨", "谢晨", "ordinary"),
    ("traditional", "張學友", "張學友", "张学友", "ordinary"),
    ("variant", "王堃", "王堃", "王坤", "ordinary"),
    ("Japanese form", "渡邉", "渡邉", "渡边", "ordinary"),
    ("compatibility ideograph", "\uf9d1一", "\uf9d1一", "六一", "ordinary"),
    ("rare character", "于晓𬘓", "于晓𬘓", "于晓𬘓", "ordinary"),
    ("private use, known", "吴婉\ue863", "吴婉䶮", "吴婉䶮", "ordinary"),
    ("private use, unknown", "李\ue123明", "李\ue123明", "李?明", "ordinary"),
    ("white square", "李□明", "李?明", "李?明", "ordinary"),
    ("geta mark", "李〓", "李?", "李?", "ordinary"),
    ("question mark", "唐宇?", "唐宇?", "唐宇?", "ordinary"),
    ("full-width question mark", "唐宇？", "唐宇?", "唐宇?", "ordinary"),
    ("description in brackets", "张(王炎)明", "张?明", "张?明", "ordinary"),
    ("description at the end", "张（王炎）", "张?", "张?", "ordinary"),
    ("pinyin for a character", "王xiao明", "王?明", "王?明", "ordinary"),
    ("middle dot", "阿迪力·司马义", "阿迪力·司马义", "阿迪力司马义", "minority"),
    ("bullet", "阿迪力•司马义", "阿迪力·司马义", "阿迪力司马义", "minority"),
    ("katakana dot", "阿迪力・司马义", "阿迪力·司马义", "阿迪力司马义", "minority"),
    ("half-width katakana dot", "阿迪力･司马义", "阿迪力·司马义", "阿迪力司马义", "minority"),
    ("hyphenation point", "阿迪力‧司马义", "阿迪力·司马义", "阿迪力司马义", "minority"),
    ("bullet operator", "阿迪力∙司马义", "阿迪力·司马义", "阿迪力司马义", "minority"),
    ("full-width full stop", "阿迪力．司马义", "阿迪力·司马义", "阿迪力司马义", "minority"),
    ("full stop", "阿迪力.司马义", "阿迪力·司马义", "阿迪力司马义", "minority"),
    ("ideographic full stop", "阿迪力。司马义", "阿迪力·司马义", "阿迪力司马义", "minority"),
    ("hyphen", "阿迪力-司马义", "阿迪力·司马义", "阿迪力司马义", "minority"),
    ("lost separator", "阿迪力?司马义", "阿迪力·司马义", "阿迪力司马义", "minority"),
    ("blank for the separator", "阿迪力 司马义", "阿迪力·司马义", "阿迪力司马义", "minority"),
    ("short parts, blank", "吉尔 尔布", "吉尔·尔布", "吉尔尔布", "minority"),
    ("no separator left", "阿迪力司马义", "阿迪力司马义", "阿迪力司马义", "minority"),
    ("three parts", "阿不都·热合曼·买买提", "阿不都·热合曼·买买提", "阿不都热合曼买买提", "minority"),
    ("Latin, passport", "SHARMA VIJAY", "SHARMA VIJAY", "SHARMAVIJAY", "latin"),
    ("Latin, comma", "SHARMA,VIJAY", "SHARMA, VIJAY", "SHARMAVIJAY", "latin"),
    ("Latin, Western order", "Vijay Sharma", "Vijay Sharma", "SHARMAVIJAY", "latin"),
    ("Latin, full-width", "ＬＩＵ", "LIU", "LIU", "latin"),
    ("Latin, accents", "José Peña", "José Peña", "JOSEPENA", "latin"),
    ("Latin, LÜ is LYU", "LÜ BU", "LÜ BU", "BULYU", "latin"),
    ("Latin, LV is LYU", "LV BU", "LV BU", "BULYU", "latin"),
    ("masked", "张*", "张*", "张*", "masked"),
    ("masked, two stars", "张**", "张**", "张*", "masked"),
    ("masked, compound surname", "欧阳*", "欧阳*", "欧阳*", "masked"),
    ("masked in the middle", "张*明", "张*明", "张*明", "masked"),
    ("masked with X", "张××", "张××", "张*", "masked"),
    ("masked with 某", "张某某", "张某某", "张*", "masked"),
    ("newborn of somebody", "陈某之子", "陈某之子", "陈某之子", "newborn_placeholder"),
    ("newborn of a named mother", "马悦玲之女", "马悦玲之女", "马悦玲之女", "newborn_placeholder"),
    ("newborn, minority mother", "阿苦·尔洛之子", "阿苦·尔洛之子", "阿苦尔洛之子", "newborn_placeholder"),
    ("second child of", "王丽之次子", "王丽之次子", "王丽之次子", "newborn_placeholder"),
    ("baby of", "王丽婴儿", "王丽婴儿", "王丽婴儿", "newborn_placeholder"),
    ("newborn", "新生儿", "新生儿", "新生儿", "newborn_placeholder"),
    ("not named yet", "未取名", "未取名", "未取名", "newborn_placeholder"),
    ("nameless", "无名氏", "无名氏", "无名氏", "newborn_placeholder"),
    ("pet name", "沈宝宝", "沈宝宝", "沈宝宝", "infant_name"),
    ("little treasure", "张小宝", "张小宝", "张小宝", "infant_name"),
    ("baby as a name", "李婴", "李婴", "李婴", "infant_name"),
    ("宝 in an ordinary name", "米宝平", "米宝平", "米宝平", "ordinary"),
    ("婴 in an ordinary name", "邓思婴", "邓思婴", "邓思婴", "ordinary"),
    ("nothing", "", None, None, "missing"),
    ("blank", "　", None, None, "missing"),
    ("word for nothing", "无", None, None, "missing"),
    ("unknown", "不详", None, None, "missing"),
    ("only a question mark", "?", None, None, "missing"),
]


@pytest.mark.parametrize(
    ("text", "shown", "key", "kind"), [c[1:] for c in SHOWN_AND_MATCHED], ids=[c[0] for c in SHOWN_AND_MATCHED]
)
def test_display_key_and_kind(text: str, shown: str | None, key: str | None, kind: str) -> None:
    name = parse_name(text)
    assert (name.full_name, name.name_key, name.name_kind) == (shown, key, kind)


@pytest.mark.parametrize(
    ("text", "note", "former"),
    [
        ("赵美芳（本人）", "本人", None),
        ("林一轲(亡)", "亡", None),
        ("王秀英（外婆）", "外婆", None),
        ("张三（曾用名李四）", None, "李四"),
        ("张三(曾用名：李　四)", None, "李四"),
        ("张三【原名李四】（户主）", "户主", "李四"),
        ("张三(", None, None),
    ],
)
def test_remarks_are_put_aside(text: str, note: str | None, former: str | None) -> None:
    name = parse_name(text)
    assert (name.note, name.former_name, name.former_name_key) == (note, former, former)
    assert name.full_name is not None and "(" not in name.full_name and "（" not in name.full_name


@pytest.mark.parametrize(
    ("text", "sound", "surname", "given"),
    [
        ("单雄信", "shan xiong xin", "单", "雄信"),
        ("曾国藩", "zeng guo fan", "曾", "国藩"),
        ("解缙", "xie jin", "解", "缙"),
        ("仇英", "qiu ying", "仇", "英"),
        ("查良镛", "zha liang yong", "查", "良镛"),
        ("盖叫天", "ge jiao tian", "盖", "叫天"),
        ("区小玲", "ou xiao ling", "区", "小玲"),
        ("尉迟恭", "yu chi gong", "尉迟", "恭"),
        ("万俟卨", "mo qi xie", "万俟", "卨"),
        ("欧阳修", "ou yang xiu", "欧阳", "修"),
        ("欧阳", "ou yang", "欧", "阳"),
        ("乐乐", "yue le", "乐", "乐"),
        ("王单", "wang dan", "王", "单"),
        ("吕布", "lv bu", "吕", "布"),
        ("張學友", "zhang xue you", "張", "學友"),
        ("唐宇?", "tang yu ?", "唐", "宇?"),
        ("阿迪力·司马义", "a di li si ma yi", None, "阿迪力·司马义"),
        ("SHARMA,VIJAY KUMAR", "KUMAR SHARMA VIJAY", "SHARMA", "VIJAY KUMAR"),
        ("Vijay Sharma", "SHARMA VIJAY", "SHARMA", "VIJAY"),
    ],
)
def test_sound_and_surname(text: str, sound: str, surname: str | None, given: str) -> None:
    name = parse_name(text)
    assert (name.name_sound, name.surname, name.given_name) == (sound, surname, given)


@pytest.mark.parametrize(("syllable", "plain"), [("lǚ", "lv"), ("nüè", "nve"), ("zhāng", "zhang"), ("ńg", "ng")])
def test_toneless(syllable: str, plain: str) -> None:
    assert toneless(syllable) == plain


@pytest.mark.parametrize(("text", "unresolved"), [("李\ue123明", True), ("唐宇?", True), ("吴婉\ue863", False)])
def test_unreadable_characters_are_flagged(text: str, unresolved: bool) -> None:
    assert parse_name(text).unresolved_glyph is unresolved


NAME_CHARACTERS = (
    "张王李欧阳诸葛司马古丽买提单學友堃某之子女婴儿宝小未取名新生曾用名本人𬘓"
    " ·•.。-?？*（）()[]AbXx×12,\u3000\u200b\ue863\ue123"
)


@settings(max_examples=400, deadline=None)
@given(st.text(alphabet=NAME_CHARACTERS, max_size=12))
def test_the_display_form_parses_to_itself(text: str) -> None:
    name = parse_name(text)
    if name.full_name is not None:
        again = parse_name(name.full_name)
        assert (again.full_name, again.name_key) == (name.full_name, name.name_key)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=30))
def test_any_text_is_a_name_or_missing(text: str) -> None:
    name = parse_name(text)
    assert (name.name_kind == "missing") == (name.name_key is None)
    if name.name_key is not None:
        assert re.fullmatch(r"[A-Z?*]+|[^\x00-\x3e\x40-\x7f*]*[^\s·]*", name.name_key)
        assert not set(name.name_key) & set(string.whitespace + "·•・()（）0123456789" + string.ascii_lowercase)


def test_characters_have_readings() -> None:
    readings = [reading_table()[chr(code)] for code in range(0x4E00, 0x9FA6)]
    assert readings.count("?") < 25  # units of measure and Japanese characters that nobody reads in Chinese
    assert all(re.fullmatch(r"[a-z]+|\?", reading) for reading in readings)


def test_the_table_has_one_row_per_text() -> None:
    with Engine(threads=1) as engine:
        engine.con.execute("CREATE TEMP TABLE name_inputs AS SELECT unnest(['张三', '无', 'SHARMA,VIJAY']) AS text")
        parse_names(engine)
        rows = engine.rows("SELECT text, name_key, unresolved_glyph FROM parsed_names ORDER BY text")
    assert [(r["text"], r["name_key"]) for r in rows] == [
        ("SHARMA,VIJAY", "SHARMAVIJAY"),
        ("张三", "张三"),
        ("无", None),
    ]
