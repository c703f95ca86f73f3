-- What else can keep two records apart: a good number of each, and the feed.
SELECT record_key, feed, CASE WHEN identity_grade = 'A' AND identity_kind IN ('resident_id', 'hmt_residence_permit', 'foreign_permanent_resident') THEN identity_number END AS good_number
FROM common_records WHERE record_key IN (SELECT unnest($keys));
