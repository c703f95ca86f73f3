-- The resolver's cases and, behind them, the quality sample: blind, so neither weight nor persons tell what the machine decided. $pairs_per_stratum
CREATE OR REPLACE TEMP TABLE review_cases AS
SELECT * FROM resolver_cases
UNION ALL BY NAME
SELECT 'C' || left(sha256('quality_sample ' || record_key_l || ' ' || record_key_r), 16) AS case_id, 'quality_sample' AS kind,
       [record_key_l, record_key_r] AS records, CAST([] AS VARCHAR[]) AS person_ids, CAST(NULL AS DOUBLE) AS match_weight, 0.0 AS priority,
       '质量抽查：这两条记录是同一人吗' AS reason, 'quality check: are these two records one person' AS reason_en
FROM quality_pairs WHERE verdict IS NULL AND open_so_far <= $pairs_per_stratum;
