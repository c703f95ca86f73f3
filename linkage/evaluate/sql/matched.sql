-- Records of the release with the person the truth gives them; true persons with their subgroups.
CREATE OR REPLACE TEMP TABLE matched AS
SELECT c.source, c.record_id, c.person_id, t.true_person_id FROM crosswalk c JOIN truth_records t USING (source, record_id);

-- The true person a register person stands for: the one most of its records belong to.
CREATE OR REPLACE TEMP TABLE person_truth AS
SELECT person_id, arg_max(true_person_id, (n, true_person_id)) AS true_person_id
FROM (SELECT person_id, true_person_id, count(*) AS n FROM matched GROUP BY ALL) GROUP BY person_id;

CREATE OR REPLACE TEMP TABLE family_birthdays AS
SELECT actual_household_id AS household, dob FROM truth_persons
WHERE actual_household_id <> '' GROUP BY ALL HAVING count(*) > 1;

CREATE OR REPLACE TEMP TABLE subgroups AS
SELECT true_person_id, unnest(list_filter([
    'all',
    CASE WHEN name LIKE '%·%' OR ethnicity NOT IN ('', '汉族', '汉') THEN 'minority' END,
    CASE WHEN p.dob > $night - INTERVAL 1 YEAR THEN 'under_1' END,
    CASE WHEN p.dob <= $night - INTERVAL 80 YEAR THEN 'over_80' END,
    CASE WHEN f.household IS NOT NULL THEN 'twins' END,
    CASE WHEN coalesce(hukou_household_id, '') = '' AND alive AND present THEN 'migrant' END,
    CASE WHEN coalesce(other_document, '') <> '' OR regexp_matches(name, '[A-Za-z]') THEN 'foreign' END,
    CASE WHEN n.true_person_id IS NULL THEN 'without_number' END,
    CASE WHEN coalesce(hukou_address, '') <> '' AND hukou_address <> actual_address AND coalesce(hukou_household_id, '') <> '' THEN 'lives_elsewhere' END
], lambda x: x IS NOT NULL)) AS subgroup
FROM truth_persons p
LEFT JOIN family_birthdays f ON f.household = p.actual_household_id AND f.dob = p.dob
LEFT JOIN numbered_persons n USING (true_person_id);
