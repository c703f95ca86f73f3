-- Where the records of each retired id are tonight: with the cluster that holds most of its own (then: most of all, a cluster without
-- an id, the smallest record key). Without an id that cluster gets the retired one back; of several the one with most records there.
CREATE OR REPLACE TEMP TABLE former_homes AS
SELECT n.cluster, f.person_id, count(*) AS shared, count(*) FILTER (f.own) AS own
FROM previous_former_records f JOIN clustered_nodes n USING (record_key) LEFT JOIN kept_ids k USING (cluster)
GROUP BY n.cluster, f.person_id
QUALIFY row_number() OVER (PARTITION BY f.person_id ORDER BY count(*) FILTER (f.own) DESC, count(*) DESC, any_value(k.cluster) IS NOT NULL, min(n.record_key)) = 1;

CREATE OR REPLACE TEMP TABLE revived_ids AS
SELECT cluster, person_id FROM former_homes WHERE cluster NOT IN (SELECT cluster FROM kept_ids)
QUALIFY row_number() OVER (PARTITION BY cluster ORDER BY shared DESC, own DESC, person_id) = 1;

CREATE OR REPLACE TEMP TABLE new_clusters AS
SELECT cluster, min(record_key) AS first_key FROM clustered_nodes
WHERE cluster NOT IN (SELECT cluster FROM kept_ids) AND cluster NOT IN (SELECT cluster FROM revived_ids) GROUP BY cluster;
