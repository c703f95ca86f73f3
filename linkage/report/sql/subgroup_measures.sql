-- Are some residents known worse than others? Persons known to one record only, and confidence, by subgroup of living persons.
CREATE OR REPLACE TEMP TABLE subgroup_measures AS
SELECT n.position, n.zh, n.en, count(*) AS persons, avg(p.records) AS records_per_person,
       count(*) FILTER (p.records = 1) / count(*) AS single_share, avg(p.confidence) AS confidence, count(*) FILTER (p.confidence < 0.99) / count(*) AS doubtful_share
FROM persons p JOIN person_subgroups s USING (person_id) JOIN subgroup_names n USING (subgroup)
WHERE p.status = 'alive' GROUP BY n.position, n.zh, n.en;
