-- Every case with what decides its place in the queue. cases, people, records and standard_records are what the viewer may see
-- (composed by linkage/portal/review/queue.py; standard_records only of persons with a record that says dead). $high_harm_statuses, $benefit_feeds
WITH dead AS (
    -- Persons of whom one record says dead while another says alive, or was touched after that death: alive or not, or two persons?
    SELECT x.person_id, list(x.record_key ORDER BY x.record_key) AS records
    FROM records x JOIN standard_records r USING (record_key)
    GROUP BY x.person_id
    HAVING count(*) FILTER (r.person_status = 'deceased') > 0
       AND bool_or(coalesce(r.person_status, 'alive') = 'alive' AND (r.person_status = 'alive' OR r.observed_on > r.died_on))
), every_case AS (
    SELECT case_id, kind, records, person_ids, match_weight, priority, reason, reason_en FROM cases
    UNION ALL
    SELECT 'C' || left(sha256('possible_death ' || array_to_string(records, ' ')), 16), 'possible_death', records, [person_id], CAST(NULL AS DOUBLE), 45.0,
           '有记录登记死亡，另有记录称在世或其后仍有更新', 'one record says dead, another says alive or was touched since'
    FROM dead
), sides AS (
    SELECT c.case_id, x.source, x.feed, x.person_id FROM (SELECT case_id, unnest(records) AS record_key FROM every_case) c JOIN records x USING (record_key)
), concerned AS (
    SELECT case_id, unnest(person_ids) AS person_id FROM every_case WHERE kind <> 'quality_sample'
    UNION SELECT case_id, person_id FROM sides JOIN every_case USING (case_id) WHERE kind <> 'quality_sample'
), of_persons AS (
    SELECT c.case_id, count(*) AS persons, sum(p.records) AS all_records, bool_or(list_contains($high_harm_statuses, p.status)) AS harmful_status
    FROM concerned c JOIN people p USING (person_id) GROUP BY c.case_id
), harmful AS (
    -- Told of every case, the quality sample's too: whether somebody is dead says nothing of what the machine decided.
    SELECT DISTINCT s.case_id FROM sides s JOIN people p USING (person_id) WHERE list_contains($high_harm_statuses, p.status)
), paid AS (
    SELECT DISTINCT c.case_id FROM concerned c JOIN records x USING (person_id) WHERE list_contains($benefit_feeds, x.feed)
), of_places AS (
    SELECT s.case_id, list_sort(list_distinct(list(p.residence_street))) AS streets, list_sort(list_distinct(list(p.residence_community))) AS communities
    FROM sides s JOIN people p USING (person_id) GROUP BY s.case_id
), of_sources AS (
    SELECT case_id, list_sort(list_distinct(list(source))) AS sources FROM sides GROUP BY case_id
)
SELECT c.*, coalesce(o.sources, []) AS sources, coalesce(w.streets, []) AS streets, coalesce(w.communities, []) AS communities,
       coalesce(p.persons, 0) AS persons, coalesce(p.all_records, len(c.records)) AS all_records,
       c.kind = 'possible_death' OR coalesce(p.harmful_status, false) OR harmful.case_id IS NOT NULL AS is_high_harm, paid.case_id IS NOT NULL AS is_paid,
       -- Harm: money or a death is at stake, many records and departments would be wrong. Information: a coin's toss teaches most.
       CASE WHEN c.kind = 'possible_death' OR coalesce(p.harmful_status, false) THEN 20 ELSE 0 END + CASE WHEN paid.case_id IS NOT NULL THEN 10 ELSE 0 END
           + least(coalesce(p.all_records, len(c.records)), 10) + 2 * len(coalesce(o.sources, [])) AS harm,
       CASE WHEN c.kind = 'quality_sample' THEN 20.0
            ELSE coalesce(round(40 * pow(2, c.match_weight) / pow(1 + pow(2, c.match_weight), 2), 1), 0) END AS information,
       least(c.priority, 60.0) AS urgency
FROM every_case c LEFT JOIN of_persons p USING (case_id) LEFT JOIN harmful USING (case_id) LEFT JOIN paid USING (case_id) LEFT JOIN of_places w USING (case_id) LEFT JOIN of_sources o USING (case_id)
