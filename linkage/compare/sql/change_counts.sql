-- How many persons, households and review cases would change. Reads record_persons, changed_persons, changed_records, <side>_members, <side>_cases,
-- live_subgroups, subgroup_names.
CREATE OR REPLACE TEMP TABLE person_counts AS
SELECT (SELECT count(DISTINCT live_person) FROM record_persons) AS persons_live, (SELECT count(DISTINCT candidate_person) FROM record_persons) AS persons_candidate,
       coalesce(sum(len(parts)) FILTER (kind = 'merge'), 0) AS persons_merged, count(*) FILTER (kind = 'merge') AS persons_merged_into,
       count(*) FILTER (kind = 'split') AS persons_split, coalesce(sum(len(parts)) FILTER (kind = 'split'), 0) AS persons_split_into
FROM changed_persons;

CREATE OR REPLACE TEMP TABLE feed_counts AS
SELECT feed, count(*) FILTER (kind = 'merge') AS records_merged, count(*) FILTER (kind = 'split') AS records_split FROM changed_records GROUP BY feed;

CREATE OR REPLACE TEMP TABLE subgroup_counts AS
WITH sizes AS (SELECT subgroup, count(*) AS persons FROM live_subgroups GROUP BY subgroup), changed AS (
    SELECT subgroup, count(DISTINCT live_person) FILTER (kind = 'merge') AS persons_merged, count(DISTINCT live_person) FILTER (kind = 'split') AS persons_split
    FROM changed_records JOIN live_subgroups s ON s.person_id = live_person GROUP BY subgroup
)
SELECT n.position, n.zh, n.en, s.persons, coalesce(c.persons_merged, 0) AS persons_merged, coalesce(c.persons_split, 0) AS persons_split
FROM subgroup_names n JOIN sizes s USING (subgroup) LEFT JOIN changed c USING (subgroup);

CREATE OR REPLACE TEMP TABLE household_counts AS
WITH live AS (SELECT household_id, list_sort(list(person_id)) AS members FROM live_members WHERE valid_to IS NULL GROUP BY ALL),
candidate AS (SELECT household_id, list_sort(list(person_id)) AS members FROM candidate_members WHERE valid_to IS NULL GROUP BY ALL)
SELECT count(live.members) AS households_live, count(candidate.members) AS households_candidate, count(*) FILTER (live.members IS NULL) AS households_new,
       count(*) FILTER (candidate.members IS NULL) AS households_gone, count(*) FILTER (live.members <> candidate.members) AS households_with_other_members
FROM live FULL JOIN candidate USING (household_id);

CREATE OR REPLACE TEMP TABLE case_counts AS
SELECT coalesce(l.kind, c.kind) AS kind, count(l.case_id) AS live, count(c.case_id) AS candidate, count(*) FILTER (c.case_id IS NULL) AS only_live, count(*) FILTER (l.case_id IS NULL) AS only_candidate
FROM live_cases l FULL JOIN candidate_cases c USING (case_id) GROUP BY ALL;
