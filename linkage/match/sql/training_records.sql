-- What training needs to know about each record: labels of pairs that are surely one person although the compared field was not looked
-- at, and a key under which a person counts once for term frequencies.
-- A record with a good number is as a rule a careful one: how often a name or a date is wrong must be learned where it matters, on records
-- without a number. So the labels without number take one numbered record of each group, not all; and a group with two good numbers is
-- no person but twins, or father and son.
CREATE OR REPLACE TEMP TABLE training_homes AS
SELECT unique_id, good_number, name || '|' || home AS name_home, birth_day || '|' || sex || '|' || home AS birth_home
FROM (SELECT *, coalesce(dwellings[1], phones[1]) AS home FROM match_features);

CREATE OR REPLACE TEMP MACRO sparing_label(label, number) AS
    CASE WHEN min(number) OVER (PARTITION BY label) IS DISTINCT FROM max(number) OVER (PARTITION BY label) THEN NULL
         WHEN number IS NULL OR row_number() OVER (PARTITION BY label, number ORDER BY h.unique_id) = 1 THEN label END;

CREATE OR REPLACE TEMP TABLE training_records AS
SELECT
    f.unique_id,
    f.name || '|' || f.birth_day || '|' || coalesce(f.dwellings[1], f.phones[1]) AS name_birth_label,
    sparing_label(h.name_home, h.good_number) AS name_home_label,
    sparing_label(h.birth_home, h.good_number) AS birth_home_label,
    coalesce(f.number, f.name || '|' || CAST(f.birth_date AS VARCHAR), CAST(f.unique_id AS VARCHAR)) AS person_like_key
FROM match_features f JOIN training_homes h USING (unique_id);
