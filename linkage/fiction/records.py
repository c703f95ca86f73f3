"""What each department wrote down about a resident: one row of its table, in its own layout, with its own damage."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from linkage.fiction.dirt import Dirt, damage_name, damage_number, damage_phone
from linkage.fiction.people import Person
from linkage.fiction.places import STREETS, write_address

HEADERS: dict[str, tuple[str, ...]] = {
    "police_hukou": ("人员编号", "户号", "公民身份号码", "姓名", "曾用名", "性别", "民族", "出生日期", "与户主关系", "婚姻状况", "户籍地址", "户类型", "所属派出所", "联系电话", "人员状态", "迁入日期", "更新时间"),
    "police_floating": ("登记编号", "证件类型", "证件号码", "姓名", "性别", "民族", "出生日期", "户籍地区划代码", "户籍地详址", "现住区县", "现住街道", "现住详址", "居住事由", "联系电话", "登记日期", "居住证号", "注销日期", "更新时间"),
    "health_archive": ("档案编号", "姓名", "性别", "出生日期", "证件类型", "证件号码", "民族", "户籍地址", "现住省", "现住市", "现住区县", "现住街道", "现住社区", "现住详址", "本人电话", "联系人姓名", "联系人电话", "家庭档案号", "户主姓名", "与户主关系", "母亲姓名", "母亲证件号", "建档机构", "建档日期", "档案状态", "更新日期"),
    "grid_visit": ("采集编号", "网格编码", "房屋编码", "街道", "社区", "小区", "幢", "单元", "室", "详细地址", "姓名", "性别", "出生年月", "身份证号", "民族", "与户主关系", "户主姓名", "联系电话", "户籍地址", "人户状态", "居住类型", "采集人", "采集时间", "备注"),
    "civil_assist": ("救助编号", "户主姓名", "户主身份证号", "姓名", "身份证号码", "性别", "民族", "出生日期", "与申请人关系", "救助类别", "家庭住址", "联系电话", "保障起始年月", "备注"),
    "civil_marriage": ("业务流水号", "登记类别", "字号", "姓名", "性别", "出生日期", "身份证件号", "国籍", "民族", "户籍地", "配偶姓名", "配偶证件号", "登记日期", "联系电话"),
    "civil_elder": ("发放编号", "姓名", "性别", "身份证号", "出生年月日", "年龄", "街道(镇)", "社区(村)", "家庭住址", "联系电话", "代领人", "代领人关系", "补贴标准(元/月)"),
}  # fmt: skip
NUMBER_COLUMNS = {"civil_assist": (2, 4), "civil_marriage": (6, 11), "civil_elder": (3,)}
DATE_COLUMNS = {"civil_assist": (7,), "civil_elder": (4,)}
SOURCE_OF = {table: table.split("_")[0] for table in HEADERS}
ETHNICITIES = {
    "汉族": "01",
    "回族": "03",
    "藏族": "04",
    "维吾尔族": "05",
    "苗族": "06",
    "彝族": "07",
    "壮族": "08",
    "土家族": "15",
    "": "",
}
WORKERS = ("陈丽", "沈网格员", "李国芳", "张建华", "王建华")


@dataclass
class Record:
    """One row of one department; ``row`` is what stands in the file."""

    table: str
    record_id: str
    person: Person
    row: list[str]
    born: int = 0


@dataclass
class Clerk:
    """Writes rows, numbering them as each department does."""

    rng: Random
    dirt: Dirt
    night: date
    serials: dict[str, int] = field(default_factory=dict)

    def serial(self, table: str) -> int:
        self.serials[table] = self.serials.get(table, -1) + 1
        return self.serials[table]

    def records_of(self, person: Person) -> list[Record]:
        """Every record the departments have of ``person``."""
        rng = self.rng
        made: list[Record] = []
        age = (self.night - person.birth).days / 365.25
        here = person.present and person.dwelling is not None
        if person.hukou:
            made.append(self.hukou(person))
        elif (
            not person.nameless
            and rng.random() < 0.86
            and not (person.hukou_address and person.hukou_address.startswith("浙江省杭州市"))
        ):
            made.append(self.floating(person))
            if rng.random() < 0.05:
                made.append(self.floating(person))
        if rng.random() < (0.82 if here else 0.4):
            made.append(self.health(person))
            if rng.random() < 0.045:
                made.append(self.health(person))
        if here and rng.random() < 0.88:
            made.append(
                self.grid(
                    person,
                    "人户一致" if person.dwelling and person.hukou_address == person.dwelling.address else "人在户不在",
                )
            )
            if rng.random() < 0.06:
                made.append(self.grid(person, ""))
        if age >= 80 and (person.alive or rng.random() < 0.15) and rng.random() < 0.8:
            made.append(self.elder(person))
        if person.spouse and rng.random() < 0.3:
            made.append(self.marriage(person, person.spouse))
        if rng.random() < 0.017 and here:
            made.append(self.assist(person))
        return made

    # what several departments write the same way

    def _number(self, person: Person, table: str) -> str:
        if person.nameless or self.rng.random() < self.dirt.number_missing.get(table, 0.0):
            return ""
        relative = next((p.number for p in person.family if p is not person), None)
        return damage_number(
            person.number, self.dirt, self.rng, relative=relative, maskable=table in ("health_archive", "grid_visit")
        )

    def _name(self, person: Person, *, careful: bool = False) -> str:
        if person.nameless:
            return (
                f"{person.mother.name}之{'子' if person.sex == '男' else '女'}"
                if person.mother
                else f"{person.name[0]}婴"
            )
        return damage_name(person.name, self.dirt, self.rng, careful=careful)

    def _birth(self, person: Person, style: str) -> str:
        rng, dirt = self.rng, self.dirt
        day = person.birth
        draw = rng.random()
        if draw < dirt.birth_missing:
            return ""
        if draw < dirt.birth_missing + dirt.birth_year_only and style == "grid":
            return f"{day:%Y}" if rng.random() < 0.6 else f"{day:%Y-%m}"
        if draw < dirt.birth_missing + dirt.birth_year_only + dirt.birth_filler:
            return "1900-01-01"
        if rng.random() < dirt.birth_typo:
            day = day + timedelta(days=rng.choice((-10, -1, 1, 10, 365, -365, 30)))
        elif rng.random() < dirt.birth_swapped and day.day <= 12:
            day = date(day.year, day.day, day.month)
        return write_date(
            day, rng.choice(("iso", "compact", "dots", "slashes", "chinese")) if style == "grid" else style
        )

    def _phone(self, person: Person) -> str:
        phone = person.phone
        if phone and self.rng.random() < self.dirt.phone_changed:
            phone = f"1{self.rng.choice('35789')}{self.rng.randrange(10**9):09d}"
        return damage_phone(phone, self.dirt, self.rng)

    def _home(self, person: Person) -> str:
        if person.dwelling is None or self.rng.random() < self.dirt.address_missing:
            return ""
        return write_address(
            person.dwelling, self.rng, alias=self.dirt.address_alias, truncated=self.dirt.address_truncated
        )

    def _ethnicity(self, person: Person, *, coded: bool = False) -> str:
        if coded:
            return ETHNICITIES.get(person.ethnicity, "")
        return person.ethnicity if self.rng.random() < 0.6 else person.ethnicity.removesuffix("族")

    def _touched(self, years: float = 4) -> date:
        return self.night - timedelta(days=int(self.rng.random() ** 2 * 365 * years) + 1)

    # one method per table

    def hukou(self, person: Person) -> Record:
        record_id = f"RK330106{self.serial('police_hukou'):011d}"
        rng = self.rng
        touched = self._touched(9)
        row = [
            record_id, f"330106{int(person.hukou[1:]) * 7919 % 10**11:011d}", person.number, self._name(person, careful=True), person.former_name,
            "1" if person.sex == "男" else "2", ETHNICITIES.get(person.ethnicity, ""), f"{person.birth:%Y%m%d}", person.relation if rng.random() > 0.002 else "",
            "20" if person.spouse else "10", person.hukou_address, "集体户" if person.hukou_collective else "家庭户", "翠苑派出所",
            damage_phone(person.phone, self.dirt, rng) if rng.random() < 0.45 else "",
            "正常" if person.alive or rng.random() < 0.4 else "死亡注销", f"{self._touched(20):%Y%m%d}", f"{touched:%Y%m%d}{rng.randrange(8, 18):02d}{rng.randrange(60):02d}{rng.randrange(60):02d}",
        ]  # fmt: skip
        return Record("police_hukou", record_id, person, row)

    def floating(self, person: Person) -> Record:
        started = self._touched(5)
        record_id = f"LD{started:%Y%m%d}{self.serial('police_floating'):09d}"
        street = STREETS[person.dwelling.estate.street] if person.dwelling else STREETS[0]
        kind = (
            "居民身份证"
            if not person.document
            else "外国人永久居留身份证"
            if person.number.startswith("9")
            else "港澳台居民居住证"
        )
        row = [
            record_id, kind, self._number(person, "police_floating"), self._name(person), person.sex, person.ethnicity, self._birth(person, "iso"),
            person.hukou_code, person.hukou_address, street[1], street[2], self._home(person), self.rng.choice(("务工", "随迁", "经商", "就学", "其他")),
            self._phone(person), started.isoformat(), f"JZ{self.rng.randrange(10**9):09d}" if self.rng.random() < 0.5 else "",
            "" if person.present else (self.night - timedelta(days=1)).isoformat(), f"{self._touched(2)} 09:30:00",
        ]  # fmt: skip
        return Record("police_floating", record_id, person, row)

    def health(self, person: Person) -> Record:
        dwelling = person.dwelling
        street = STREETS[dwelling.estate.street] if dwelling else STREETS[0]
        community = street[3][dwelling.estate.community] if dwelling else street[3][0]
        record_id = (
            f"{street[0]}{(dwelling.estate.community if dwelling else 0) + 1:03d}-{self.serial('health_archive'):09d}"
        )
        rng = self.rng
        number = self._number(person, "health_archive")
        contact = next((p for p in person.family if p is not person), person)
        mother = person.mother if (self.night - person.birth).days < 6 * 365 else None
        row = [
            record_id, self._name(person), rng.choice(("F", "F", "女")) if person.sex == "女" else rng.choice(("M", "M", "男")), self._birth(person, "iso"),
            "01" if number else "", number, person.ethnicity if rng.random() < 0.75 else ETHNICITIES.get(person.ethnicity, ""),
            person.hukou_address if rng.random() < 0.65 else "", "浙江省", "杭州市", street[1], street[2], community, self._home(person), self._phone(person),
            contact.name, contact.phone, f"JT330106{(int(person.household[1:]) if person.household else 0) * 6151 % 10**11:011d}", person.head, person.relation,
            mother.name if mother else "", mother.number if mother and rng.random() < 0.9 else "", f"{street[2][:-2]}社区卫生服务中心",
            self._touched(10).isoformat(), "活动" if person.alive or rng.random() < 0.75 else "死亡", self._touched(3).isoformat(),
        ]  # fmt: skip
        return Record("health_archive", record_id, person, row)

    def grid(self, person: Person, presence: str) -> Record:
        rng = self.rng
        dwelling = person.dwelling
        assert dwelling is not None
        estate = dwelling.estate
        code, _, street, communities = STREETS[estate.street]
        record_id = f"WG{code}{estate.community + 1:03d}{self.serial('grid_visit'):09d}"
        seen = self._touched(2.5)
        whole = rng.random() > 0.05
        row = [
            record_id, dwelling.grid_code, dwelling.code if rng.random() > 0.08 else "", street, communities[estate.community],
            estate.alias if rng.random() < self.dirt.address_alias else estate.name, str(dwelling.building), str(dwelling.unit), dwelling.room if whole else "",
            "同户籍地址" if presence == "人户一致" and rng.random() < 0.03 else self._home(person), self._name(person),
            "" if rng.random() < self.dirt.sex_missing else rng.choice((person.sex, person.sex, person.sex + "性")), self._birth(person, "grid"),
            self._number(person, "grid_visit"), self._ethnicity(person), person.relation, person.head, self._phone(person),
            person.hukou_address if rng.random() < 0.55 else "", presence if rng.random() > 0.1 else "", "租住" if person.renting else "自有", rng.choice(WORKERS),
            f"{seen.year}/{seen.month}/{seen.day} {rng.randrange(8, 20)}:{rng.randrange(60):02d}", rng.choice(("", "", "", "", "", "电话未接", "常年在外", "房东代填")),
        ]  # fmt: skip
        return Record("grid_visit", record_id, person, row)

    def elder(self, person: Person) -> Record:
        record_id = f"GL{self.serial('civil_elder'):010d}"
        street = STREETS[person.dwelling.estate.street] if person.dwelling else STREETS[0]
        community = street[3][person.dwelling.estate.community] if person.dwelling else ""
        age = (self.night - person.birth).days // 365
        taker = next((p for p in person.family if p is not person), None)
        row = [
            record_id, self._name(person), person.sex, self._number(person, "civil_elder"), self._birth(person, "dots"), str(age), street[2], community,
            self._home(person), self._phone(person), taker.name if taker else "", "儿子" if taker else "", "100" if age < 90 else "200",
        ]  # fmt: skip
        return Record("civil_elder", record_id, person, row)

    def marriage(self, person: Person, spouse: Person) -> Record:
        record_id = f"HY{self.serial('civil_marriage'):012d}"
        married = max(person.birth, spouse.birth) + timedelta(days=int(365.25 * self.rng.uniform(21, 32)))
        married = min(married, self.night - timedelta(days=30))
        sign = f"J330106-{married.year}-{min(person.key, spouse.key)[1:]}"
        row = [
            record_id, self.rng.choice(("结婚登记",) * 9 + ("补领结婚证",)), sign, self._name(person), person.sex, self._birth(person, "chinese"), self._number(person, "civil_marriage"),
            "中国", person.ethnicity, person.hukou_address, spouse.name, self._number(spouse, "civil_marriage"), write_date(married, "chinese"), self._phone(person),
        ]  # fmt: skip
        return Record("civil_marriage", record_id, person, row)

    def assist(self, person: Person) -> Record:
        record_id = f"SZ330106{self.serial('civil_assist'):010d}"
        head = person.family[0] if person.family else person
        row = [
            record_id, head.name, head.number, self._name(person), self._number(person, "civil_assist"), person.sex, person.ethnicity.removesuffix("族"),
            self._birth(person, "slashes"), "本人" if person is head else person.relation, self.rng.choice(("最低生活保障", "特困供养", "低保边缘", "困难残疾人补贴")),
            self._home(person), self._phone(person), f"{self._touched(8):%Y%m}", "",
        ]  # fmt: skip
        return Record("civil_assist", record_id, person, row)


def write_date(day: date, style: str) -> str:
    """A date in one of the departments' styles."""
    styles: dict[str, Callable[[date], str]] = {
        "iso": date.isoformat,
        "compact": lambda d: f"{d:%Y%m%d}",
        "dots": lambda d: f"{d.year}.{d.month}.{d.day}",
        "slashes": lambda d: f"{d.year}/{d.month}/{d.day}",
        "chinese": lambda d: f"{d.year}年{d.month}月{d.day}日",
    }
    return styles[style](day)
