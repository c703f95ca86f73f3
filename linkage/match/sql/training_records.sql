-- What training needs to know about each record: a label of pairs that are surely one person although no number was
-- looked at (name, birth day and home agree), and a key under which a person counts once for term frequencies.
CREATE OR REPLACE TEMP TABLE training_records AS
SELECT
    unique_id,
    name || '|' || birth_day || '|' || coalesce(dwellings[1], phones[1]) AS name_birth_label,
    coalesce(number, name || '|' || CAST(birth_date AS VARCHAR), CAST(unique_id AS VARCHAR)) AS person_like_key
FROM match_features;
