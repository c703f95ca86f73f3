-- What stewards said of pairs of training records: of several verdicts about one pair the newest counts that nobody took back, and unsure says nothing.
CREATE OR REPLACE TEMP TABLE judged_pairs AS
WITH newest AS (
    SELECT record_key_l, record_key_r, arg_max(verdict, (decided_at, judgement_id)) AS verdict FROM judgements
    WHERE verdict <> 'withdrawn' AND judgement_id NOT IN (SELECT takes_back FROM judgements WHERE takes_back IS NOT NULL) GROUP BY ALL
)
SELECT l.unique_id AS unique_id_l, r.unique_id AS unique_id_r, verdict
FROM newest JOIN match_features l ON l.record_key = record_key_l JOIN match_features r ON r.record_key = record_key_r
WHERE verdict IN ('same', 'different');
