-- Persons of one household: same police household number, or same dwelling. $collective_members: from so many residents on, collective.
CREATE OR REPLACE TEMP TABLE household_groups AS
WITH hukou AS (
    SELECT 'hukou' AS family, 'household_number' AS basis, basis_key, person_id, relation_to_head, started_on, observed_on,
           count(*) FILTER (household_kind = 'collective') OVER (PARTITION BY basis_key) * 2 > count(*) OVER (PARTITION BY basis_key) AS collective
    FROM hukou_evidence
), residence AS (
    SELECT 'residence' AS family, CASE WHEN dwelling_code IS NOT NULL THEN 'dwelling_code' ELSE 'dwelling_key' END AS basis, basis_key,
           person_id, relation_to_head, started_on, observed_on,
           count(*) OVER (PARTITION BY basis_key) >= $collective_members AS collective
    FROM residence_evidence_rows
)
SELECT family, CASE WHEN collective THEN 'collective' ELSE family END AS kind, min(basis) OVER (PARTITION BY family, basis_key) AS basis, basis_key,
       person_id, relation_to_head, started_on, observed_on
FROM (SELECT * FROM hukou UNION ALL SELECT * FROM residence);

-- The head: who says so (relation 01 or 02), of several the one observed last; else, in a residence, the head of a hukou household
-- who lives there. A collective household has none.
CREATE OR REPLACE TEMP TABLE household_heads AS
WITH declared AS (
    SELECT g.family, g.basis_key, g.person_id, 0 AS rank, g.observed_on
    FROM household_groups g WHERE g.kind <> 'collective' AND g.relation_to_head IN ('01', '02')
), hukou_heads AS (
    SELECT r.family, r.basis_key, r.person_id, 1 AS rank, h.observed_on
    FROM household_groups r JOIN household_groups h ON h.person_id = r.person_id AND h.family = 'hukou' AND h.relation_to_head IN ('01', '02') AND h.kind <> 'collective'
    WHERE r.family = 'residence' AND r.kind <> 'collective'
)
SELECT family, basis_key, arg_min(person_id, (rank, -coalesce(epoch(CAST(observed_on AS TIMESTAMP)), 0), person_id)) AS head_person_id
FROM (SELECT * FROM declared UNION ALL SELECT * FROM hukou_heads) GROUP BY ALL;
