-- Expected error without truth: a pair of weight w is a match with probability 2^w / (1 + 2^w). Wrong links are the improbable pairs
-- inside persons, missed links the probable ones between persons; guarded pairs are left out.
CREATE OR REPLACE TEMP TABLE estimated_error AS
WITH pairs AS (
    SELECT 1 / (1 + pow(2, -least(p.match_weight, 60))) AS probability, l.person_id = r.person_id AS linked, len(p.guards) > 0 AS guarded
    FROM scored_pairs p JOIN links l ON l.record_key = p.record_key_l JOIN links r ON r.record_key = p.record_key_r
)
SELECT count(*) FILTER (linked) AS linked_pairs, sum(1 - probability) FILTER (linked) AS wrong_links,
       sum(probability) FILTER (NOT linked AND NOT guarded) AS missed_links,
       1 - sum(1 - probability) FILTER (linked) / nullif(count(*) FILTER (linked), 0) AS expected_precision,
       sum(probability) FILTER (linked) / nullif(sum(probability) FILTER (linked) + coalesce(sum(probability) FILTER (NOT linked AND NOT guarded), 0), 0) AS expected_recall
FROM pairs;
