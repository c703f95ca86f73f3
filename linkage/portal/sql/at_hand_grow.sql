-- One step further: what the records just reached could end up with (see review/component.py, which does the same for one case).
-- $least: the lowest weight in bits at which any two records join.
INSERT INTO reached SELECT record_key FROM newly_reached;

CREATE OR REPLACE TEMP TABLE next_reached AS
WITH persons AS (
    SELECT person_id FROM crosswalk WHERE source || ':' || record_id IN (SELECT record_key FROM newly_reached)
), former AS (
    SELECT person_id FROM former_records WHERE record_key IN (SELECT record_key FROM newly_reached)
)
SELECT source || ':' || record_id AS record_key FROM crosswalk WHERE person_id IN (SELECT person_id FROM persons)
UNION SELECT record_key_l FROM scored_pairs WHERE match_weight >= $least AND record_key_r IN (SELECT record_key FROM newly_reached)
UNION SELECT record_key_r FROM scored_pairs WHERE match_weight >= $least AND record_key_l IN (SELECT record_key FROM newly_reached)
UNION SELECT record_key FROM former_records WHERE person_id IN (SELECT person_id FROM former);

CREATE OR REPLACE TEMP TABLE newly_reached AS SELECT record_key FROM next_reached EXCEPT SELECT record_key FROM reached;
