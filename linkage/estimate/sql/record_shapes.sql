-- What estimates need of each record: its good number, its person and subgroups, and its shape, that is what it says besides a number.
-- Records without a number are of other shapes than those with one: the hold-out is weighted to theirs. Reads common_records, links, group_subgroups.
CREATE OR REPLACE TEMP TABLE estimate_records AS
SELECT r.record_key, l.person_id,
       -- Without a number is the record here, not the person: a person may have none only because a link was missed.
       list_concat(list_filter(g.subgroups, lambda s: s <> 'without_number'), CASE WHEN r.identity_number IS NULL THEN ['without_number'] ELSE [] END) AS subgroups,
       good_number(r.identity_grade, r.identity_kind, r.identity_number) AS number,
       concat_ws('|', r.feed, r.birth_date IS NOT NULL, r.name_kind IN ('ordinary', 'minority', 'latin'), len(r.phones) > 0,
                 r.residence_dwelling_key IS NOT NULL OR r.hukou_dwelling_key IS NOT NULL) AS shape
FROM common_records r JOIN links l USING (record_key) JOIN group_subgroups g ON g.group_key = l.person_id;
