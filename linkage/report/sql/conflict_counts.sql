-- Contradictions inside one person, worth a steward's look.
CREATE OR REPLACE TEMP TABLE person_checks AS
SELECT l.person_id,
       count(DISTINCT r.identity_number) FILTER (r.identity_grade = 'A' AND r.identity_kind = 'resident_id') AS good_numbers,
       count(DISTINCT r.sex) FILTER (r.sex IN ('1', '2')) AS sexes,
       count(DISTINCT r.household_number) FILTER (r.feed = 'police_hukou' AND coalesce(r.person_status, 'alive') = 'alive') AS hukou,
       bool_or(r.person_status = 'deceased') AS said_dead,
       bool_or(r.feed IN ('civil_elder', 'civil_assist')) AS draws_benefit,
       max(year(r.birth_date)) - min(year(r.birth_date)) AS birth_years
FROM common_records r JOIN links l USING (source, record_id) GROUP BY l.person_id;

CREATE OR REPLACE TEMP TABLE conflict_counts AS
SELECT 1 AS position, '一人名下有两个有效证件号码' AS zh, 'two good identity numbers in one person' AS en, count(*) FILTER (good_numbers > 1) AS persons FROM person_checks
UNION ALL SELECT 2, '已登记死亡仍在领取补贴或救助', 'registered dead and still drawing an allowance', count(*) FILTER (said_dead AND draws_benefit) FROM person_checks
UNION ALL SELECT 3, '一人有两个有效户籍', 'two live household registrations', count(*) FILTER (hukou > 1) FROM person_checks
UNION ALL SELECT 4, '性别登记不一致', 'departments disagree on sex', count(*) FILTER (sexes > 1) FROM person_checks
UNION ALL SELECT 5, '出生年相差十年以上', 'birth years ten or more apart', count(*) FILTER (birth_years >= 10) FROM person_checks;
