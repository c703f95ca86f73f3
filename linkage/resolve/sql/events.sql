-- What changed since the release before, and why. The first of these that holds is the cause: a judgement that joined or parted the
-- very persons of the event; records of theirs that are new, changed or withdrawn; a judgement that joined or parted one of them
-- and somebody else; what was switched since the release before ("switches"); other persons' records; that a day passed.
CREATE OR REPLACE TEMP TABLE changed_records AS
SELECT person_before AS person_id, record_key FROM record_changes WHERE change <> 'moved' AND person_before IS NOT NULL
UNION SELECT person_now, record_key FROM record_changes WHERE change <> 'moved' AND person_now IS NOT NULL;

-- Judgements that show tonight: two records that were apart are together, or the other way round. What takes one back tonight may do either.
CREATE OR REPLACE TEMP TABLE judged_persons AS
WITH deciding AS (
    SELECT judgement_id, false AS lets_go, verdict, record_key_l, record_key_r FROM judgements WHERE verdict <> 'unsure'
    UNION ALL
    SELECT judgement_id, true, verdict, current_key_l, current_key_r FROM anchored_judgements WHERE lets_go
)
SELECT DISTINCT d.judgement_id, unnest([l.previous_person_id, r.previous_person_id, l.person_id, r.person_id]) AS person_id
FROM deciding d JOIN person_nodes l ON l.record_key = d.record_key_l JOIN person_nodes r ON r.record_key = d.record_key_r
WHERE (d.lets_go OR (d.verdict = 'same') = (l.person_id = r.person_id))
  AND (l.person_id = r.person_id) <> coalesce(l.previous_person_id = r.previous_person_id, false);

-- What else may explain an event: the likeliest switch, other records, or nothing but the date.
CREATE OR REPLACE TEMP TABLE remaining_cause AS
SELECT coalesce((SELECT arg_min(struct_pack(cause := cause, detail := detail), rank) FROM switches),
                CASE WHEN EXISTS (SELECT 1 FROM record_changes) THEN struct_pack(cause := 'source_data', detail := 'other_records')
                     ELSE struct_pack(cause := 'night', detail := CAST(NULL AS VARCHAR)) END) AS c;

CREATE OR REPLACE TEMP TABLE caused_person_events AS
WITH concerned AS (
    SELECT subject_id, kind, related_id, subject_id AS person_id FROM person_events
    UNION ALL SELECT subject_id, kind, related_id, related_id FROM person_events WHERE related_id <> ''
), changed AS (
    SELECT subject_id, kind, related_id, list_sort(list(DISTINCT record_key)) AS changed FROM concerned JOIN changed_records USING (person_id) GROUP BY ALL
), by_judgement AS (
    SELECT subject_id, kind, related_id, judgement_id, count(DISTINCT person_id) AS persons FROM concerned JOIN judged_persons USING (person_id) GROUP BY ALL
), judged AS (
    SELECT subject_id, kind, related_id, min(judgement_id) AS touching, min(judgement_id) FILTER (persons = CASE WHEN related_id = '' THEN 1 ELSE 2 END) AS direct
    FROM by_judgement GROUP BY ALL
)
SELECT e.subject_id, e.kind, e.related_id,
       CASE WHEN j.direct IS NOT NULL THEN struct_pack(cause := 'judgement', detail := j.direct, records := e.records)
            WHEN c.changed IS NOT NULL THEN struct_pack(cause := 'source_data', detail := CAST(NULL AS VARCHAR), records := c.changed)
            WHEN j.touching IS NOT NULL THEN struct_pack(cause := 'judgement', detail := j.touching, records := e.records)
            ELSE struct_pack(cause := r.c.cause, detail := r.c.detail, records := e.records) END AS why
FROM person_events e LEFT JOIN changed c USING (subject_id, kind, related_id) LEFT JOIN judged j USING (subject_id, kind, related_id), remaining_cause r;

-- A household changes with its members: with the one that the event names before the others.
CREATE OR REPLACE TEMP TABLE caused_household_events AS
WITH living AS (
    SELECT household_id, person_id FROM previous_members WHERE valid_to IS NULL UNION SELECT household_id, person_id FROM members WHERE valid_to IS NULL
), concerned AS (
    SELECT subject_id, kind, related_id, related_id AS person_id, 0 AS distance FROM household_events WHERE related_id <> ''
    UNION ALL
    SELECT e.subject_id, e.kind, e.related_id, l.person_id, 1 FROM household_events e JOIN living l ON l.household_id = e.subject_id WHERE l.person_id <> e.related_id
), person_why AS (
    SELECT person_id, arg_min(why, (why.cause <> 'judgement', kind, subject_id, related_id)) AS why
    FROM (SELECT subject_id AS person_id, * FROM caused_person_events UNION ALL SELECT related_id, * FROM caused_person_events WHERE related_id <> '') GROUP BY person_id
), changed AS (
    SELECT subject_id, kind, related_id, distance, list_sort(list(DISTINCT record_key)) AS records FROM concerned JOIN changed_records USING (person_id) GROUP BY ALL
), reasons AS (
    SELECT subject_id, kind, related_id, distance * 10 + CASE WHEN why.cause = 'judgement' THEN 0 ELSE 2 END AS rank, person_id, why FROM concerned JOIN person_why USING (person_id)
    UNION ALL
    SELECT subject_id, kind, related_id, distance * 10 + 1, '', struct_pack(cause := 'source_data', detail := CAST(NULL AS VARCHAR), records := records) FROM changed
), best AS (
    SELECT subject_id, kind, related_id, arg_min(why, (rank, person_id)) AS why FROM reasons GROUP BY ALL
)
SELECT e.subject_id, e.kind, e.related_id, coalesce(b.why, struct_pack(cause := r.c.cause, detail := r.c.detail, records := CAST(NULL AS VARCHAR[]))) AS why
FROM household_events e LEFT JOIN best b USING (subject_id, kind, related_id), remaining_cause r;

CREATE OR REPLACE TEMP TABLE events AS
SELECT subject_id, subject, kind, related_id, '' AS field, CAST($night AS DATE) AS night, why.cause AS cause, why.detail AS cause_detail, why.records AS records
FROM (SELECT 'person' AS subject, * FROM caused_person_events UNION ALL SELECT 'household', * FROM caused_household_events);
