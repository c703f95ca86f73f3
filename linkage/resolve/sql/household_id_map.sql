-- Yesterday's id where one was kept, a new one elsewhere.
CREATE OR REPLACE TEMP TABLE household_id_map AS
SELECT family, basis_key, household_id, false AS is_new FROM kept_household_ids
UNION ALL
SELECT family, basis_key, household_id, true FROM fresh_household_ids;
