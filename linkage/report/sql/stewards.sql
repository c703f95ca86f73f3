-- The cases for the stewards' page, values masked: first character of a name, ends of a number.
CREATE OR REPLACE TEMP MACRO masked_name(v) AS left(v, 1) || repeat('*', greatest(length(v) - 1, 0));
CREATE OR REPLACE TEMP MACRO masked_number(v) AS left(v, 3) || repeat('*', greatest(length(v) - 7, 0)) || right(v, 4);

-- The most urgent cases, and the whole quality sample behind them.
CREATE OR REPLACE TEMP TABLE top_cases AS
(SELECT * FROM review_cases WHERE kind <> 'quality_sample' ORDER BY priority DESC, case_id LIMIT 200)
UNION ALL SELECT * FROM review_cases WHERE kind = 'quality_sample';

-- The records in the order of the case: its reason speaks of the first two.
CREATE OR REPLACE TEMP TABLE case_records AS
SELECT c.case_id, c.place_in_case, r.record_key, CASE WHEN c.kind <> 'quality_sample' THEN l.person_id END AS person_id, -- blind: not what the machine decided
       r.feed, masked_name(r.full_name) AS name, masked_number(coalesce(r.identity_number, r.identity_partial)) AS number,
       r.identity_grade AS grade, r.sex, CAST(year(r.birth_date) AS VARCHAR) || CASE WHEN r.birth_date_precision = 'year' THEN '' ELSE '-**-**' END AS birth,
       left(r.phone, 3) || '****' || right(r.phone, 4) AS phone, coalesce(r.residence_street, '') || coalesce(r.residence_estate, r.hukou_estate, '') AS place, r.observed_on
FROM (SELECT case_id, kind, unnest(records) AS record_key, generate_subscripts(records, 1) AS place_in_case FROM top_cases) c
JOIN common_records r USING (record_key) JOIN links l USING (record_key);
