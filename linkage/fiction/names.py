"""Invented names: common surnames by rough frequency, given names by sex and generation, minority and foreign names."""

from random import Random

SURNAMES = (
    ("李王张刘陈", 7), ("杨赵黄周吴", 3), ("徐孙胡朱高林何郭马罗", 1.6), ("梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕", 0.9),
    ("苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文", 0.35),
    ("俞骆翁樊鲁葛卞莫柴裘诸虞楼缪章柳祝童屠", 0.2),
)  # fmt: skip
COMPOUND = ("欧阳", "诸葛", "上官", "司马", "尉迟")
MALE_OLD, FEMALE_OLD = "建国志明福根水宝金荣德华生祥林海永兴", "秀英桂珍凤兰玉梅月仙芬琴彩云菊香妹莲"
MALE_MIDDLE, FEMALE_MIDDLE = "伟强军勇杰磊涛超波峰斌健刚平辉鹏飞亮俊", "丽敏静芳霞燕红娟艳萍玲婷莉雪琳洁慧倩"
MALE_YOUNG, FEMALE_YOUNG = "浩宇轩子睿博文泽晨铭俊辰奕昊然翔宸", "子涵欣怡诗梓萱雨馨语彤佳琪悦思妍可瑶"
UYGHUR_MALE = ("买买提", "艾合买提", "吐尔逊", "阿卜杜", "库尔班", "塔依尔", "帕尔哈提", "艾尔肯", "叶尔兰", "努尔兰")
UYGHUR_FEMALE = ("阿依古丽", "古丽娜尔", "热孜万古丽", "阿依江", "早热古丽", "米日古丽", "努尔古丽")
TIBETAN = ("扎西", "卓玛", "央金", "次仁", "边巴", "达瓦", "尼玛", "德吉")
FOREIGN = ("SMITH", "BROWN", "KIM", "CHOI", "SHARMA", "TANAKA", "NGUYEN", "MILLER", "IVANOV", "GARCIA")
FOREIGN_GIVEN = ("JOHN", "EUNHYE", "VIJAY", "YUKI", "LINH", "ANNA", "ROBERT", "MARIA", "PETER", "SOFIA")


class NameMaker:
    """Names from a seeded source."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._surnames = [char for group, _ in SURNAMES for char in group]
        self._weights = [weight for group, weight in SURNAMES for _ in group]
        total, self._cumulative = 0.0, []
        for weight in self._weights:
            total += weight
            self._cumulative.append(total)

    def surname(self) -> str:
        """A surname; one in a thousand has two characters."""
        if self._rng.random() < 0.001:
            return self._rng.choice(COMPOUND)
        return self._rng.choices(self._surnames, cum_weights=self._cumulative)[0]

    def given(self, sex: str, birth_year: int) -> str:
        """One or two characters in the taste of the generation."""
        old, middle, young = (
            (MALE_OLD, MALE_MIDDLE, MALE_YOUNG) if sex == "男" else (FEMALE_OLD, FEMALE_MIDDLE, FEMALE_YOUNG)
        )
        pool = (
            old + middle
            if birth_year < 1965
            else middle + old
            if birth_year < 1990
            else young + middle
            if birth_year < 2000
            else young
        )
        length = 1 if self._rng.random() < (0.35 if 1965 <= birth_year < 2000 else 0.12) else 2
        first = self._rng.choice(pool)
        return first if length == 1 else first + self._rng.choice(pool)

    def minority(self, sex: str, ethnicity: str) -> str:
        """A Uyghur name of two segments, or a Tibetan one of two words."""
        if ethnicity == "藏族":
            return self._rng.choice(TIBETAN) + self._rng.choice(TIBETAN)
        own = self._rng.choice(UYGHUR_MALE if sex == "男" else UYGHUR_FEMALE)
        return f"{own}·{self._rng.choice(UYGHUR_MALE)}"

    def foreign(self) -> str:
        """SURNAME GIVEN."""
        return f"{self._rng.choice(FOREIGN)} {self._rng.choice(FOREIGN_GIVEN)}"
