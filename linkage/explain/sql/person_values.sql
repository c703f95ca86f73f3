-- Every candidate of every golden field of one person: the winner first, then by value, the latest first.
SELECT v.field, v.value, v.source, c.feed, v.source || ':' || v.record_id AS record_key, v.observed_on, v.won, v.reason
FROM "values" v JOIN register.crosswalk c ON c.source = v.source AND c.record_id = v.record_id AND c.person_id = v.person_id
WHERE v.person_id = $id ORDER BY v.field, v.won DESC, v.value, v.observed_on DESC NULLS LAST, v.source, v.record_id;
