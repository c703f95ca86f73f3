"""Invented estates, buildings and dwellings in two real streets of the code tables, and villages elsewhere."""

from dataclasses import dataclass
from random import Random

STREETS = (
    ("330105001", "拱墅区", "米市巷街道", ("景芳社区", "河东社区", "长板社区", "政苑一社区", "西文社区")),
    ("330106001", "西湖区", "翠苑街道", ("花园东社区", "清河社区", "三堡社区", "青春社区", "华家池社区")),
    ("330105003", "拱墅区", "湖墅街道", ("仓基社区", "珠儿潭社区", "双荡弄社区", "贾家弄社区", "卖鱼桥社区")),
    ("330106002", "西湖区", "古荡街道", ("古荡社区", "莲花社区", "嘉绿社区", "文锦社区", "华星社区")),
)
STEMS = (
    "长乐",
    "大关",
    "松木",
    "水岸",
    "武林",
    "云栖",
    "康乐",
    "文华",
    "新金",
    "和睦",
    "丹桂",
    "桂花",
    "金色",
    "雅仕",
    "丰潭",
    "兰香",
    "春江",
    "望湖",
    "紫荆",
    "学林",
    "翠竹",
    "枫华",
    "听涛",
    "银杏",
    "东方",
    "西溪",
    "南苑",
    "北斗",
    "湖畔",
    "山语",
)
ENDINGS = ("花苑", "名苑", "新村", "公馆", "一区", "二区", "小区", "府", "家园", "里")
ROADS = (
    "富春路",
    "望江路",
    "和睦巷",
    "德胜路",
    "文新巷",
    "机神路",
    "艮山路",
    "钱江路",
    "江城路",
    "余杭塘路",
    "天目山巷",
    "丰潭路",
    "学院路",
    "石祥路",
    "大关路",
    "长乐路",
    "通益街",
    "湖墅南街",
    "珊瑚沙巷",
    "保俶巷",
)
PROVINCES = (
    ("341221", "安徽省阜阳市临泉县"), ("320826", "江苏省淮安市涟水县"), ("411625", "河南省周口市郸城县"), ("331023", "浙江省台州市天台县"),
    ("522427", "贵州省毕节市威宁彝族回族苗族自治县"), ("511922", "四川省巴中市南江县"), ("421023", "湖北省荆州市监利县"), ("360731", "江西省赣州市于都县"),
)  # fmt: skip
TOWNS, VILLAGES = (
    ("双河乡", "白马镇", "红旗镇", "李家湾镇", "团结镇", "东风镇"),
    ("龙潭村", "前进村", "杨柳村", "高桥村", "周集村", "刘集村"),
)


@dataclass(frozen=True)
class Estate:
    """An estate with its road address, where its buildings are numbered from 1."""

    street: int
    community: int
    name: str
    road: str
    number: int
    buildings: int
    units: int
    floors: int
    alias: str


@dataclass(frozen=True)
class Dwelling:
    """One flat; ``code`` is its number in the real-housing base, 24 digits."""

    estate: Estate
    building: int
    unit: int
    room: str
    code: str

    @property
    def address(self) -> str:
        """The full address."""
        _code, county, street, communities = STREETS[self.estate.street]
        place = (
            f"浙江省杭州市{county}{street}{communities[self.estate.community]}{self.estate.road}{self.estate.number}号"
        )
        return f"{place}{self.estate.name}{self.building}幢{self.unit}单元{self.room}室"

    @property
    def grid_code(self) -> str:
        return self.code[:14]


def make_dwellings(rng: Random, wanted: int) -> list[Dwelling]:
    """At least ``wanted`` dwellings, in estates of 6 to 15 buildings."""
    dwellings: list[Dwelling] = []
    names: set[str] = set()
    serial = 0
    while len(dwellings) < wanted:
        estate = _estate(rng, names, len(names))
        for building in range(1, estate.buildings + 1):
            serial += 1
            code = STREETS[estate.street][0]
            grid = f"{code}{estate.community + 1:03d}{rng.randint(1, 6):02d}"
            for unit in range(1, estate.units + 1):
                for floor in range(1, estate.floors + 1):
                    for flat in range(1, 5):
                        room = f"{floor}{flat:02d}"
                        dwellings.append(
                            Dwelling(
                                estate, building, unit, room, f"{grid}{serial % 10000:04d}{unit:02d}{int(room):04d}"
                            )
                        )
    return dwellings


def _estate(rng: Random, names: set[str], count: int) -> Estate:
    tries = [f"{stem}{ending}" for stem in STEMS for ending in ENDINGS if f"{stem}{ending}" not in names]
    name = rng.choice(tries) if tries else f"{rng.choice(STEMS)}{rng.choice(STEMS)}{rng.choice(ENDINGS)}{count}期"
    names.add(name)
    alias = (
        name + "小区"
        if name[-1] in "区府苑" and not name.endswith("小区")
        else name[:2]
        if name.endswith(("小区", "家园"))
        else name
    )
    return Estate(
        street=rng.randrange(len(STREETS)),
        community=rng.randrange(5),
        name=name,
        road=ROADS[count % len(ROADS)],
        number=100 + count,
        buildings=rng.randint(6, 15),
        units=rng.randint(1, 3),
        floors=rng.choice((6, 7, 11, 18)),
        alias=alias,
    )


def village_address(rng: Random) -> tuple[str, str]:
    """Division code and address of a village house elsewhere."""
    code, place = rng.choice(PROVINCES)
    return code, f"{place}{rng.choice(TOWNS)}{rng.choice(VILLAGES)}{rng.randint(1, 30)}组{rng.randint(1, 180)}号"


DIGITS = "〇一二三四五六七八九十"


def write_address(dwelling: Dwelling, rng: Random, *, alias: float, truncated: float) -> str:
    """An address in one of the ways people write it."""
    estate = dwelling.estate
    _code, county, street, communities = STREETS[estate.street]
    name = estate.alias if rng.random() < alias else estate.name
    style = rng.random()
    tail = f"{dwelling.building}幢{dwelling.unit}单元{dwelling.room}"
    if style < 0.25:
        text = (
            f"浙江省杭州市{county}{street}{communities[estate.community]}{estate.road}{estate.number}号{name}{tail}室"
        )
    elif style < 0.4:
        text = f"浙江省杭州市{county}{estate.road}{estate.number}号{name}{tail}室"
    elif style < 0.6:
        text = f"{county}{street}{name}{dwelling.building}-{dwelling.unit}-{dwelling.room}"
    elif style < 0.75:
        text = f"{name}{tail}"
    elif style < 0.87:
        text = f"{name}{tail}室"
    elif style < 0.92:
        text = f"{county}{name}{dwelling.building}栋{dwelling.unit}单元{dwelling.room}室"
    elif style < 0.97 and dwelling.building <= 10:
        text = f"{county}{name}{DIGITS[dwelling.building]}号楼{dwelling.unit}单元{dwelling.room}"
    else:
        text = f"杭州市{estate.road}{estate.number}号{dwelling.building}幢{dwelling.room}室"
    return text[: rng.randint(len(text) - 6, len(text) - 2)] if rng.random() < truncated else text
