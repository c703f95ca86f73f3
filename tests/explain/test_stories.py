"""What a steward reads about two real nights, and what stays hidden."""

import json
import os
import pty
import re
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from linkage.explain.story import EndedStory, HouseholdStory, PairStory, PersonStory
from linkage.explain.tell import as_facts
from linkage.kernel.errors import ConfigurationError
from linkage.kernel.run import State
from tests.builders import REPOSITORY
from tests.explain.conftest import World

pytestmark = pytest.mark.slow
KEY = "source || ':' || record_id"


def cli(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "linkage.cli", "explain", *map(str, arguments)],
        cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def person_story(world: World, *subjects: str) -> PersonStory:
    story = world.tell(*subjects)
    assert isinstance(story, PersonStory)
    return story


def pair_story(world: World, *subjects: str) -> PairStory:
    story = world.tell(*subjects)
    assert isinstance(story, PairStory)
    return story


def linked_person(world: World) -> str:
    """Somebody with records of all four departments and a contested name."""
    return str(
        world.one(
            "SELECT person_id FROM '{release}/persons.parquet' p WHERE len(sources) = 4 AND EXISTS (SELECT 1 FROM '{release}/values.parquet' v "
            "WHERE v.person_id = p.person_id AND field = 'full_name' AND NOT won AND reason <> 'same_as_winner') ORDER BY person_id"
        )["person_id"]
    )


# The person


def test_every_record_is_told_with_its_strongest_link(world: World) -> None:
    person = linked_person(world)
    zh, en = world.text(person), world.text(person, language="en")
    records = world.rows(f"SELECT {KEY} AS record, * FROM '{{release}}/crosswalk.parquet' WHERE person_id = '{person}'")
    for record in records:
        assert re.search(rf"\d\. .*  {re.escape(record['record'])}  自首次发布（2026-03-02）起归此人", zh)
        (told,) = re.findall(
            rf"最强的关联是 {record['linked_to']}：权重 (\S+) 比特",
            zh.split(f"  {record['record']}  ")[1].split(". ")[0],
        )
        assert float(told) == pytest.approx(record["link_match_weight"], abs=0.01)
        assert f"Its strongest link is to {record['linked_to']}: {told} bits" in en


def test_the_steps_add_up_to_the_weight(world: World) -> None:
    falls = [r.waterfall for r in person_story(world, linked_person(world)).records if r.waterfall]
    assert falls
    for fall in falls:
        total = fall.prior_match_weight + sum(step.match_weight for step in fall.steps)
        assert total == pytest.approx(fall.match_weight, abs=0.01)


def test_each_field_says_what_won_and_what_lost(world: World) -> None:
    person = linked_person(world)
    zh = world.text(person)
    values = world.rows(f"SELECT * FROM '{{release}}/values.parquet' WHERE person_id = '{person}'")
    fields = {golden.field: golden for golden in person_story(world, person).values}
    assert set(fields) == {row["field"] for row in values}
    for row in values:
        record, golden = f"{row['source']}:{row['record_id']}", fields[row["field"]]
        if row["won"]:
            assert (golden.winner.record, golden.winner.reason) == (record, row["reason"])
        elif row["reason"] == "same_as_winner":
            assert record in golden.agreeing
        else:
            assert (record, row["reason"]) in {(loser.record, loser.reason) for loser in golden.losers}
    name = fields["full_name"]
    assert f"- 姓名：{name.winner.value}，来自" in zh
    assert f"落选 {name.losers[0].value}，" in zh


def test_households_name_their_members_and_roles(world: World) -> None:
    member = world.one(
        "SELECT * FROM '{release}/members.parquet' WHERE valid_to IS NULL AND relation_to_head = '12' ORDER BY household_id, person_id"
    )
    others = world.rows(
        f"SELECT person_id FROM '{{release}}/members.parquet' WHERE household_id = '{member['household_id']}' AND valid_to IS NULL"
    )
    text = world.text(member["person_id"])
    assert f"{member['household_id']}（" in text
    assert "本人为户主之妻" in text
    assert all(other["person_id"] in text for other in others)
    story = world.tell(member["household_id"])
    assert isinstance(story, HouseholdStory)
    assert {m.person_id for m in story.household.members if m.valid_to is None} == {o["person_id"] for o in others}
    assert f"{member['person_id']}  户主之妻" in world.text(member["household_id"])


def test_changes_of_a_night_are_told_with_their_cause(world: World) -> None:
    changed = world.one(
        "SELECT subject_id, list(field) AS fields FROM '{release}/events.parquet' WHERE kind = 'field_changed' AND field = 'phone' AND cause = 'source_data' AND cause_detail IS NULL GROUP BY subject_id ORDER BY 1"
    )
    text = world.text(changed["subject_id"])
    assert re.search(r"2026-03-02  来源数据有变（记录 .*）：\n    新出现。", text)
    assert re.search(r"2026-03-03  来源数据有变（记录 .*）：\n    取值变更：.*联系电话.*。", text)


def test_a_record_that_changed_its_person_is_there_since_that_night(world: World) -> None:
    moved = world.one(
        f"SELECT {KEY} AS record FROM '{{release}}/crosswalk.parquet' n JOIN '{{first}}/crosswalk.parquet' o USING (source, record_id) "
        f"WHERE n.person_id <> o.person_id AND {KEY} IN {world.same}"
    )["record"]
    stayed = next(record for record in world.same if record != moved)
    text = world.text(moved)
    assert f"{moved}  自 2026-03-03 起归此人（发布 {world.second}）" in text
    assert f"{stayed}  自首次发布（2026-03-02）起归此人" in text


def test_a_record_leads_to_its_person(world: World) -> None:
    person = linked_person(world)
    record = person_story(world, person).records[0].record
    assert f"记录 {record} 属于人员 {person}。" in world.text(record)


def test_an_older_release_can_be_asked(world: World) -> None:
    person = linked_person(world)
    assert f"依据发布 {world.first}（2026-03-02 夜）" in world.text(person, release=world.first)


# Judgements, merges and ends


def test_a_judged_merge_is_told_by_the_retired_id_and_by_the_pair(world: World) -> None:
    gone = world.one("SELECT * FROM '{release}/retired_ids.parquet' WHERE cause = 'merged_into' ORDER BY id")
    text = world.text(gone["id"])
    assert f"编号 {gone['id']} 已于 2026-03-03 停用，由 {gone['successor_id']} 继任" in text
    assert re.search(rf"2026-03-03  人工判定（[0-9a-f]{{16}}）（记录 .*）：\n    {gone['id']} 并入此编号。", text)
    left, right = world.same
    assert f"人工判定它与 {right} 为同一人" in text
    pair = world.text(left, right)
    assert f"两者是同一人：{gone['successor_id']}。" in pair
    assert "人工判定两者为同一人" in pair


def test_a_judged_split_is_told(world: World) -> None:
    left, right = world.different
    story = pair_story(world, left, right)
    assert story.left_person != story.right_person
    assert story.barrier and story.barrier.kind == "judged_different"
    assert "人工判定为不同人" in world.text(left, right)
    kept_out = {near.record: near.barrier.kind for near in person_story(world, left).kept_out}
    assert kept_out[right] == "judged_different"


def test_an_id_that_ended_says_where_it_was_last(world: World) -> None:
    ended = world.withdrawn
    story = world.tell(ended)
    assert isinstance(story, EndedStory)
    assert story.last_release == world.first
    assert f"编号 {ended} 已于 2026-03-03 终止，没有继任编号" in world.text(ended)
    assert f"linkage explain {ended} --release {world.first}" in world.text(ended)


# Pairs


def test_a_guarded_pair_says_which_guard(world: World) -> None:
    pair = world.one(
        "SELECT * FROM '{run}/match/scored_pairs.parquet' WHERE guards = ['twins'] AND match_weight > 0 ORDER BY match_weight DESC, record_key_l"
    )
    text = world.text(pair["record_key_l"], pair["record_key_r"])
    assert "守卫“twins”禁止合并：出生日期相同而名字不同音" in text
    assert f"权重 {pair['match_weight']:.2f} 比特；合并线 4，保持线 1。" in text
    english = world.text(pair["record_key_l"], pair["record_key_r"], language="en")
    assert 'The guard "twins" forbids it: Same birth date' in english


def test_two_records_that_no_rule_brought_together_are_scored_on_demand(world: World) -> None:
    one, other = world.rows(
        f"SELECT {KEY} AS record FROM '{{release}}/crosswalk.parquet' WHERE feed = 'police_hukou' ORDER BY hash(record_id) LIMIT 2"
    )
    story = pair_story(world, one["record"], other["record"])
    assert not story.scored_that_night and story.as_that_night and story.waterfall
    assert "该夜没有为这一对打分" in world.text(one["record"], other["record"])


def test_two_persons_are_compared_by_their_closest_records(world: World) -> None:
    pair = world.one(
        "SELECT * FROM '{run}/match/scored_pairs.parquet' p SEMI JOIN '{release}/review_cases.parquet' c "
        "ON c.kind = 'weight_between_thresholds' AND c.records = [p.record_key_l, p.record_key_r] ORDER BY match_weight DESC"
    )
    persons = [person_story(world, pair[key]).person_id for key in ("record_key_l", "record_key_r")]
    story = pair_story(world, *persons)
    assert story.waterfall and (story.waterfall.record_l, story.waterfall.record_r) == (
        pair["record_key_l"],
        pair["record_key_r"],
    )
    assert story.barrier and story.barrier.kind == "below_join"
    assert [case.kind for case in story.cases] == ["weight_between_thresholds"]


def test_records_of_one_person_without_a_pair_of_their_own_are_joined_by_a_path(world: World) -> None:
    together = world.rows(
        f"SELECT person_id, list({KEY}) AS records FROM '{{release}}/crosswalk.parquet' GROUP BY person_id HAVING count(*) > 3"
    )
    paths = []
    for person in together[:20]:
        left, right = min(person["records"]), max(person["records"])
        path = pair_story(world, left, right).path
        assert path[0] == left and path[-1] == right
        paths.append(path)
    assert any(len(path) > 2 for path in paths)


# What is hidden, and what cannot be told


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_personal_value_appears_unless_a_steward_asks(world: World, language: str) -> None:
    person = linked_person(world)
    fields = ("full_name", "identity_number", "phone", "hukou_address", "residence_address", "birth_date")
    golden = world.one(f"SELECT * FROM '{{release}}/persons.parquet' WHERE person_id = '{person}'")
    offered = world.rows(f"SELECT field, value FROM '{{release}}/values.parquet' WHERE person_id = '{person}'")
    sentinels = {str(golden[f]) for f in fields if golden[f]}
    sentinels |= {row["value"].removesuffix(" day") for row in offered if row["field"] in fields}
    assert len(sentinels) >= 6
    home = person_story(world, person).households[0].household_id
    masked = [
        world.text(person, language=language),
        world.text(home, language=language),
        json.dumps(as_facts(world.tell(person)), ensure_ascii=False, default=str),
        json.dumps(as_facts(world.tell(home)), ensure_ascii=False, default=str),
    ]
    assert [s for s in sentinels if any(s in text for text in masked)] == []
    unmasked = world.text(person, language=language, unmasked=True)
    assert [s for s in sentinels if s not in unmasked] == []


@pytest.mark.parametrize(
    ("subjects", "said"),
    [
        (("P0000000000000000",), "has no person, household or retired id 'P0000000000000000'"),
        (("330106198503121234",), "'330**************4'"),
        (("police:nobody",), "has no record police:nobody"),
        (("police:330106198503121234",), "has no record police:330**************4"),
    ],
)
def test_what_is_not_there_is_said_with_a_remedy(world: World, subjects: tuple[str, ...], said: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        world.tell(*subjects)
    assert said in error.value.what
    assert "<source>:<record_id>" in error.value.remedy


def test_one_record_twice_is_no_pair(world: World) -> None:
    with pytest.raises(ConfigurationError, match="are the same"):
        world.tell(world.same[0], world.same[0])


def test_an_unknown_release_names_those_there_are(world: World) -> None:
    with pytest.raises(ConfigurationError) as error:
        world.tell(linked_person(world), release="2026-01-01-00000000")
    assert world.second in error.value.remedy


@pytest.fixture
def without_runs(world: World, tmp_path: Path) -> World:
    """The same state after retention took the runs."""
    (tmp_path / "releases").symlink_to(world.state / "releases")
    (tmp_path / "CURRENT").write_text(world.second, encoding="utf-8")
    return replace(world, state=tmp_path)


def test_when_the_run_is_deleted_the_release_is_told(world: World, without_runs: World) -> None:
    person = linked_person(world)
    text = without_runs.text(person)
    assert "该夜的工作表已按保留期删除" in text
    assert "最强的关联是" in text and "先验" not in text and "没有归入的相近记录" not in text
    assert "公安·户籍常住人口" in text, "names come from today's configuration"
    pair = without_runs.text(*world.different)
    assert "两者不是同一人" in pair and "无法再打分" in pair
    records = [record.record for record in person_story(world, person).records]
    assert "逐项权重不能再显示" in without_runs.text(records[0], records[-1])


# The command line


def test_the_command_prints_and_stays_light(world: World) -> None:
    person = linked_person(world)
    done = cli(person, "--state", world.state, "--english")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"Person {person}\n")
    as_json = cli(person, "--state", world.state, "--json")
    facts = json.loads(as_json.stdout)
    assert (facts["kind"], facts["person_id"], facts["notes"]["night"]) == ("person", person, "2026-03-03")
    assert date.fromisoformat(facts["records"][0]["since"]["night"]) == date(2026, 3, 2)
    code = (
        "import sys; from pathlib import Path; import linkage.cli; from linkage.explain.tell import tell; import linkage.explain.text; "
        f"tell(Path({str(world.state)!r}), {person!r}); "
        "print([m for m in ('splink', 'great_expectations', 'pandas', 'sqlalchemy', 'airflow') if m in sys.modules])"
    )
    light = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert light.stdout.strip() == "[]"


def test_the_command_answers_an_unknown_id_in_two_lines(world: World) -> None:
    done = cli("P0000000000000000", "--state", world.state)
    assert done.returncode == 2
    assert done.stdout == "" and "Traceback" not in done.stderr
    assert "P0000000000000000" in done.stderr and "  -> " in done.stderr


def test_personal_values_go_to_a_terminal_only(world: World) -> None:
    person = linked_person(world)
    name = world.one(f"SELECT full_name FROM '{{release}}/persons.parquet' WHERE person_id = '{person}'")["full_name"]
    piped = cli(person, "--state", world.state, "--unmasked")
    assert (piped.returncode, piped.stdout) == (2, "")
    assert name not in piped.stderr and "on a terminal only" in piped.stderr
    terminal, end = pty.openpty()
    command = [sys.executable, "-m", "linkage.cli", "explain", person, "--state", str(world.state), "--unmasked"]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=end) as shown:
        os.close(end)
        text = b""
        try:
            while part := os.read(terminal, 65536):
                text += part
        except OSError:  # Linux says so when the other end is closed
            pass
    os.close(terminal)
    assert shown.returncode == 0
    assert name in text.decode()


def test_nothing_is_written(world: World) -> None:
    before = {p: p.stat().st_mtime_ns for p in State(world.state).root.rglob("*")}
    world.text(linked_person(world), unmasked=True)
    pair_story(world, *world.different)
    assert {p: p.stat().st_mtime_ns for p in State(world.state).root.rglob("*")} == before
