-- Yesterday's id where one was kept, a retired one where it came back, a new one elsewhere.
CREATE OR REPLACE TEMP TABLE cluster_ids AS
SELECT cluster, person_id, false AS is_new FROM kept_ids
UNION ALL SELECT cluster, person_id, false FROM revived_ids
UNION ALL SELECT cluster, person_id, true FROM fresh_ids;
