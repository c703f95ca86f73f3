-- What the resolver needs of the release of the night before; previous_<table> are views of its files, empty on the first night.
CREATE OR REPLACE TEMP VIEW previous_household_bases AS
SELECT household_id, CASE WHEN household_number IS NOT NULL THEN 'hukou' ELSE 'residence' END AS family,
       coalesce(household_number, dwelling_code) AS place, head_person_id
FROM previous_households;
