-- Persons of one household: registered under one household number, or living in one dwelling. Collective is a dwelling with
-- $collective_members residents or more, or with $collective_unrelated_members or more of whom at least half are unrelated to its head.
CREATE OR REPLACE TEMP TABLE household_groups AS
WITH unrelated AS (
    SELECT DISTINCT person_id FROM person_records WHERE relation_to_head BETWEEN '93' AND '99'
), hukou AS (
    SELECT 'hukou' AS family, 'household_number' AS basis, basis_key, person_id, relation_to_head, started_on, observed_on,
           count(*) FILTER (household_kind = 'collective') OVER (PARTITION BY basis_key) * 2 > count(*) OVER (PARTITION BY basis_key) AS collective
    FROM hukou_evidence
), residence AS (
    SELECT 'residence' AS family, CASE WHEN dwelling_code IS NOT NULL THEN 'dwelling_code' ELSE 'dwelling_key' END AS basis, basis_key,
           person_id, relation_to_head, started_on, observed_on,
           count(*) OVER (PARTITION BY basis_key) >= $collective_members
               OR (count(*) OVER (PARTITION BY basis_key) >= $collective_unrelated_members
                   AND count(*) FILTER (person_id IN (FROM unrelated)) OVER (PARTITION BY basis_key) * 2 >= count(*) OVER (PARTITION BY basis_key)) AS collective
    FROM residence_choices
)
SELECT family, CASE WHEN collective THEN 'collective' ELSE family END AS kind, min(basis) OVER (PARTITION BY family, basis_key) AS basis, basis_key,
       person_id, relation_to_head, started_on, observed_on
FROM (SELECT * FROM hukou UNION ALL SELECT * FROM residence);
