-- Why a golden field changed. The first of these that holds is the cause: the winning record came from another person (then what
-- moved it); records of this person are new, changed or withdrawn; records came or went with a merge or split; the configuration or
-- the programme was switched; for the status, that a day passed; other persons' records (an address, a household, how common a name is).
CREATE OR REPLACE TEMP TABLE field_events AS
WITH concerned AS (
    SELECT subject_id AS person_id, * FROM resolve_events WHERE subject = 'person'
    UNION ALL SELECT related_id, * FROM resolve_events WHERE subject = 'person' AND related_id <> ''
), membership AS (
    SELECT person_id, arg_min(struct_pack(cause := cause, detail := cause_detail, records := records), (cause <> 'judgement', kind, subject_id, related_id)) AS why
    FROM concerned GROUP BY person_id
), changed AS (
    SELECT person_id, list_sort(list(DISTINCT record_key)) AS records
    FROM (SELECT person_before AS person_id, record_key FROM record_changes WHERE change <> 'moved' UNION ALL
          SELECT person_now, record_key FROM record_changes WHERE change <> 'moved')
    WHERE person_id IS NOT NULL GROUP BY person_id
), moved AS (
    SELECT record_key, person_now AS person_id, true AS moved FROM record_changes WHERE change = 'moved'
), switched AS (
    SELECT arg_min(struct_pack(cause := cause, detail := detail), rank) AS s, (SELECT count(*) > 0 FROM record_changes) AS others FROM switches WHERE cause <> 'model'
), reasoned AS (
    SELECT f.person_id, f.field,
           CASE WHEN w.moved AND m.why IS NOT NULL THEN m.why
                WHEN c.records IS NOT NULL THEN struct_pack(cause := 'source_data', detail := CAST(NULL AS VARCHAR), records := c.records)
                WHEN m.why IS NOT NULL THEN m.why
                WHEN s.s IS NOT NULL THEN struct_pack(cause := s.s.cause, detail := s.s.detail, records := [f.record_key])
                WHEN f.field = 'status' OR NOT s.others THEN struct_pack(cause := 'night', detail := CAST(NULL AS VARCHAR), records := [f.record_key])
                ELSE struct_pack(cause := 'source_data', detail := 'other_records', records := CAST(NULL AS VARCHAR[])) END AS why
    FROM changed_fields f LEFT JOIN membership m USING (person_id) LEFT JOIN changed c USING (person_id) LEFT JOIN moved w USING (person_id, record_key), switched s
)
SELECT person_id AS subject_id, 'person' AS subject, 'field_changed' AS kind, '' AS related_id, field, CAST($night AS DATE) AS night,
       why.cause AS cause, why.detail AS cause_detail, nullif(list_filter(why.records, lambda k: k IS NOT NULL), []) AS records
FROM reasoned;

CREATE OR REPLACE TEMP TABLE events AS SELECT * FROM resolve_events UNION ALL BY NAME SELECT * FROM field_events;
