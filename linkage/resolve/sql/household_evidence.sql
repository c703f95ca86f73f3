-- Where each person is registered (hukou) and where each lives (residence), one row per person and kind.
-- residence_evidence(feed, use, presence_not, rank) comes from config/resolve.yaml.
CREATE OR REPLACE TEMP TABLE person_records AS
SELECT l.person_id, r.* FROM common_records r JOIN links l USING (source, record_id);

CREATE OR REPLACE TEMP TABLE hukou_evidence AS
SELECT person_id, household_number AS basis_key, household_kind, relation_to_head, head_name_key, started_on, observed_on, record_key
FROM person_records
WHERE feed = 'police_hukou' AND household_number IS NOT NULL AND coalesce(person_status, 'alive') = 'alive'
QUALIFY row_number() OVER (PARTITION BY person_id ORDER BY observed_on DESC NULLS LAST, record_key) = 1;

CREATE OR REPLACE TEMP TABLE dead_persons AS
SELECT DISTINCT person_id FROM person_records WHERE person_status = 'deceased';

-- A dwelling written as an address and the same dwelling's code: the code seen most often with an address stands for it.
CREATE OR REPLACE TEMP TABLE dwelling_codes AS
SELECT residence_dwelling_key AS dwelling_key, arg_max(dwelling_code, (n, dwelling_code)) AS dwelling_code
FROM (SELECT residence_dwelling_key, dwelling_code, count(*) AS n FROM person_records
      WHERE residence_dwelling_key IS NOT NULL AND dwelling_code IS NOT NULL GROUP BY ALL)
GROUP BY ALL;

CREATE OR REPLACE TEMP TABLE residence_evidence_rows AS
WITH candidates AS (
    SELECT p.person_id, e.rank, p.observed_on, p.record_key, p.relation_to_head, p.started_on,
           CASE WHEN e.use = 'hukou' THEN p.hukou_dwelling_key ELSE p.residence_dwelling_key END AS dwelling_key,
           CASE WHEN e.use = 'hukou' THEN NULL ELSE p.dwelling_code END AS dwelling_code
    FROM person_records p JOIN residence_evidence e ON e.feed = p.feed
    WHERE p.person_id NOT IN (SELECT person_id FROM dead_persons)
      AND p.ended_on IS NULL AND coalesce(p.person_status, 'alive') = 'alive'
      AND (e.presence_not IS NULL OR coalesce(p.presence, '') <> e.presence_not)
)
SELECT c.person_id, coalesce(c.dwelling_code, d.dwelling_code, c.dwelling_key) AS basis_key,
       coalesce(c.dwelling_code, d.dwelling_code) AS dwelling_code, c.dwelling_key, c.relation_to_head, c.started_on, c.observed_on, c.record_key
FROM candidates c LEFT JOIN dwelling_codes d USING (dwelling_key)
WHERE coalesce(c.dwelling_code, c.dwelling_key) IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY c.person_id ORDER BY c.rank, c.observed_on DESC NULLS LAST, c.record_key) = 1;
