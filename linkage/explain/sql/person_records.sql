SELECT source, feed, record_id, source || ':' || record_id AS record_key, link_kind, link_rule, link_match_weight, linked_to, confidence, feed || ' ' || content_hash AS content
FROM register.crosswalk WHERE person_id = $id ORDER BY source, record_id;
