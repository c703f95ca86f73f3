-- The subgroups of each true person, as of the night.
CREATE OR REPLACE TEMP TABLE numbered AS
SELECT DISTINCT x.true_person_id FROM cells x JOIN persons p USING (person_id) WHERE p.identity_number IS NOT NULL;

CREATE OR REPLACE TEMP TABLE homes AS
SELECT true_person_id, dob, unnest([hukou_household_id, actual_household_id]) AS home,
       unnest([coalesce(hukou_collective, false), coalesce(actual_collective, false)]) AS collective
FROM truth_persons;

-- Who was born on one day in one home are twins here; who shares that home are their surroundings.
CREATE OR REPLACE TEMP TABLE twin_births AS
SELECT home, dob FROM homes WHERE coalesce(home, '') <> '' AND NOT collective
GROUP BY home, dob HAVING count(DISTINCT true_person_id) > 1;

CREATE OR REPLACE TEMP TABLE subgroups AS
WITH judged AS (
    SELECT true_person_id, [
        struct_pack(name := 'all', holds := true),
        struct_pack(name := 'minority', holds := name LIKE '%·%' OR coalesce(ethnicity, '') NOT IN ('', '汉族', '汉')),
        struct_pack(name := 'under_1', holds := dob > $night - INTERVAL 1 YEAR),
        struct_pack(name := 'over_80', holds := dob <= $night - INTERVAL 80 YEAR),
        struct_pack(name := 'twins', holds := true_person_id IN (SELECT true_person_id FROM homes SEMI JOIN twin_births USING (home, dob))),
        struct_pack(name := 'around_twins', holds := true_person_id IN (SELECT true_person_id FROM homes SEMI JOIN twin_births USING (home))),
        struct_pack(name := 'migrant', holds := coalesce(hukou_household_id, '') = '' AND alive AND present),
        struct_pack(name := 'foreign', holds := coalesce(other_document, '') <> '' OR regexp_matches(name, '[A-Za-z]')),
        struct_pack(name := 'without_number', holds := coalesce(id_no, '') = '' OR true_person_id NOT IN (SELECT true_person_id FROM numbered)),
        struct_pack(name := 'lives_elsewhere', holds := coalesce(hukou_household_id, '') <> '' AND present AND hukou_address <> actual_address)
    ] AS groups
    FROM truth_persons
)
SELECT true_person_id, unnest(list_transform(list_filter(groups, lambda g: g.holds), lambda g: g.name)) AS subgroup FROM judged;
