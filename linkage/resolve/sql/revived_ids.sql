-- Where the records of each retired id are tonight: with the cluster that holds most of its own (then: most of all, the smallest record key).
CREATE OR REPLACE TEMP TABLE former_shares AS
SELECT n.cluster, f.person_id, count(*) AS shared, count(*) FILTER (f.own) AS own, min(n.record_key) AS first_key
FROM previous_former_records f JOIN clustered_nodes n USING (record_key) GROUP BY n.cluster, f.person_id;

CREATE OR REPLACE TEMP TABLE former_homes AS
SELECT cluster, person_id FROM former_shares QUALIFY row_number() OVER (PARTITION BY person_id ORDER BY own DESC, shared DESC, first_key) = 1;

-- Where no cluster holds more of them than one without an id, that cluster gets the retired one back; of several the one with most records there.
CREATE OR REPLACE TEMP TABLE revived_ids AS
WITH homes AS (
    SELECT s.*, k.cluster IS NULL AS is_free FROM former_shares s LEFT JOIN kept_ids k USING (cluster)
    QUALIFY row_number() OVER (PARTITION BY s.person_id ORDER BY s.own DESC, s.shared DESC, k.cluster IS NULL DESC, s.first_key) = 1
)
SELECT cluster, person_id FROM homes WHERE is_free
QUALIFY row_number() OVER (PARTITION BY cluster ORDER BY shared DESC, own DESC, person_id) = 1;

CREATE OR REPLACE TEMP TABLE new_clusters AS
SELECT cluster, min(record_key) AS first_key FROM clustered_nodes
WHERE cluster NOT IN (SELECT cluster FROM kept_ids) AND cluster NOT IN (SELECT cluster FROM revived_ids) GROUP BY cluster;
