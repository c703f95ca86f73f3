-- One round: each id that is still free goes to the free household with its number or dwelling code (then: most of its members, the smallest
-- key); of several that went to one, the one with the same place stays (then: most members, the smaller id). The rest try again.
INSERT INTO kept_household_ids
WITH chosen AS (
    SELECT * FROM household_claims QUALIFY row_number() OVER (PARTITION BY household_id ORDER BY same_place DESC, shared DESC, basis_key) = 1
)
SELECT family, basis_key, household_id FROM chosen
QUALIFY row_number() OVER (PARTITION BY family, basis_key ORDER BY same_place DESC, shared DESC, household_id) = 1;

DELETE FROM household_claims c
WHERE household_id IN (SELECT household_id FROM kept_household_ids)
   OR EXISTS (SELECT 1 FROM kept_household_ids k WHERE k.family = c.family AND k.basis_key = c.basis_key);
