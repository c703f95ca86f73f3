-- One round: each id that is still free goes to the free cluster with most of its own records (then: most of its records, the smallest
-- record key). A cluster to which several went keeps the id of a person none of whose records changed (then: most records, most
-- of its own, the smaller id). The rest try again next round, until nothing is left to claim.
INSERT INTO kept_ids
WITH chosen AS (
    SELECT * FROM claims QUALIFY row_number() OVER (PARTITION BY person_id ORDER BY own DESC, shared DESC, first_key) = 1
)
SELECT cluster, person_id FROM chosen
QUALIFY row_number() OVER (PARTITION BY cluster ORDER BY quiet DESC, shared DESC, own DESC, person_id) = 1;

DELETE FROM claims WHERE cluster IN (SELECT cluster FROM kept_ids) OR person_id IN (SELECT person_id FROM kept_ids);
