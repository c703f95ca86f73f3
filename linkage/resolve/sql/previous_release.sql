-- What the resolver needs of the release of the night before; previous_<table> are views of its files.
CREATE OR REPLACE TEMP VIEW previous_household_bases AS
SELECT household_id, CASE WHEN household_number IS NOT NULL THEN 'hukou' ELSE 'residence' END AS family,
       household_number AS basis_key, head_person_id
FROM previous_households;
