-- Yesterday's id where one was kept, an ended one where it came back, a new one elsewhere.
CREATE OR REPLACE TEMP TABLE household_id_map AS
SELECT family, basis_key, household_id, NULL AS beginning FROM kept_household_ids
UNION ALL
SELECT family, basis_key, household_id, 'revived' FROM revived_household_ids
UNION ALL
SELECT family, basis_key, household_id, 'appeared' FROM fresh_household_ids;
