-- By what a record is known again when its department numbers it anew: the hash of the whole row as it came, and hashes of number, name and
-- birth date as standardised. Reads common_records. The hashes are as personal as the values: they stay in the state, no slice holds them.
CREATE OR REPLACE TEMP VIEW record_evidence AS
SELECT record_key, feed, content_hash, sha256('number ' || coalesce(identity_number, identity_partial)) AS number_hash,
       sha256('name ' || coalesce(name_key, full_name)) AS name_hash, sha256('birth ' || CAST(birth_date AS VARCHAR)) AS birth_hash
FROM common_records;
