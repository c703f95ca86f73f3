-- The head of each household: the member whom most members' records name, else who calls himself head (relation 01 or 02), of several the one
-- observed last; else, in a residence, the head of a registered household who lives there. A collective household has none.
CREATE OR REPLACE TEMP TABLE household_heads AS
WITH named AS (
    SELECT g.family, g.basis_key, o.person_id, 0 AS rank, count(DISTINCT g.person_id) AS votes, NULL AS observed_on
    FROM household_groups g JOIN named_heads n USING (person_id)
    JOIN household_groups o ON o.family = g.family AND o.basis_key = g.basis_key
    JOIN (SELECT DISTINCT person_id, name_key FROM person_records WHERE name_key IS NOT NULL) k ON k.person_id = o.person_id AND k.name_key = n.head
    WHERE g.family = 'residence' GROUP BY ALL
), declared AS (
    SELECT family, basis_key, person_id, 1 AS rank, 0 AS votes, observed_on FROM household_groups WHERE relation_to_head IN ('01', '02')
), registered AS (
    SELECT r.family, r.basis_key, r.person_id, 2 AS rank, 0 AS votes, h.observed_on
    FROM household_groups r JOIN household_groups h ON h.person_id = r.person_id AND h.family = 'hukou' AND h.relation_to_head IN ('01', '02') AND h.kind <> 'collective'
    WHERE r.family = 'residence'
)
SELECT family, basis_key, arg_min(person_id, (rank, -votes, -coalesce(epoch(CAST(observed_on AS TIMESTAMP)), 0), person_id)) AS head_person_id
FROM (SELECT * FROM named UNION ALL SELECT * FROM declared UNION ALL SELECT * FROM registered)
JOIN (SELECT DISTINCT family, basis_key FROM household_groups WHERE kind <> 'collective') USING (family, basis_key)
GROUP BY ALL;
