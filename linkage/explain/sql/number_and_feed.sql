-- What else can keep two records apart: a good number of each, and the feed.
SELECT record_key, feed, good_number(identity_grade, identity_kind, identity_number) AS good_number
FROM common_records WHERE record_key IN (SELECT unnest($keys));
