"""The invented residents: families, flat-shares, students, migrants, foreigners, newborns, the dead and the departed."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from linkage.fiction.names import NameMaker
from linkage.fiction.places import Dwelling, make_dwellings, village_address

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
LOCAL_CODES = (
    "330105",
    "330106",
    "330102",
    "330103",
    "330104",
    "330108",
    "330109",
    "330110",
    "330121",
    "330122",
    "330127",
)
PERSONS_PER_FLAT = 2.05


@dataclass
class Person:
    """One resident as the truth knows them."""

    key: str
    name: str
    sex: str
    birth: date
    number: str
    ethnicity: str = "汉族"
    former_name: str = ""
    document: str = ""
    phone: str = ""
    alive: bool = True
    present: bool = True
    relation: str = "户主"
    hukou: str = ""
    hukou_collective: bool = False
    hukou_address: str = ""
    hukou_code: str = ""
    dwelling: Dwelling | None = None
    household: str = ""
    collective: bool = False
    head: str = ""
    mother: "Person | None" = None
    spouse: "Person | None" = None
    renting: bool = False
    nameless: bool = False
    family: list["Person"] = field(default_factory=list)


def identity_number(code: str, birth: date, sex: str, rng: Random, used: set[str]) -> str:
    """A number by GB 11643-1999 that nobody has yet."""
    while True:
        sequence = rng.randrange(1, 500) * 2 + (1 if sex == "男" else 0)
        body = f"{code}{birth:%Y%m%d}{sequence % 1000:03d}"
        number = body + "10X98765432"[sum(int(d) * w for d, w in zip(body, WEIGHTS, strict=True)) % 11]
        if number not in used and not body.endswith("000"):
            used.add(number)
            return number


class World:
    """The district: persons and flats, grown from one seed."""

    def __init__(self, wanted: int, seed: int, night: date) -> None:
        self.rng = Random(seed)
        self.night = night
        self.names = NameMaker(self.rng)
        self.used: set[str] = set()
        self.persons: list[Person] = []
        self.flats = make_dwellings(self.rng, int(wanted / PERSONS_PER_FLAT * 1.25) + 40)
        self.rng.shuffle(self.flats)
        self.next_flat = 0
        self.households = 0
        self.collective_hukou: list[tuple[str, str]] = []
        for _ in range(max(1, wanted // 10_000)):
            flat = self._flat()
            self.collective_hukou.append((self._household("H"), flat.address))
        while len(self.persons) < wanted:
            self._settle()
        del self.persons[wanted:]

    def new_person(self, surname: str, sex: str, age: float, *, local: bool = True, ethnicity: str = "汉族") -> Person:
        """A person of about ``age`` years; not yet in any home."""
        birth = self.night - timedelta(days=int(age * 365.25) + self.rng.randint(0, 364))
        if birth > self.night:
            birth = self.night
        name = (
            surname + self.names.given(sex, birth.year)
            if ethnicity not in ("维吾尔族", "藏族")
            else self.names.minority(sex, ethnicity)
        )
        code = self.rng.choice(LOCAL_CODES) if local else village_address(self.rng)[0]
        person = Person(
            key=f"P{len(self.persons):09d}",
            name=name,
            sex=sex,
            birth=birth,
            number=identity_number(code, birth, sex, self.rng, self.used),
            ethnicity=ethnicity,
            phone=f"1{self.rng.choice('35789')}{self.rng.randrange(10**9):09d}" if age > 12 else "",
        )
        if self.rng.random() < 0.012 and ethnicity == "汉族":
            person.former_name = surname + self.names.given(sex, birth.year)
        self.persons.append(person)
        return person

    def _flat(self) -> Dwelling:
        flat = self.flats[self.next_flat]
        self.next_flat += 1
        return flat

    def _household(self, prefix: str) -> str:
        self.households += 1
        return f"{prefix}{self.households:011d}"

    def _settle(self) -> None:
        """One flat and who lives there."""
        draw = self.rng.random()
        if draw < 0.78:
            self._family(local=True)
        elif draw < 0.93:
            self._family(local=False)
        elif draw < 0.985:
            self._flat_share()
        elif draw < 0.993:
            self._foreigner()
        else:
            self._dormitory()

    def _family(self, *, local: bool) -> None:
        rng = self.rng
        ethnicity = (
            "汉族"
            if rng.random() > (0.01 if local else 0.12)
            else rng.choice(("维吾尔族", "藏族", "回族", "苗族", "土家族", "壮族", "彝族"))
        )
        surname = self.names.surname()
        age = rng.uniform(24, 88) if local else rng.uniform(21, 58)
        sex = rng.choice("男女")
        head = self.new_person(surname, sex, age, local=local, ethnicity=ethnicity)
        members = [head]
        if rng.random() < (0.82 if age > 30 else 0.5):
            spouse = self.new_person(
                self.names.surname(),
                "女" if sex == "男" else "男",
                max(20, age + rng.gauss(0, 2.5)),
                local=local,
                ethnicity=ethnicity,
            )
            spouse.relation = "妻" if sex == "男" else "夫"
            head.spouse, spouse.spouse = spouse, head
            members.append(spouse)
            members.extend(self._children(head, spouse, age, local=local))
            if local and 30 < age < 52 and rng.random() < 0.3:
                parent = self.new_person(
                    surname if rng.random() < 0.5 else self.names.surname(),
                    rng.choice("男女"),
                    age + rng.uniform(23, 32),
                )
                parent.relation = "父亲" if parent.sex == "男" else "母亲"
                members.append(parent)
        self._house(members, local=local)

    def _children(self, head: Person, spouse: Person, age: float, *, local: bool) -> list[Person]:
        rng = self.rng
        mother = head if head.sex == "女" else spouse
        surname = (head if head.sex == "男" else spouse).name[0]
        children: list[Person] = []
        for _ in range(rng.choices((0, 1, 2), weights=(2, 5, 2))[0]):
            child_age = age - rng.uniform(22, 34)
            if not -0.9 < child_age < 32 or (child_age > 23 and rng.random() < 0.6):
                continue
            first = self.new_person(
                surname, rng.choice("男女"), max(0.0, child_age), local=local, ethnicity=head.ethnicity
            )
            first.mother = mother
            first.relation = "子" if first.sex == "男" else "女"
            children.append(first)
            if rng.random() < 0.02:
                twin = self.new_person(surname, rng.choice("男女"), 1, local=local, ethnicity=head.ethnicity)
                twin.birth, twin.mother = first.birth, mother
                twin.number = identity_number(first.number[:6], twin.birth, twin.sex, rng, self.used)
                if rng.random() < 0.6 and "·" not in first.name:
                    twin.name = first.name[:2] + self.names.given(twin.sex, twin.birth.year)[-1]
                twin.relation = "子" if twin.sex == "男" else "女"
                children.append(twin)
        for child in children:
            if (self.night - child.birth).days < 60:
                child.nameless = rng.random() < 0.4
        return children

    def _house(self, members: list[Person], *, local: bool) -> None:
        rng = self.rng
        flat = self._flat()
        home = self._household("A")
        for person in members:
            person.dwelling, person.household, person.head, person.family = flat, home, members[0].name, members
            person.renting = not local or rng.random() < 0.08
            if not person.phone and person.mother:
                person.phone = person.mother.phone if rng.random() < 0.7 else ""
        if local:
            self._register(members, flat)
        else:
            code, address = village_address(rng)
            for person in members:
                person.hukou_address, person.hukou_code = address, code
        for person in members:
            age = (self.night - person.birth).days / 365
            if age > 60 and rng.random() < 0.035:
                person.alive = person.present = False
            elif rng.random() < 0.007:
                person.present = False

    def _register(self, members: list[Person], flat: Dwelling) -> None:
        """Registered at home, elsewhere in the district (人户分离), or in a collective household."""
        rng = self.rng
        draw = rng.random()
        if len(members) == 1 and draw < 0.06:
            hukou, address = rng.choice(self.collective_hukou)
            members[0].hukou, members[0].hukou_address, members[0].hukou_collective, members[0].relation = (
                hukou,
                address,
                True,
                "非亲属",
            )
            return
        address = self._flat().address if draw > 0.8 else flat.address
        hukou = self._household("H")
        for person in members:
            person.hukou, person.hukou_address = hukou, address
            if person.nameless:
                person.hukou = ""

    def _flat_share(self) -> None:
        rng = self.rng
        flat, home = self._flat(), self._household("A")
        mates = [
            self.new_person(self.names.surname(), rng.choice("男女"), rng.uniform(20, 38), local=False)
            for _ in range(rng.randint(2, 5))
        ]
        for person in mates:
            person.dwelling, person.household, person.renting, person.head, person.family = (
                flat,
                home,
                True,
                mates[0].name,
                mates,
            )
            person.relation = "租客" if person is not mates[0] else "户主"
            person.hukou_code, person.hukou_address = village_address(rng)

    def _dormitory(self) -> None:
        rng = self.rng
        flat, home = self._flat(), self._household("A")
        mates = [
            self.new_person(self.names.surname(), rng.choice("男女"), rng.uniform(19, 45), local=False)
            for _ in range(rng.randint(10, 24))
        ]
        for person in mates:
            person.dwelling, person.household, person.renting, person.collective, person.family = (
                flat,
                home,
                True,
                True,
                mates,
            )
            person.hukou_code, person.hukou_address = village_address(rng)
            person.relation = "室友"

    def _foreigner(self) -> None:
        rng = self.rng
        person = self.new_person(self.names.surname(), rng.choice("男女"), rng.uniform(22, 60), local=False)
        self.used.discard(person.number)
        prefix = rng.choice(("810000", "830000", "9334"))
        if prefix.startswith("9"):
            country = rng.choice(("410", "840", "392", "704"))
            person.name, person.ethnicity = self.names.foreign(), ""
            body = f"933{country}{person.birth:%Y%m%d}{rng.randrange(1, 999):03d}"
        else:
            body = f"{prefix}{person.birth:%Y%m%d}{rng.randrange(1, 999):03d}"
        person.number = body + "10X98765432"[sum(int(d) * w for d, w in zip(body, WEIGHTS, strict=True)) % 11]
        person.document = f"{rng.choice('MPH')}{rng.randrange(10**8):08d}"
        self._house([person], local=False)
        person.hukou_address = person.hukou_code = ""
