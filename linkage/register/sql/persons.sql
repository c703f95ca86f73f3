-- The golden person: one row per person, each field's winner; division, street, dwelling and grid come with the winning address.
CREATE OR REPLACE TEMP TABLE golden_wide AS
PIVOT (SELECT person_id, field, value FROM golden_values)
ON field IN ('identity_number', 'full_name', 'former_name', 'sex', 'birth_date', 'ethnicity', 'nationality', 'marital_status', 'education',
             'phone', 'hukou_address', 'residence_address', 'tenure') USING any_value(value) GROUP BY person_id;

-- Where the winning addresses are. A person may live where another record, or the same, says that he is registered: then the place is that of
-- the registered address, and never the home village of somebody who only rents here.
CREATE OR REPLACE TEMP TABLE winning_places AS
WITH won AS (
    SELECT g.field, r.*,
           g.field = 'residence_address' AND g.value IS DISTINCT FROM coalesce(t.address, r.residence_address) AS lives_where_registered
    FROM golden_values g JOIN person_records r ON r.source = g.source AND r.record_id = g.record_id
    LEFT JOIN dwelling_texts t ON t.dwelling_key = r.residence_dwelling_key
    WHERE g.field IN ('hukou_address', 'residence_address')
)
SELECT person_id,
       any_value(hukou_division_code) FILTER (field = 'hukou_address') AS hukou_division_code,
       any_value(CASE WHEN lives_where_registered THEN hukou_division_code ELSE residence_division_code END) FILTER (field = 'residence_address') AS residence_division_code,
       any_value(CASE WHEN lives_where_registered THEN hukou_street ELSE residence_street END) FILTER (field = 'residence_address') AS residence_street,
       any_value(CASE WHEN lives_where_registered THEN hukou_community ELSE residence_community END) FILTER (field = 'residence_address') AS residence_community,
       any_value(CASE WHEN lives_where_registered THEN hukou_dwelling_key ELSE residence_dwelling_key END) FILTER (field = 'residence_address') AS dwelling_key
FROM won GROUP BY person_id;

-- Dwelling code, community and grid of a dwelling, as most records of it say.
CREATE OR REPLACE TEMP TABLE dwelling_facts AS
WITH seen AS (SELECT residence_dwelling_key AS dwelling_key, dwelling_code, grid_code, residence_community AS community FROM common_records WHERE residence_dwelling_key IS NOT NULL)
SELECT dwelling_key, mode(dwelling_code ORDER BY dwelling_code) AS dwelling_code, mode(grid_code ORDER BY grid_code) AS grid_code, mode(community ORDER BY community) AS community
FROM seen GROUP BY dwelling_key;

CREATE OR REPLACE TEMP TABLE person_facts AS
SELECT person_id, count(*) AS records, list_sort(list(DISTINCT source)) AS sources,
       arg_max(household_number, (coalesce(observed_on, DATE '1900-01-01'), record_key)) FILTER (feed = 'police_hukou') AS household_number
FROM person_records GROUP BY person_id;

CREATE OR REPLACE TEMP TABLE persons AS
SELECT f.person_id, w.identity_number, n.identity_kind, n.identity_grade, w.full_name, w.former_name, w.sex,
       CAST(split_part(w.birth_date, ' ', 1) AS DATE) AS birth_date, split_part(w.birth_date, ' ', 2) AS birth_date_precision,
       w.ethnicity, w.nationality, w.marital_status, w.education, w.phone, w.hukou_address, p.hukou_division_code, w.residence_address,
       p.residence_division_code, p.residence_street, coalesce(p.residence_community, d.community) AS residence_community, d.dwelling_code, d.grid_code,
       f.household_number, w.tenure, s.status, s.status_on, f.records, f.sources, round(c.confidence, 6) AS confidence,
       coalesce(b.first_night, CAST($night AS DATE)) AS first_night
FROM person_facts f
LEFT JOIN golden_wide w USING (person_id)
LEFT JOIN golden_numbers n USING (person_id)
LEFT JOIN winning_places p USING (person_id)
LEFT JOIN dwelling_facts d USING (dwelling_key)
JOIN person_status s USING (person_id)
JOIN (SELECT person_id, min(confidence) AS confidence FROM links GROUP BY person_id) c USING (person_id)
LEFT JOIN first_nights b USING (person_id);
